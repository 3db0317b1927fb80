"""A cassette is text that people read, and reading it gives back what was written."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orgsync.cassettes import Cassette, RecordedConnection, read_cassette, write_cassette
from orgsync.cassettes.interaction import Interaction, RecordedRequest, RecordedResponse
from orgsync.cassettes.json_layout import laid_out
from orgsync.errors import CassetteInvalid

WHEN = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json;charset=UTF-8", "date": "Sat, 31 Jan 2026 10:15:00 GMT"}

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.sampled_from(["q", "id", "Ünï", "a b", "yes", "1", "null", "~", "2026-01-31", "=", ""])
PAIRS = st.lists(st.tuples(NAMES, TEXTS), max_size=4)
TOKENS = ["1.10", "1E+2", "-0.0", "3.0", "1.23456789E9", "12345678901234567890", "true", "null", '"\\u00e9\\/"', '"Ω"']
BODIES = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            '"Id","Name"\r\n"003","Ada \r\n Lovelace"\r\n',
            "a line \n and another\t\n",
            "\n\n leading and trailing \n\n",
            "- a list\n- in YAML: 5\n",
            "\ufeffbom",
            "\x00\x07\x85\u2028\u2029",
            "---\n...\n",
            "5",
            "null",
            "[]",
            "{}",
        ]
    ),
    st.lists(st.sampled_from(TOKENS), max_size=3).map(
        lambda each: f'{{"records":[{{"a":[{",".join(each)}]}}],"b":1.10}}'
    ),
)


def token_request(form: str) -> RecordedRequest:
    return RecordedRequest("POST", "", "/services/oauth2/token", (), FORM, form)


REQUESTS = st.one_of(
    st.builds(
        RecordedRequest,
        method=st.sampled_from(["GET", "POST", "PATCH"]),
        origin=st.sampled_from(["", "https://api.example.org", "http://127.0.0.1:8080"]),
        path=st.sampled_from(["/services/data/v62.0/query", "/", "/go/https://elsewhere.example", "/å ä"]),
        query=PAIRS.map(tuple),
        headers=st.sampled_from([{}, {"content-type": "text/csv"}, {"if-modified-since": "yes"}]),
        body=BODIES,
    ),
    st.builds(token_request, st.one_of(PAIRS.map(urlencode), TEXTS)),
)
RESPONSES = st.builds(
    RecordedResponse,
    status=st.integers(100, 599),
    headers=st.one_of(
        st.just(dict[str, str]()),
        st.dictionaries(st.sampled_from(["etag", "warning"]), TEXTS).map(lambda got: JSON | got),
    ),
    body=st.one_of(BODIES, st.binary(min_size=1, max_size=40)),
    reason=st.sampled_from(["", "OK", "No"]),
)
STEPS = st.tuples(REQUESTS, RESPONSES, st.integers(0, 10**9), st.integers(0, 3))


def step_of(number: int, made: tuple[RecordedRequest, RecordedResponse, int, int]) -> Interaction:
    request, response, milliseconds, back = made
    return Interaction(request, response, WHEN + timedelta(milliseconds=milliseconds), max(0, number - back))


CASSETTES = st.builds(
    Cassette,
    st.lists(STEPS, max_size=4).map(lambda made: tuple(step_of(number, each) for number, each in enumerate(made))),
    st.builds(
        RecordedConnection,
        st.sampled_from(["refresh-token", "jwt", "client-credentials"]),
        st.sampled_from(["production", "sandbox", "custom"]),
        st.sampled_from(["59.0", "62.0"]),
    ),
)


def as_read(interaction: Interaction) -> Interaction:
    """Say what reading gives: JSON is laid out, and beyond that nothing is another."""
    request, response = interaction.request, interaction.response
    sent = request.body if request.headers == FORM else laid_out(request.body)
    got = laid_out(response.body) if isinstance(response.body, str) else response.body
    return replace(interaction, request=replace(request, body=sent), response=replace(response, body=got))


@given(cassette=CASSETTES)
def test_what_is_written_is_read_again(cassette: Cassette, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "law.yaml"
    write_cassette(file, cassette)
    read = read_cassette(file)
    assert read.connection == cassette.connection
    assert list(read.interactions) == [as_read(each) for each in cassette.interactions]
    text = file.read_bytes()
    write_cassette(file, read)
    assert file.read_bytes() == text


def some(body: str | bytes = "{}", **request: Any) -> Interaction:
    sent = replace(RecordedRequest("GET", "", "/services/data"), **request)
    return Interaction(sent, RecordedResponse(200, JSON, body, "OK"), WHEN, 0)


def written(folder: Path, *interactions: Interaction) -> str:
    file = folder / "it.yaml"
    write_cassette(file, Cassette(interactions, origin="Recorded from a production org."))
    return file.read_text(encoding="utf-8")


def test_a_cassette_begins_with_what_it_is_and_its_steps_by_name(tmp_path: Path) -> None:
    text = written(tmp_path, some(), some(path="/services/data/v62.0/query", query=(("q", "SELECT Id FROM Case"),)))
    heading, _, rest = text.partition("version: 2\n")
    assert [line.startswith("# ") for line in heading.splitlines()] == [True, True]
    assert "Recorded from a production org." in heading
    assert "contents:\n- GET /services/data -> 200\n- GET query Case -> 200\n" in rest


def test_a_page_of_records_is_written_a_record_a_line(tmp_path: Path) -> None:
    body = '{"totalSize":2,"done":true,"records":[{"Id":"003A","Amount":1.10},{"Id":"003B","Amount":1E+2}]}'
    assert """\
    body: |-
      {
        "totalSize": 2,
        "done": true,
        "records": [
          {"Id": "003A", "Amount": 1.10},
          {"Id": "003B", "Amount": 1E+2}
        ]
      }
