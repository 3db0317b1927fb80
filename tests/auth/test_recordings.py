"""What real orgs answered, read by our own parsers."""

import json

import pytest

from orgsync.errors import ResponseUnreadable, SignInNeeded
from orgsync.salesforce.auth.sign_in_errors import refusal
from orgsync.salesforce.auth.token_endpoint import request_token
from orgsync.salesforce.auth.token_response import parse_token_response
from orgsync.salesforce.http.http import JSON, Http, Response
from tests.recorded.exchange import Exchange
from tests.recorded.units import all_exchanges
from tests.recordings import FOLDER, needs_recordings, reported

from ..http.raw_server import RawServer, reply

pytestmark = needs_recordings


def sign_ins(status: int) -> list[Exchange]:
    """Give every exchange with the token endpoint that was recorded whole, from request to answer."""
    return [
        each
        for each in all_exchanges()
        if (each.path, each.status) == ("/services/oauth2/token", status) and not each.source.startswith("restforce+")
    ]


def label(recorded: Exchange) -> str:
    return f"{recorded.source} {recorded.file[-40:]} {recorded.n}"


def fixture(name: str) -> JSON:
    document: JSON = json.loads((FOLDER / "restforce+restforce" / "spec" / "fixtures" / name).read_text())
    return document


def test_there_are_recorded_sign_ins_to_read() -> None:
    assert len(sign_ins(200)) >= 10
    assert len(sign_ins(400)) >= 1


@pytest.mark.parametrize("recorded", sign_ins(200), ids=label)
def test_a_recorded_token_answer_is_read_whole(recorded: Exchange) -> None:
    answer = parse_token_response(json.loads(recorded.body))
    assert answer.org_id is not None
    assert len(answer.org_id) == 18
    assert answer.user_id is not None
    assert answer.instance_url is not None
    assert answer.issued_at is not None
    assert 2015 <= answer.issued_at.year <= 2026
    assert (answer.refresh_token, answer.expires_in) == (None, None)


@pytest.mark.parametrize("recorded", sign_ins(400), ids=label)
async def test_a_recorded_refusal_is_raised_with_its_remedy(recorded: Exchange) -> None:
    async with RawServer(reply(400, recorded.body.encode())) as server, Http() as http:
        with pytest.raises(SignInNeeded, match="No app with this client id") as caught:
            await request_token(http, server.url, {"grant_type": "refresh_token"})
    assert "10 minutes" in caught.value.remedy


@pytest.mark.parametrize(
    "name", ["auth_success_response.json", "reauth_success_response.json", "refresh_success_response.json"]
)
def test_the_answers_that_another_client_keeps_are_read(name: str) -> None:
    answer = parse_token_response(fixture(name))
    assert answer.access_token
    assert answer.instance_url == "https://na1.salesforce.com"
    assert answer.issued_at is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("auth_error_response.json", "these credentials"),
        ("refresh_error_response.json", "does not accept the refresh token"),
    ],
)
def test_the_refusals_that_another_client_keeps_are_explained(name: str, words: str) -> None:
    document = fixture(name)
    assert isinstance(document, dict)
    assert words in refusal(str(document["error"]), str(document["error_description"])).cause


def test_the_pages_that_came_instead_of_json_say_what_they_are() -> None:
    for body in reported().values():
        kind = str(body.get("content_type") or "")
        if "html" in kind:
            answer = Response(
                int(str(body["status"] or 500)), {"content-type": kind}, str(body["body"]).encode(), "GET", "x"
            )
            with pytest.raises(ResponseUnreadable, match=r"HTML|maintenance page"):
                answer.json()
