"""What is said of the rows of a write that ends early: what is proved of each, and one thing to do."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.salesforce.api.client import Client
from orgsync.writes import PlanSizes, Rows, WriteProgress, WriteRequest, WriteResult, write_rows
from tests.api.clients import client_of

BY_COLLECTIONS = PlanSizes()
BY_JOBS = PlanSizes(collection_rows=0, job_rows=200)
SPENT = Fault.json_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
JOB = r"jobs/ingest/750\w+$"
AGAIN = "write the rows again that are refused or unprocessed; look for unknown ones in the org before."


@pytest.fixture
async def client(org: DemoOrg) -> AsyncGenerator[Client]:
    async with client_of(org, signed_in=True) as client:
        yield client


def people(number: int) -> Rows:
    return [{"LastName": f"Name {each}"} for each in range(number)]


async def inserted(client: Client, number: int, sizes: PlanSizes, *, seconds: float = 30) -> WriteResult:
    request = WriteRequest("Contact", "insert")
    return await write_rows(client, request, people(number), sizes=sizes, stalled_after=timedelta(seconds=seconds))


def told(result: WriteResult) -> list[tuple[str, str, str, int]]:
    """Return status, code, message and number of the rows that are alike, in their order."""
    found: dict[tuple[str, str, str], int] = {}
    for each in result:
        key = each.status.value, each.code, each.message
        found[key] = found.get(key, 0) + 1
    return [(*key, number) for key, number in found.items()]


NOT_SENT = ("unprocessed", "", "The write ended before the row was sent.", 100)


@pytest.mark.parametrize(
    ("sizes", "path"), [(BY_COLLECTIONS, "composite/sobjects"), (BY_JOBS, "jobs/ingest$"), (BY_JOBS, "batches$")]
)
@pytest.mark.parametrize(
    ("status", "code"), [(404, "NOT_FOUND"), (403, "INSUFFICIENT_ACCESS"), (400, "INVALID_TYPE"), (413, "TOO_LARGE")]
)
async def test_a_call_that_is_refused_as_a_whole_refuses_its_rows_and_ends_the_write(
    org: DemoOrg, client: Client, sizes: PlanSizes, path: str, status: int, code: str
) -> None:
    org.add_fault(Fault.json_error(status, code, "what Salesforce says"), match=path)
    result = await inserted(client, 300, sizes)
    assert told(result) == [("refused", code, "The whole call was refused: what Salesforce says", 200), NOT_SENT]
    assert len(org.rows("Contact")) == 25
    assert result.problem is not None
    assert result.problem.remedy.endswith(f"Then {AGAIN}")


async def test_what_an_earlier_call_has_written_stays_written(org: DemoOrg, client: Client) -> None:
    org.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"), match="composite/sobjects", every=2)
    result = await inserted(client, 500, BY_COLLECTIONS)
    assert (result.written, result.refused, result.unprocessed) == (200, 200, 100)


async def test_a_job_that_the_user_may_not_create_refuses_its_rows(org: DemoOrg, client: Client) -> None:
    rows = [{"Id": row["Id"]} for row in org.rows("Contact")]
    result = await write_rows(client, WriteRequest("Contact", "hard_delete"), rows)
    assert (result.refused, {each.code for each in result}) == (25, {"FEATURENOTENABLED"})


@pytest.mark.parametrize("sizes", [BY_COLLECTIONS, BY_JOBS])
async def test_a_spent_limit_refuses_no_row(org: DemoOrg, client: Client, sizes: PlanSizes) -> None:
    org.add_fault(SPENT, match="composite/sobjects|jobs/ingest")
    result = await inserted(client, 300, sizes)
    assert (result.refused, result.unprocessed, result.unknown) == (0, 300, 0)
    assert "not carried out" in told(result)[0][2] or "before the job with the row was started" in told(result)[0][2]
    assert result.problem is not None
    assert result.problem.remedy == f"Later, {AGAIN} Setup > System Overview shows the usage."


async def test_uploads_that_break_off_leave_their_rows_unprocessed_as_no_job_was_started(
    org: DemoOrg, client: Client
) -> None:
    org.add_fault(Fault.maintenance(), match="batches$", times=None)
    result = await inserted(client, 300, BY_JOBS)
    started = "The write ended before the job with the row was started."
    assert told(result) == [("unprocessed", "", started, 200), NOT_SENT]
    assert result.problem is not None
    assert result.problem.remedy == f"Salesforce is down or busy; later, {AGAIN}"


async def test_a_job_whose_closing_was_surely_not_carried_out_has_not_written_its_rows(
    org: DemoOrg, client: Client
) -> None:
    org.add_fault(SPENT, match=JOB)
    result = await inserted(client, 200, BY_JOBS)
    assert (result.unprocessed, len(org.rows("Contact"))) == (200, 25)


async def test_a_job_that_stalls_may_still_write_its_rows(org: DemoOrg, client: Client) -> None:
    org.bulk_polls = None
    result = await inserted(client, 200, BY_JOBS, seconds=0.05)
    [(status, _, message, number)] = told(result)
    assert (status, number) == ("unknown", 200)
    assert message.endswith("may still write the row.")
    assert result.problem is not None
    assert result.problem.remedy == f"Setup > Bulk Data Load Jobs shows the job. Then {AGAIN}"


async def test_rows_of_a_job_whose_results_are_not_read_are_unknown_though_it_has_ended(
    org: DemoOrg, client: Client
) -> None:
    org.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"), match="successfulResults")
    result = await inserted(client, 200, BY_JOBS)
    [(status, _, message, number)] = told(result)
    assert (status, number) == ("unknown", 200)
    assert message.startswith("The results of ingest job 750")


async def test_rows_that_were_locked_are_unknown_while_the_job_that_sends_them_again_goes_on(
    org: DemoOrg, client: Client
) -> None:
    org.lock_rows("Contact", where=lambda row: row["LastName"] == "Name 3", times=1)
    org.bulk_polls = 2
    jobs: set[str] = set()

    def observe(progress: WriteProgress) -> None:
        jobs.add(progress.job)
        if len(jobs - {""}) == 2:
            org.bulk_polls = None

    result = await write_rows(
        client,
        WriteRequest("Contact", "insert"),
        people(10),
        sizes=BY_JOBS,
        stalled_after=timedelta(seconds=0.05),
        observe=observe,
    )
    assert (result.written, result.refused, result.unknown) == (9, 0, 1)