""" in written(tmp_path, some(body))


def test_a_form_and_a_query_are_written_by_their_names(tmp_path: Path) -> None:
    form = RecordedRequest("POST", "", "/token", (), FORM, "grant_type=refresh_token&scope=api+id")
    step = replace(some(query=(("q", "SELECT Id FROM Case WHERE Subject = 'å'"),)))
    document = yaml.safe_load(
        written(tmp_path, replace(step, request=form), step, some(query=(("id", "1"), ("id", "2"))))
    )
    sent = [each["request"] for each in document["interactions"]]
    assert sent[0]["form"] == {"grant_type": "refresh_token", "scope": "api id"}
    assert sent[1]["query"] == {"q": "SELECT Id FROM Case WHERE Subject = 'å'"}
    assert sent[2]["query"] == [["id", "1"], ["id", "2"]]


def test_a_long_line_is_not_folded(tmp_path: Path) -> None:
    soql = "SELECT " + ", ".join(f"Field{number}__c" for number in range(400)) + " FROM Account"
    assert soql in written(tmp_path, some(query=(("q", soql),)))


def test_a_cassette_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    before = written(tmp_path, some())
    with pytest.raises(UnicodeEncodeError):
        written(tmp_path, some("\ud800"))
    assert (tmp_path / "it.yaml").read_text(encoding="utf-8") == before
    (tmp_path / "it.yaml").unlink()
    with pytest.raises(UnicodeEncodeError):
        written(tmp_path, some("\ud800"))
    assert not list(tmp_path.glob("*.yaml"))


HAND_MADE = """\
version: 2
interactions:
  - request:
      method: POST
      uri: /services/oauth2/token
      headers: {Content-Type: application/x-www-form-urlencoded}
      form: {grant_type: refresh_token}
    response:
      status: 200
      headers: {Date: "Sat, 31 Jan 2026 10:15:00 GMT"}
      body: |
        {"access_token": "ACCESS-TOKEN-1", "instance_url": "https://instance-1.test"}
  - request: {method: GET, uri: /services/data/v62.0/limits, query: {a: 1}, at: 2026-01-31T10:15:01Z}
    response: {status: 204}
  - request: {method: GET, uri: "https://api.example.org", at: "2026-01-31 10:15:02.5Z"}
    response: {status: 200, headers: {Retry-After: 30}, body: "x"}
