"""The page of the API's calls."""

import httpx

from orgsync.server.api_reference import operations
from tests.plain_http import NOBODY

from .serving import Served


async def test_every_call_of_the_document_is_on_the_page_with_what_it_takes(served: Served) -> None:
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as visitor:
        shown = (await visitor.get("/docs")).text
        document = (await visitor.get("/openapi.json")).json()
    for listed in operations(document).values():
        for each in listed:
            assert f"<b>{each.method}</b> {each.path}</code>" in shown
            for field in each.fields:
                assert f"<code>{field.name}</code>" in shown
    jobs = {each.path: each for each in operations(document)["jobs"] if each.method == "POST"}["/api/v1/jobs"]
    fields = {field.name: field for field in jobs.fields}
    assert (fields["wait"].place, fields["name"].place, fields["kind"].kind) == ("query", "body", "sync or action")
    assert fields["name"].required
    assert not fields["tag"].required
    assert fields["connection"].kind == "string or null"
