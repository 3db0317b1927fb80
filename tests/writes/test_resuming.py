"""A write of the same rows under the same name resumes, and what may have been sent is not sent again unasked."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from orgsync import Org, Record, field
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import AlreadyRunning, ArgumentInvalid, FieldNotFound
from orgsync.salesforce.http.http import Http
from orgsync.salesforce.http.request import Request
from orgsync.salesforce.http.transport import HttpxTransport, TransportResponse
from tests.projects import project_at
from tests.writes.broken_off import BrokenOff, MortalTransport


class Contact(Record, table=True):
    """A person."""

    last_name: str
    first_name: str | None = None
    title: str | None = None
    account_name: str | None = field("Account.Name")


@pytest.fixture
def network() -> MortalTransport:
    return MortalTransport()


@pytest.fixture
async def acme(tmp_path: Path, org: DemoOrg, network: MortalTransport) -> AsyncGenerator[Org]:
    async with project_at(tmp_path, org) as sample, Http(10, transport=network) as http:
        yield await replace(sample.opened, http=http).open_org("acme")
        await network.aclose()


def people(number: int) -> list[dict[str, object]]:
    return [{"LastName": f"Name {each}"} for each in range(number)]


def count(org: DemoOrg) -> int:
    return len(org.rows("Contact")) - 25


async def test_records_are_written_with_the_fields_that_were_set(org: DemoOrg, acme: Org) -> None:
    row_id = str(org.rows("Contact")[0]["Id"])
    org.update("Contact", row_id, Title="Countess", FirstName="Ada")
    rows = [Contact(id=row_id, last_name="Lovelace", title=None, account_name="no field of its own")]
    assert (await acme.write(Contact, rows, operation="update")).written == 1
    [row] = [row for row in org.rows("Contact") if row["Id"] == row_id]
    assert (row["LastName"], row["FirstName"], row["Title"]) == ("Lovelace", "Ada", None)


async def test_mappings_may_use_the_names_of_a_record_class(org: DemoOrg, acme: Org) -> None:
    async def rows() -> AsyncGenerator[dict[str, object]]:
        yield {"last_name": "Lovelace", "FirstName": "Ada"}

    assert (await acme.write(Contact, rows(), operation="insert")).created == 1
    assert "Lovelace" in [row["LastName"] for row in org.rows("Contact")]


async def test_rows_of_ever_other_columns_keep_what_they_leave_out(org: DemoOrg, acme: Org) -> None:
    names = ("FirstName", "Title", "Department", "Phone", "Email")
    sets = [{name for at, name in enumerate(names) if number >> at & 1} for number in range(32)]
    rows = [{"LastName": f"Set {at}", **dict.fromkeys(each, "a@b.example")} for at, each in enumerate(sets)]
    result = await acme.write("Contact", rows, operation="insert")
    assert result.written == 32
    by_name = {row["LastName"]: row for row in org.rows("Contact")}
    for at, each in enumerate(sets):
        assert {name for name in names if by_name[f"Set {at}"][name]} == each


async def test_a_call_whose_response_is_lost_leaves_its_rows_unknown(org: DemoOrg, acme: Org) -> None:
    org.add_fault(Fault.reset(processed=True), match="composite/sobjects")
    result = await acme.write("Contact", people(300), operation="insert")
    assert (result.written, result.unknown) == (100, 200)
    assert count(org) == 300


async def test_a_lost_response_is_repeated_where_that_does_no_harm(org: DemoOrg, acme: Org) -> None:
    org.add_fault(Fault.reset(processed=True), match="composite/sobjects", times=2)
    ids = [{"Id": row["Id"]} for row in org.rows("Contact")]
    result = await acme.write("Contact", ids, operation="delete")
    assert (result.written, len(org.rows("Contact"))) == (25, 0)


async def test_rows_that_an_earlier_process_may_have_sent_are_not_sent_again(
    org: DemoOrg, acme: Org, network: MortalTransport
) -> None:
    network.die_after("POST", "composite/sobjects", calls=2)
    with pytest.raises(BrokenOff):
        await acme.write("Contact", people(500), operation="insert", resume_as="people")
    assert count(org) == 400
    network.recover()
    result = await acme.write("Contact", people(500), operation="insert", resume_as="people")
    assert (result.written, result.unknown) == (300, 200)
    assert [each.place for each in result.failures()] == list(range(200, 400))
    assert count(org) == 500


async def test_what_was_answered_is_kept_where_a_write_is_cancelled_during_the_call(
    tmp_path: Path, org: DemoOrg
) -> None:
    class Cancelling(HttpxTransport):
        async def request(self, request: Request) -> TransportResponse:
            if "composite/sobjects" in request.url:
                scope.cancel()
            return await super().request(request)

    network = Cancelling()
    async with project_at(tmp_path, org) as sample:
        with anyio.CancelScope() as scope:
            async with Http(10, transport=network) as http:
                acme = await replace(sample.opened, http=http).open_org("acme")
                await acme.write("Contact", people(500), operation="insert", resume_as="people")
        await network.aclose()
        assert (scope.cancelled_caught, count(org)) == (True, 200)
        acme = await sample.opened.open_org("acme")
        result = await acme.write("Contact", people(500), operation="insert", resume_as="people")
        assert (result.written, result.unknown, count(org)) == (500, 0, 500)


@pytest.mark.parametrize("step", ["POST jobs/ingest", "PUT batches", "PATCH 750", "GET 750", "GET failedResults"])
async def test_a_job_is_resumed_from_whatever_step_it_had_reached(
    org: DemoOrg, acme: Org, network: MortalTransport, step: str
) -> None:
    method, _, path = step.partition(" ")
    network.die_after(method, path)
    with pytest.raises(BrokenOff):
        await acme.write("Contact", people(2_100), operation="insert", resume_as="people")
    network.recover()
    result = await acme.write("Contact", people(2_100), operation="insert", resume_as="people")
    assert result.written == count(org) == 2_100


async def test_other_rows_under_the_same_name_are_refused(org: DemoOrg, acme: Org) -> None:
    await acme.write("Contact", people(3), operation="insert", resume_as="people")
    result = await acme.write("Contact", people(4), operation="insert", resume_as="people")
    assert isinstance(result.problem, ArgumentInvalid)
    assert (count(org), result.unknown, result.can_be_resumed) == (3, 4, False)
    assert "under another name" in result.problem.remedy
    assert "resumes" not in result.problem.remedy


async def test_rows_of_a_call_that_was_refused_as_a_whole_are_sent_again_by_the_next_call(
    org: DemoOrg, acme: Org
) -> None:
    org.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"), match="composite/sobjects")
    first = await acme.write("Contact", people(300), operation="insert", resume_as="people")
    assert (first.refused, first.unprocessed, first.can_be_resumed) == (200, 100, True)
    assert first.problem is not None
    resumes = "Then the same call with the same rows resumes the write, and writes no row twice."
    assert first.problem.remedy.endswith(resumes)
    assert (await acme.write("Contact", people(300), operation="insert", resume_as="people")).written == count(org)


async def test_two_processes_do_not_write_the_same_at_once(org: DemoOrg, acme: Org) -> None:
    async def rows() -> AsyncGenerator[dict[str, object]]:
        yield {"LastName": "A"}
        with pytest.raises(AlreadyRunning):
            await acme.write("Contact", people(1), operation="insert", resume_as="people")

    assert (await acme.write("Contact", rows(), operation="insert", resume_as="people")).written == 1


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "field": ({"LastName": "A", "Titel": "x"}, FieldNotFound, "Did you mean Title?"),
    "parent": ({"LastName": "A", "Acount.Name": "x"}, FieldNotFound, "Acount.Name"),
    "value": ({"LastName": ["A"]}, ArgumentInvalid, "a value of type list"),
    "nothing": ({}, ArgumentInvalid, "no columns"),
    "no mapping": ("LastName", ArgumentInvalid, "neither a mapping nor a record"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_row_is_named_before_anything_is_sent(org: DemoOrg, acme: Org, name: str) -> None:
    row, kind, said = WRONG[name]
    org.clear_requests()
    with pytest.raises(kind, match="the row at index 300") as raised:
        await acme.write("Contact", [*people(300), row], operation="insert")
    assert said in str(raised.value)
    assert all(each.method == "GET" or "/oauth2/" in each.path for each in org.requests)
