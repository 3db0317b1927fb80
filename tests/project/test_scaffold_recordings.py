"""Syncs written from describes that real orgs gave."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from orgsync.errors import NameUnknown
from orgsync.project.scaffold import NewScript, script_for, write
from orgsync.records import schema_of
from orgsync.salesforce.api.describe import list_objects
from orgsync.salesforce.http.http import Http
from orgsync.scripts.discovery import load_syncs
from orgsync.scripts.loading import load_scripts, record_classes
from tests.api.clients import lone_client
from tests.http.raw_server import RawServer, reply
from tests.recordings import FOLDER, needs_recordings

from .test_scaffold import checked_by_ruff

pytestmark = needs_recordings

CASSETTES = sorted((FOLDER / "SFDO-Tooling+CumulusCI" / "cumulusci" / "tests").glob("**/GET_sobjects_*_describe.yaml"))
BODIES = [
    FOLDER / "MyOutDeskLLC+SalesforcePhp/tests/fixtures/responses/sobject/describe_object.json",
    FOLDER / "restforce+restforce/spec/fixtures/sobject/sobject_describe_success_response.json",
]
DESCRIBES = [path for path in CASSETTES if "Global" not in path.name] + BODIES

SYSTEM = {"Id", "SystemModstamp", "IsDeleted"}


def body_of(path: Path) -> dict[str, Any]:
    """Read the answer's body out of a recording, whatever keeps it."""
    text = path.read_text(encoding="utf-8")
    body: dict[str, Any]
    if path.suffix == ".yaml":
        body = json.loads(yaml.safe_load(text)["response"]["body"]["string"])
    else:
        body = json.loads(text)
        body = json.loads(body["data"]) if "data" in body else body
    return body


async def written(body: dict[str, Any], folder: Path) -> NewScript:
    async with RawServer(reply(200, body)) as server, Http() as http:
        script = await script_for(lone_client(http, server.url), body["name"])
    write(script, folder / f"{script.name}.py")
    return script


@pytest.mark.parametrize("path", DESCRIBES, ids=lambda path: path.stem)
async def test_every_recorded_describe_gives_a_script_that_loads(path: Path, tmp_path: Path) -> None:
    body = body_of(path)
    script = await written(body, tmp_path)
    (found,) = load_syncs(tmp_path)
    assert (found.name, found.problem) == (script.name, None)
    module = load_scripts(tmp_path)[0].module
    assert module is not None
    (model,) = record_classes(module)
    schema = schema_of(model)
    reported = {column.path for column in schema.fields}
    assert schema.sobject == body["name"]
    assert script.fields + sum(map(len, script.left_out.values())) == len(
        {each["name"] for each in body["fields"]} - SYSTEM
    )
    for each in body["fields"]:
        parts = {part["name"] for part in body["fields"] if part.get("compoundFieldName") == each["name"]}
        assert each["name"] in reported | SYSTEM or parts <= reported, each["name"]
    checked_by_ruff(tmp_path)


async def test_an_account_of_an_org_with_person_accounts_keeps_the_name_that_companies_have(tmp_path: Path) -> None:
    path = next(each for each in DESCRIBES if "PersonAccount" in each.name)
    text = (await written(body_of(path), tmp_path)).text
    assert "    name: str | None\n    last_name: str | None" in text


async def test_a_recorded_list_of_objects_gives_the_nearest() -> None:
    (path,) = (each for each in CASSETTES if "Global" in each.name)
    listed = reply(200, body_of(path))
    absent = reply(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])
    async with RawServer(listed) as server, Http() as http:
        names = await list_objects(lone_client(http, server.url))
    assert {"Account", "Opportunity"} <= set(names)
    async with RawServer(absent, listed) as server, Http() as http:
        with pytest.raises(NameUnknown) as refused:
            await script_for(lone_client(http, server.url), "opportunities")
    assert refused.value.cause.endswith(" Did you mean Opportunity?")
