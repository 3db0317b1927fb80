"""A call that Salesforce refuses as a whole, for one row or for all: which rows are written, and by how many calls."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from orgsync.salesforce.http.http import Http
from orgsync.writes import WriteRequest, WriteResult, write_rows
from tests.api.clients import lone_client
from tests.servers.replies import Reply, Request, serving_replies

JSON = {"content-type": "application/json;charset=UTF-8"}
FIELDS = {"Id": "id", "Name": "string", "Born__c": "string"}
GOOD = "1815-12-10"

Refuse = Callable[[Sequence[str]], tuple[str, str] | None]
"""Return code and message of a call with these values, where it is refused."""


def by_value(values: Sequence[str]) -> tuple[str, str] | None:
    """Refuse a call for its first value that is not a date, as the parser of the request does."""
    for number, value in enumerate(values):
        if value != GOOD:
            where = f"at [line:1, column:{40 * number + 80}]"
            return "JSON_PARSER_ERROR", f"Cannot deserialize instance of date from VALUE_STRING value {value} {where}"
    return None


def always(code: str) -> Refuse:
    return lambda values: (code, f"Something is wrong at [line:1, column:{40 * len(values)}]")


class Org:
    """Takes collections of things, each call whole or not at all."""

    def __init__(self, refuse: Refuse) -> None:
        self.refuse = refuse
        self.calls: list[int] = []
        self.names: list[str] = []

    def answer(self, request: Request) -> Reply:
        path = request.target.partition("?")[0]
        if path == "/services/data":
            return _json([{"label": "x", "url": "/services/data/v62.0", "version": "62.0"}])
        if path.endswith("/describe"):
            shared: dict[str, Any] = {
                "createable": True,
                "updateable": True,
                "calculated": False,
                "referenceTo": [],
                "length": 255,
            }
            fields = [{"name": name, "type": kind, **shared} for name, kind in FIELDS.items()]
            return _json({"name": "Thing__c", "queryable": True, "createable": True, "fields": fields})
        records = json.loads(request.body)["records"]
        self.calls.append(len(records))
        if refused := self.refuse([each["Born__c"] for each in records]):
            return _json([{"errorCode": refused[0], "message": refused[1]}], 400)
        self.names += [each["Name"] for each in records]
        return _json([{"id": "a0B8w0000000001AAA", "success": True, "errors": []} for _ in records])


def _json(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body), JSON)


async def written(org: Org, values: Sequence[str]) -> WriteResult:
    with serving_replies(org.answer) as url:
        async with Http() as http:
            rows = [{"Name": str(number), "Born__c": value} for number, value in enumerate(values)]
            return await write_rows(lone_client(http, url), WriteRequest("Thing__c", "insert"), rows)


@pytest.mark.parametrize(
    ("bad", "most"),
    [
        ([0], 25),
        ([77], 25),
        ([199], 25),
        ([50, 150], 35),
        (range(0, 200, 2), 211),
        (range(1, 200, 2), 211),
        (range(180), 211),
        (range(20, 200), 211),
        (range(0, 200, 7), 211),
        ([number for number in range(200) if number % 10 != 3], 211),
    ],
)
async def test_only_rows_at_fault_are_refused_and_calls_are_few(bad: Sequence[int], most: int) -> None:
    org = Org(by_value)
    result = await written(org, ["soon" if number in set(bad) else GOOD for number in range(200)])
    assert [each.place for each in result.failures()] == list(bad)
    assert sorted(map(int, org.names)) == [number for number in range(200) if number not in set(bad)]
    assert {(each.status.value, each.code) for each in result.failures()} == {("refused", "JSON_PARSER_ERROR")}
    assert result.problem is None
    assert len(org.calls) <= most


async def test_rows_that_are_all_refused_for_reasons_of_their_own_cost_a_call_each() -> None:
    org = Org(by_value)
    result = await written(org, [f"day {'x' * number}" for number in range(200)])
    assert [each.message.count("x") for each in result] == list(range(200))
    assert len(org.calls) <= 211


@pytest.mark.parametrize("refuse", [by_value, always("JSON_PARSER_ERROR"), always("A_CODE_OF_TOMORROW")])
async def test_rows_that_are_refused_alike_cost_hardly_more_than_a_call_each(refuse: Refuse) -> None:
    org = Org(refuse)
    result = await written(org, [f"{number:02}.12.1815" for number in range(300)])
    assert (result.refused, result.rows, result.problem) == (300, 300, None)
    assert len(org.calls) <= 322


@pytest.mark.parametrize("code", ["INVALID_FIELD", "EXCEEDED_ID_LIMIT", "API_DISABLED_FOR_ORG", "INVALID_TYPE"])
async def test_a_call_that_no_row_is_the_reason_for_is_sent_once(code: str) -> None:
    org = Org(always(code))
    result = await written(org, [GOOD] * 300)
    assert org.calls == [200]
    assert (result.refused, result.unprocessed, result.written) == (200, 100, 0)
    assert {each.message for each in result.failures() if each.code == code} == {
        "The whole call was refused: Something is wrong at [line:1, column:8000]"
    }
    assert result.problem is not None