"""


def test_a_cassette_that_is_written_by_hand_may_leave_out_what_follows(tmp_path: Path) -> None:
    file = tmp_path / "it.yaml"
    file.write_text(HAND_MADE)
    cassette = read_cassette(file)
    first, second, third = cassette.interactions
    assert cassette.connection == RecordedConnection("refresh-token", "production", "62.0")
    assert [each.after for each in cassette.interactions] == [0, 1, 2]
    assert [each.at - WHEN for each in cassette.interactions] == [timedelta(seconds=each) for each in (0, 1, 2.5)]
    assert first.request == RecordedRequest("POST", "", "/services/oauth2/token", (), FORM, "grant_type=refresh_token")
    assert (second.request.query, second.response) == ((("a", "1"),), RecordedResponse(204))
    assert (third.request.origin, third.request.path) == ("https://api.example.org", "")
    assert third.response.headers == {"retry-after": "30"}


def test_a_missing_cassette_is_reported_with_how_to_record_it(tmp_path: Path) -> None:
    with pytest.raises(CassetteInvalid) as caught:
        read_cassette(tmp_path / "none.yaml")
    assert caught.value.cause == f"There is no cassette {tmp_path / 'none.yaml'}."
    assert caught.value.remedy == "Record it: pytest --record --connection NAME."


def test_a_folder_is_no_cassette(tmp_path: Path) -> None:
    with pytest.raises(CassetteInvalid, match=r"cannot be read: Is a directory\. Make it a file"):
        read_cassette(tmp_path)


GOOD = """\
version: 2
contents: [GET /a -> 200]
interactions:
- request: {method: GET, uri: /a, at: '2026-01-31T10:15:00Z'}
  response: {status: 200, headers: {date: 'Sat, 31 Jan 2026 10:15:00 GMT'}, body: text}
