"""What real orgs answered, read by our own parsers."""

import json
from pathlib import Path

import pytest

from orgsync.errors import AnswerUnreadable, SignInNeeded
from orgsync.salesforce.http import JSON, Answer, Http
from orgsync.salesforce.oauth import request_token
from orgsync.salesforce.oauth_errors import refusal
from orgsync.salesforce.token_answer import parse_token_answer

from .raw_server import RawServer, reply

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the recordings of real orgs are not beside the project"
)


def exchanges() -> list[dict[str, JSON]]:
    """Give every recorded exchange with the token endpoint, or with a refused session."""
    if not RECORDINGS.is_dir():
        return []
    rows = [json.loads(line) for line in (RECORDINGS / "exchanges.jsonl").read_text().splitlines()]
    return [row for row in rows if row.get("path") == "/services/oauth2/token"]


def label(row: dict[str, JSON]) -> str:
    return f"{row['source']} {str(row['file'])[-40:]} {row['n']}"


def fixture(name: str) -> JSON:
    document: JSON = json.loads((RECORDINGS / "restforce+restforce" / "spec" / "fixtures" / name).read_text())
    return document


def test_there_are_recorded_sign_ins_to_read() -> None:
    assert len([row for row in exchanges() if row["status"] == 200]) >= 10
    assert len([row for row in exchanges() if row["status"] == 400]) >= 1


@pytest.mark.parametrize("row", [row for row in exchanges() if row["status"] == 200], ids=label)
def test_a_recorded_token_answer_is_read_whole(row: dict[str, JSON]) -> None:
    answer = parse_token_answer(json.loads(str(row["body"])))
    assert answer.org_id is not None
    assert len(answer.org_id) == 18
    assert answer.user_id is not None
    assert answer.instance_url is not None
    assert answer.issued_at is not None
    assert 2015 <= answer.issued_at.year <= 2026
    assert (answer.refresh_token, answer.expires_in) == (None, None)


@pytest.mark.parametrize("row", [row for row in exchanges() if row["status"] == 400], ids=label)
async def test_a_recorded_refusal_is_raised_with_its_remedy(row: dict[str, JSON]) -> None:
    async with RawServer(reply(400, str(row["body"]).encode())) as server, Http() as http:
        with pytest.raises(SignInNeeded, match="No app with this client id") as caught:
            await request_token(http, server.url, {"grant_type": "refresh_token"})
    assert "10 minutes" in caught.value.remedy


@pytest.mark.parametrize(
    "name", ["auth_success_response.json", "reauth_success_response.json", "refresh_success_response.json"]
)
def test_the_answers_that_another_client_keeps_are_read(name: str) -> None:
    answer = parse_token_answer(fixture(name))
    assert answer.access_token
    assert answer.instance_url == "https://na1.salesforce.com"
    assert answer.issued_at is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [("auth_error_response.json", "these credentials"), ("refresh_error_response.json", "refresh token is dead")],
)
def test_the_refusals_that_another_client_keeps_are_explained(name: str, words: str) -> None:
    document = fixture(name)
    assert isinstance(document, dict)
    assert words in refusal(str(document["error"]), str(document["error_description"])).cause


def test_the_pages_that_came_instead_of_json_say_what_they_are() -> None:
    bodies: list[dict[str, JSON]] = json.loads((RECORDINGS / "documented-and-reported" / "bodies.json").read_text())[
        "bodies"
    ]
    for body in bodies:
        kind = str(body.get("content_type") or "")
        if "html" in kind:
            answer = Answer(
                int(str(body["status"] or 500)), {"content-type": kind}, str(body["body"]).encode(), "GET", "x"
            )
            with pytest.raises(AnswerUnreadable, match=r"HTML|maintenance page"):
                answer.json()
