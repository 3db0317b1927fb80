"""A call whose first try may have been carried out and whose next was surely not: nobody says that it was not."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import LimitReached, NotFound
from orgsync.project import Project
from orgsync.salesforce.api.client import Client
from orgsync.scripts import Org
from orgsync.writes import OperationName, PlanSizes, WriteRequest, write_rows
from tests.api.clients import client_of
from tests.projects import project_at

SPENT = Fault.json_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
REFUSED = Fault.json_error(403, "INSUFFICIENT_ACCESS", "not for this user")
LOST = Fault.reset(processed=True)


@pytest.fixture
async def project(org: DemoOrg, tmp_path: Path) -> AsyncGenerator[Project]:
    async with project_at(tmp_path, org) as sample:
        yield sample.opened


@pytest.fixture
async def acme(project: Project) -> Org:
    return await project.open_org("acme")


@pytest.fixture
async def client(org: DemoOrg) -> AsyncGenerator[Client]:
    async with client_of(org, signed_in=True) as client:
        yield client


@pytest.mark.parametrize("second", [SPENT, REFUSED], ids=["spent", "refused"])
@pytest.mark.parametrize("operation", ["update", "upsert", "delete"])
async def test_rows_of_a_call_whose_response_was_lost_are_unknown_and_known_once_it_is_resumed(
    org: DemoOrg, acme: Org, operation: OperationName, second: Fault
) -> None:
    ids = [str(row["Id"]) for row in org.rows("Contact")[:3]]
    rows = [{"Id": each} if operation == "delete" else {"Id": each, "Title": "Written"} for each in ids]
    by = "Id" if operation == "upsert" else None
    org.add_fault(LOST, match="composite/sobjects")
    org.add_fault(second, match="composite/sobjects")
    result = await acme.write("Contact", rows, operation=operation, external_id=by, resume_as="rows")
    assert result.problem is not None
    assert (result.unknown, result.refused, result.unprocessed) == (3, 0, 0)
    again = await acme.write("Contact", rows, operation=operation, external_id=by, resume_as="rows")
    assert again.problem is None
    assert (again.written, again.counts.rows) == (3, 3)
    left = [row for row in org.rows("Contact") if row["Id"] in ids]
    assert left == [] if operation == "delete" else [row["Title"] for row in left] == ["Written"] * 3


async def test_the_rows_of_calls_that_were_not_sent_are_not_in_doubt(org: DemoOrg, client: Client) -> None:
    """A value of the wrong type refuses a whole call, so it is halved; the response of the first half is lost."""
    ids = [str(row["Id"]) for row in org.rows("Contact")[:4]]
    rows = [{"Id": each, "Title": "Written"} for each in ids]
    org.add_fault(Fault.json_error(400, "JSON_PARSER_ERROR", "not a date"), match="composite/sobjects")
    org.add_fault(LOST, match="composite/sobjects")
    org.add_fault(SPENT, match="composite/sobjects")
    result = await write_rows(client, WriteRequest("Contact", "update"), rows)
    assert [each.status.value for each in result] == ["unknown", "unknown", "unprocessed", "unprocessed"]


async def test_a_job_may_be_at_work_whose_closing_was_lost_where_nobody_can_look_any_more(
    org: DemoOrg, client: Client
) -> None:
    job = r"jobs/ingest/750\w+$"
    org.add_fault(LOST, match=job)
    org.add_fault(SPENT, match=job, times=2)  # to close it again, and to look at it
    rows = [{"LastName": f"Name {each}"} for each in range(3)]
    sizes = PlanSizes(collection_rows=0, job_rows=200)
    result = await write_rows(client, WriteRequest("Contact", "insert"), rows, sizes=sizes)
    assert isinstance(result.problem, LimitReached)
    assert (result.unknown, result.unprocessed) == (3, 0)
    assert {each.message.partition(" 750")[0] for each in result} == {"The ingest job"}


async def test_a_deletion_that_may_have_been_carried_out_before_says_so(org: DemoOrg, acme: Org) -> None:
    found = str(org.rows("Contact")[0]["Id"])
    org.add_fault(LOST, match=f"sobjects/Contact/{found}")
    with pytest.raises(NotFound, match="An earlier try of it may have been carried out") as caught:
        await acme.delete(f"sobjects/Contact/{found}")
    assert caught.value.in_doubt
    org.add_fault(SPENT, match="sobjects/Contact")
    with pytest.raises(LimitReached) as refused:
        await acme.delete(f"sobjects/Contact/{org.rows('Contact')[0]['Id']}")
    assert "carried out" not in refused.value.remedy