"""

DAMAGES = {
    "empty": (GOOD, "", ": expected a mapping, got a text"),
    "no YAML": (GOOD, "a: [1", ": line 2, "),
    "a tab": ("version: 2", "version:\n\t1", ": line 2, "),
    "a text": (GOOD, "hello", ": expected a mapping, got a text"),
    "a list": (GOOD, "[1, 2]", ": expected a mapping, got a list"),
    "bytes": (GOOD, "\x00\x01", ""),
    "Python objects": ("body: text", "body: !!python/object:os.system {}", ": step 1, response, body: expected a text"),
    "a deep hole": ("body: text", f"body: {'[' * 2000}{']' * 2000}", ""),
    "no version": ("version: 2", "", ": `version` is missing"),
    "another version": ("version: 2", "version: 1", ": it has version 1, and this orgsync reads version 2"),
    "contents of another kind": ("[GET /a -> 200]", "5", ": contents: expected a list"),
    "no interactions": ("interactions:", "others:", ": `others` is unknown"),
    "interactions of another kind": ("interactions:\n-", "interactions:\n ", ": interactions: expected a list"),
    "no request": ("- request:", "- req:", ": step 1: `req` is unknown"),
    "no uri": ("uri: /a, ", "", ": step 1, request: `uri` is missing"),
    "no method": ("method: GET, ", "", ": step 1, request: `method` is missing"),
    "a header that is misspelt": ("headers:", "header:", ": step 1, response: `header` is unknown"),
    "no status": ("status: 200, ", "", ": step 1, response: `status` is missing"),
    "a status in words": ("status: 200", "status: fine", ": step 1, response, status: expected a number"),
    "a mapping as a body": ("body: text", "body: {a: 1}", ": step 1, response, body: expected a text, got a mapping"),
    "no time": ("at: '2026-01-31T10:15:00Z'", "at: soon", ": step 1, request, at: expected an instant, such as"),
    "a time without a zone": ("10:15:00Z", "10:15:00", ": step 1, request, at: expected an instant with a timezone"),
    "no time at all": (
        ", at: '2026-01-31T10:15:00Z'}\n  response: {status: 200, headers: {date: 'Sat, 31 Jan 2026 10:15:00 GMT'}",
        "}\n  response: {status: 200",
        ": step 1 has neither `at` nor a response with a date",
    ),
    "a date beyond all time": (
        ", at: '2026-01-31T10:15:00Z'}\n  response: {status: 200, headers: {date: 'Sat, 31 Jan 2026 10:15:00 GMT'}",
        "}\n  response: {status: 200, headers: {date: 'Sat, 31 Dec 9999 23:59:59 -2300'}",
        "",
    ),
    "a step after later ones": ("at: '", "after: 3, at: '", ": step 1 cannot come after 3 others"),
    "a grant of another kind": (
        "version: 2",
        "version: 2\nconnection: {grant: magic}",
        ": connection, grant: 'magic' is unknown",
    ),
    "a fact that is unknown": (
        "version: 2",
        "version: 2\nconnection: {colour: red}",
        ": connection: `colour` is unknown",
    ),
    "a query that is a number": ("uri: /a", "uri: /a, query: 5", ": step 1, request, query: expected a mapping or a"),
    "headers that are a list": (
        "headers: {date: 'Sat, 31 Jan 2026 10:15:00 GMT'}",
        "headers: [a]",
        ": step 1, response, headers: expected a mapping",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cassette_is_reported_in_two_sentences(damage: str, tmp_path: Path) -> None:
    before, after, reason = DAMAGES[damage]
    assert before in GOOD
    file = tmp_path / "it.yaml"
    file.write_text(GOOD.replace(before, after))
    with pytest.raises(CassetteInvalid) as caught:
        read_cassette(file)
    assert caught.value.cause.startswith(f"{file} is not a cassette{reason}")
    assert caught.value.remedy == "Correct it, or record it again: pytest --record."
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["5", "1.10", "yes", "null", "2026-01-31", "'5'"])
def test_a_text_that_yaml_could_take_for_something_else_is_read_as_it_stands(text: str, tmp_path: Path) -> None:
    file = tmp_path / "it.yaml"
    file.write_text(GOOD.replace("body: text", f"body: {text}"))
    assert read_cassette(file).interactions[0].response.body == text.strip("'")


@given(data=st.data())
def test_whatever_is_done_to_a_cassette_nothing_but_its_damage_is_reported(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged.yaml"
    start = data.draw(st.integers(0, len(HAND_MADE)))
    end = data.draw(st.integers(start, min(start + 40, len(HAND_MADE))))
    odd = data.draw(
        st.sampled_from(["", ":", "- ", "5", "[", "{}", "null", "'", "&a *a", "!!binary x", "é", "\n", "\t"])
    )
    file.write_text(HAND_MADE[:start] + odd + HAND_MADE[end:])
    with suppress(CassetteInvalid):
        read_cassette(file)


def test_a_step_that_its_contents_have_and_the_cassette_has_not_is_named(tmp_path: Path) -> None:
    file = tmp_path / "it.yaml"
    steps = [some(path=f"/{name}") for name in "abc"]
    with pytest.raises(
        CassetteInvalid, match=r"^Step 2 of 3, GET /b -> 200, is missing from .*it\.yaml\. Record it again"
    ):
        read_without(file, steps, 1)
    write_cassette(file, Cassette(tuple(steps)))
    document: Any = yaml.safe_load(file.read_text())
    del document["contents"][2]
    file.write_text(yaml.safe_dump(document))
    with pytest.raises(
        CassetteInvalid, match="has a step that is not in its contents: GET /c -> 200 is there as step 3"
    ):
        read_cassette(file)


def test_a_step_that_has_become_another_is_named_with_what_is_there_now(tmp_path: Path) -> None:
    file = tmp_path / "it.yaml"
    write_cassette(file, Cassette((some(path="/a"), some(path="/b"))))
    file.write_text(file.read_text().replace("status: 200", "status: 404", 1))
    with pytest.raises(
        CassetteInvalid, match=r"Step 1 of 2, GET /a -> 200, is missing .*; GET /a -> 404 is there as step 1"
    ):
        read_cassette(file)


def read_without(file: Path, steps: list[Interaction], number: int) -> Cassette:
    write_cassette(file, Cassette(tuple(steps)))
    document: Any = yaml.safe_load(file.read_text())
    del document["interactions"][number]
    file.write_text(yaml.safe_dump(document))
    return read_cassette(file)
