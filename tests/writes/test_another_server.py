"""The same promise against another server than the demo org, whose results are as unhelpful as they may be."""

from collections import Counter
from datetime import timedelta

from orgsync.salesforce.http.http import Http
from orgsync.writes import PlanSizes, Rows, WriteRequest, WriteResult, write_rows
from tests.api.clients import lone_client
from tests.servers.ingest_server import IngestServer, serving_ingest

ROWS = 4_000
JOBS = PlanSizes(collection_rows=0, job_rows=1_000)


def given(number: int) -> dict[str, object]:
    """Make a row: many are equal in the columns that come back, and every fiftieth is refused.

    The key is a serial number that looks like a number beyond any.
    """
    return {
        "Name": None if number % 50 == 49 else f'Thing "{number % 700}",\nof many',
        "Key__c": f"7e{10_000_000 + number % 900}",
        "Amount__c": number % 30 + 0.5,
        "Note__c": f"note {number}",
    }


async def written(org: IngestServer, rows: Rows) -> WriteResult:
    async with Http() as http:
        client = lone_client(http, org.url)
        request = WriteRequest("Thing__c", "insert")
        return await write_rows(client, request, rows, sizes=JOBS, stalled_after=timedelta(seconds=30))


async def test_every_row_is_written_once_and_joined_to_its_result() -> None:
    with serving_ingest(IngestServer(lost=range(200, 400))) as org:
        result = await written(org, (given(number) for number in range(ROWS)))
    valid = [number for number in range(ROWS) if given(number)["Name"] is not None]
    assert result.problem is None
    assert result.rows == result.written + result.refused + result.unprocessed + result.unknown == ROWS
    assert (result.refused, result.unprocessed) == (ROWS - len(valid), 0)
    assert Counter(row["Note__c"] for row in org.rows) == Counter(f"note {number}" for number in valid)
    lost = {number for number in valid if number % 1_000 in range(200, 400)}
    assert result.unknown == len(lost)
    by_id = {row["Id"]: row for row in org.rows}
    assert len({each.id for each in result if each.status == "written"}) == result.written
    for each in result:
        if each.status == "written":
            row, row_given = by_id[each.id], given(each.place)
            assert (row["Name"], row["Key__c"]) == (row_given["Name"], row_given["Key__c"])
        if each.status == "refused":
            assert given(each.place)["Name"] is None
            assert (each.code, each.fields) == ("REQUIRED_FIELD_MISSING", ("Name",))


async def test_rows_that_results_show_alike_are_not_taken_for_one_another() -> None:
    mixed = [{"Name": "Twin", "Note__c": note} for note in ("good", "bad", "good as well")]
    same = [{"Name": "Pair", "Note__c": note} for note in ("one", "two")]
    equal = [{"Name": "Equal", "Note__c": "equal"}] * 2
    with serving_ingest(IngestServer(broken=False, refused=frozenset({"bad"}))) as org:
        result = await written(org, [*mixed, *same, *equal, {"Name": "Alone", "Note__c": "bad"}])
    assert len(org.rows) == 6
    found = list(result)
    assert [each.status for each in found] == [*["unknown"] * 3, *["written"] * 4, "refused"]
    assert [bool(each.id) for each in found[3:7]] == [False, False, True, True]
    assert "do not tell the row from others" in found[0].message
