"""Whatever leads nowhere ends in a named error, after a bounded number of requests."""

from contextlib import aclosing
from typing import Any

import anyio
import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import JobFailed, JobIncomplete, ResponseUnreadable, ServerProblem
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.query import pages, records
from orgsync.salesforce.bulk import Part, complete, create_job, results

from ..bulk.bulk_answers import job, page_answer, rows
from ..bulk.test_results import answering
from .clients import client_of

SOQL = "SELECT Id, LastName FROM Contact"


@pytest.fixture(autouse=True)
def small_pages(org: DemoOrg) -> None:
    org.page_size = org.bulk_page_size = 10
    org.child_page_size = 1
    org.bulk_polls = 1


async def all_of(client: Client, soql: str) -> list[dict[str, Any]]:
    return [record async for record in records(client, soql)]


CHILDREN = "SELECT Id, (SELECT Id FROM Contacts) FROM Account"


@pytest.mark.parametrize("soql", [SOQL, CHILDREN], ids=["query", "child query"])
@pytest.mark.parametrize("fault", [Fault.same_page_again(), Fault.ever_new_pages()], ids=["same", "ever new"])
async def test_pages_that_lead_back_end_in_an_error_within_bounded_requests(
    org: DemoOrg, fault: Fault, soql: str
) -> None:
    org.add_fault(fault, times=None)
    async with client_of(org) as client:
        with pytest.raises(ResponseUnreadable, match=r"lead back to an earlier one|has more rows than the"):
            await all_of(client, soql)
    assert len(org.requests) < 12


async def test_pages_without_a_total_that_lead_back_end_too(org: DemoOrg) -> None:
    org.add_fault(Fault.unknown_total(), match="query?", times=1)
    org.add_fault(Fault.ever_new_pages(), times=None)
    async with client_of(org) as client:
        with pytest.raises(ResponseUnreadable, match="lead back"):
            await all_of(client, SOQL)
    assert len(org.requests) < 12


async def test_pages_of_rows_without_ids_and_without_a_total_that_lead_back_end_too(org: DemoOrg) -> None:
    def again(page: dict[str, Any], path: str) -> dict[str, Any]:
        kept = [{name: value for name, value in row.items() if name != "Id"} for row in page["records"]]
        leads_to = page["nextRecordsUrl"] if path.endswith("query") else path
        return {"totalSize": -1, "done": False, "nextRecordsUrl": leads_to, "records": kept}

    org.add_fault(Fault.altering(again), times=None)
    async with client_of(org) as client:
        with pytest.raises(ResponseUnreadable, match="lead back"):
            await all_of(client, "SELECT LastName FROM Contact")
    assert len(org.requests) < 12


async def test_rows_of_a_virtual_object_share_an_id_and_are_all_read(org: DemoOrg) -> None:
    def shared(page: dict[str, Any], _: str) -> dict[str, Any]:
        return {**page, "records": [{**row, "Id": "000000000000000AAA"} for row in page["records"]]}

    org.add_fault(Fault.altering(shared), match="/query", times=None)
    async with client_of(org) as client:
        assert len(await all_of(client, SOQL)) == len(org.rows("Contact"))


async def result_of(client: Client) -> list[Part]:
    made = await complete(client, await create_job(client, SOQL, deleted=False), stalled_after=60, report=ignore)
    async with aclosing(results(client, made)) as parts:
        return [part async for part in parts]


def ignore(_: object) -> None:
    return None


async def test_a_bulk_result_without_an_end_ends_where_the_job_found_no_more(org: DemoOrg) -> None:
    org.bulk_results_endless = True
    async with client_of(org) as client:
        with pytest.raises(JobIncomplete, match="and the job found 25"):
            await result_of(client)
    assert len([request for request in org.requests if request.path.endswith("results")]) < 10


async def test_a_result_that_begins_again_ends_though_its_job_does_not_count() -> None:
    answers = page_answer(rows(0, 5), "a"), page_answer(rows(5, 9), "b"), page_answer(rows(0, 5), "c")
    async with answering(*answers) as (_, client):
        with pytest.raises(JobIncomplete, match="begins again"):
            async with aclosing(results(client, job(None))) as parts:
                _ = [part async for part in parts]


async def test_ever_new_pages_without_a_row_end() -> None:
    answers = [page_answer([], f"locator{number}") for number in range(100)]
    async with answering(*answers) as (server, client):
        with pytest.raises(JobIncomplete, match="pages without a row"):
            async with aclosing(results(client, job(None))) as parts:
                _ = [part async for part in parts]
    assert len(server.asked) < 25


async def test_a_wait_of_three_years_is_not_waited_for(org: DemoOrg) -> None:
    async with client_of(org) as client:
        org.add_fault(Fault.busy("99999999"), match="limits", times=None)
        with pytest.raises(ServerProblem, match="status 503"):
            await client.get("limits")
    assert [request.status for request in org.requests].count(503) == 1


async def test_a_job_whose_clock_and_count_stand_still_is_given_up_by_our_own_clock(org: DemoOrg) -> None:
    org.bulk_polls = None
    async with client_of(org) as client:
        made = await create_job(client, SOQL, deleted=False)
        with anyio.fail_after(60), pytest.raises(JobFailed, match="not advanced"):
            await complete(client, made, stalled_after=0.2, report=ignore)


@pytest.mark.parametrize("text", ["Ada Broken", "Zoë Broken"])
async def test_bytes_that_are_no_text_are_replaced_and_reported(org: DemoOrg, text: str) -> None:
    key = str(org.rows("Contact")[0]["Id"])
    org.update("Contact", key, LastName=text)
    org.add_fault(Fault.broken_text(text), match="query", times=None)
    warnings: list[str] = []
    async with client_of(org) as client:
        client.warn = warnings.append
        (read,) = [record for record in await all_of(client, SOQL) if record["Id"] == key]
        found = [row for part in await result_of(client) for row in part.rows if row[0] == key]
    assert read["LastName"] == f"\ufffd{text}"
    assert found == [[key, f"\ufffd{text}"]]
    assert len(warnings) == 2
    assert all("not UTF-8" in warning and text not in warning for warning in warnings)


@pytest.mark.parametrize("exact", [False, True])
async def test_bytes_that_are_no_text_are_replaced_in_a_query_of_known_fields_too(org: DemoOrg, exact: bool) -> None:
    key = str(org.rows("Contact")[0]["Id"])
    org.update("Contact", key, LastName="Ada Broken")
    org.add_fault(Fault.broken_text("Ada Broken"), match="query", times=None)
    warnings: list[str] = []
    async with client_of(org) as client:
        client.warn = warnings.append
        found = [page async for page in pages(client, SOQL, exact=exact, fields=("Id", "LastName"))]
    assert [row["LastName"] for page in found for row in page.records if row["Id"] == key] == ["\ufffdAda Broken"]
    assert len(warnings) == 1


async def test_a_page_that_is_nested_too_deep_is_the_servers_fault(org: DemoOrg) -> None:
    org.add_fault(Fault.nested_json(), match="query", times=None)
    async with client_of(org) as client:
        with pytest.raises(ResponseUnreadable, match="nested too deep"):
            await all_of(client, SOQL)
