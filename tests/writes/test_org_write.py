"""Rows are written to the demo org, and each is answered for, by collections and by jobs alike."""

from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.salesforce.api.client import Client
from orgsync.writes import PlanSizes, Rows, WriteRequest, WriteResult, write_rows
from tests.api.clients import client_of

BY_COLLECTIONS = PlanSizes()
BY_JOBS = PlanSizes(collection_rows=0)
SIZES = pytest.mark.parametrize("sizes", [BY_COLLECTIONS, BY_JOBS], ids=["collections", "jobs"])


@pytest.fixture
async def client(org: DemoOrg) -> AsyncGenerator[Client]:
    async with client_of(org, signed_in=True) as client:
        yield client


async def write(
    client: Client,
    rows: Rows,
    operation: str,
    sizes: PlanSizes,
    *,
    external_id: str | None = None,
    update_only: bool = False,
) -> WriteResult:
    request = WriteRequest("Contact", operation, external_id, update_only)
    return await write_rows(client, request, rows, sizes=sizes, stalled_after=timedelta(seconds=30))


def named(org: DemoOrg) -> Mapping[object, object]:
    return {row["Id"]: row["LastName"] for row in org.rows("Contact")}


@SIZES
async def test_inserted_rows_have_their_ids_by_place(org: DemoOrg, client: Client, sizes: PlanSizes) -> None:
    rows = [{"LastName": f"Lovelace {number}", "Email": None} for number in range(450)]
    result = await write(client, rows, "insert", sizes)
    assert (result.rows, result.written, result.created) == (450, 450, 450)
    names = named(org)
    assert [names[each.id] for each in result] == [row["LastName"] for row in rows]
    result.close()


@SIZES
async def test_a_refused_row_has_its_place_code_and_fields_and_the_others_go_on(
    org: DemoOrg, client: Client, sizes: PlanSizes
) -> None:
    rows: list[dict[str, object]] = [{"LastName": f"Name {number}", "Title": "x"} for number in range(30)]
    rows[7]["LastName"] = None
    rows[19]["LastName"] = ""
    result = await write(client, rows, "insert", sizes)
    assert (result.written, result.refused) == (28, 2)
    assert [(each.place, each.code, each.fields) for each in result.failures()] == [
        (7, "REQUIRED_FIELD_MISSING", ("LastName",)),
        (19, "REQUIRED_FIELD_MISSING", ("LastName",)),
    ]


@SIZES
async def test_null_empties_a_field_and_an_absent_column_leaves_it(
    org: DemoOrg, client: Client, sizes: PlanSizes
) -> None:
    first, second, third = (str(row["Id"]) for row in org.rows("Contact")[:3])
    for row_id in (first, second, third):
        org.update("Contact", row_id, Title="Countess", Department="Analysis")
    rows: list[dict[str, object]] = [
        {"Id": first, "Title": None, "LastName": "A"},
        {"Id": second, "LastName": "B"},
        {"Id": third, "Title": ""},
    ]
    result = await write(client, rows, "update", sizes)
    assert result.written == 3
    after = {row["Id"]: (row["Title"], row["Department"]) for row in org.rows("Contact")}
    assert [after[each] for each in (first, second, third)] == [
        (None, "Analysis"),
        ("Countess", "Analysis"),
        (None, "Analysis"),
    ]


@SIZES
async def test_upsert_says_which_rows_are_new(org: DemoOrg, client: Client, sizes: PlanSizes) -> None:
    org.add_field("Contact", "Key__c", external_id=True, unique=True)
    org.update("Contact", str(org.rows("Contact")[0]["Id"]), Key__c="k1")
    rows = [{"key__c": f"k{number}", "LastName": f"Name {number}"} for number in range(3)]
    result = await write(client, rows, "upsert", sizes, external_id="KEY__C")
    assert [each.created for each in result] == [True, False, True]
    assert {row["Key__c"]: row["LastName"] for row in org.rows("Contact") if row["Key__c"]} == {
        "k0": "Name 0",
        "k1": "Name 1",
        "k2": "Name 2",
    }


@SIZES
async def test_upsert_finds_rows_by_a_standard_field_that_is_no_external_id(
    org: DemoOrg, client: Client, sizes: PlanSizes
) -> None:
    org.insert("Contact", LastName="Lovelace", Email="ada@example.com")
    rows = [{"Email": f"{name}@example.com", "LastName": name} for name in ("ada", "grace")]
    result = await write(client, rows, "upsert", sizes, external_id="email")
    assert [(each.status, each.created) for each in result] == [("written", False), ("written", True)]


@SIZES
async def test_update_only_makes_no_rows(org: DemoOrg, client: Client, sizes: PlanSizes) -> None:
    org.add_field("Contact", "Key__c", external_id=True)
    ids = [str(row["Id"]) for row in org.rows("Contact")]
    for row_id, key in zip(ids, ("one", "twice", "twice"), strict=False):
        org.update("Contact", row_id, Key__c=key)
    rows = [{"Key__c": key, "LastName": f"New {key}"} for key in ("none", "ONE", "twice")]
    result = await write(client, rows, "upsert", sizes, external_id="Key__c", update_only=True)
    assert [(each.status, each.code) for each in result] == [
        ("refused", "NOT_FOUND"),
        ("written", ""),
        ("refused", "DUPLICATE_EXTERNAL_ID"),
    ]
    assert named(org)[ids[0]] == "New ONE"
    assert len(org.rows("Contact")) == len(ids)


@SIZES
async def test_update_only_finds_numbers_by_what_they_are(org: DemoOrg, client: Client, sizes: PlanSizes) -> None:
    org.add_field("Contact", "Number__c", type="double", external_id=True)
    ids = [str(row["Id"]) for row in org.rows("Contact")]
    org.update("Contact", ids[0], Number__c=7)
    rows = [{"Number__c": key, "LastName": f"New {key}"} for key in ("7.0", "seven", True)]
    result = await write(client, rows, "upsert", sizes, external_id="Number__c", update_only=True)
    assert [(each.status, each.code) for each in result] == [
        ("written", ""),
        ("refused", "NOT_FOUND"),
        ("refused", "NOT_FOUND"),
    ]
    assert named(org)[ids[0]] == "New 7.0"


async def test_update_only_asks_for_keys_as_the_rows_spell_them(org: DemoOrg, client: Client) -> None:
    org.add_field("Contact", "Key__c", external_id=True)
    org.update("Contact", str(org.rows("Contact")[0]["Id"]), Key__c="one")
    keys = ["one", *(f"k{number}" for number in range(200)), "ONE", "Straße"]
    rows = [{"Key__c": key, "LastName": "A"} for key in keys]
    result = await write(client, rows, "upsert", BY_JOBS, external_id="Key__c", update_only=True)
    asked = " ".join(request.query.get("q", "") for request in org.requests)
    assert "'Straße'" in asked
    assert {each.code for each in result if keys[each.place].lower() == "one"} == {""}


@SIZES
async def test_rows_are_deleted_by_their_ids(org: DemoOrg, client: Client, sizes: PlanSizes) -> None:
    ids = [str(row["Id"]) for row in org.rows("Contact")]
    rows: list[dict[str, object]] = [
        {"Id": ids[0][:15], "LastName": "ignored"},
        {"Id": None},
        {"Id": "no, id"},
        {"Id": ids[1]},
    ]
    result = await write(client, rows, "delete", sizes)
    assert [(each.status, each.code) for each in result] == [
        ("written", ""),
        ("refused", "MISSING_ARGUMENT"),
        ("refused", "MALFORMED_ID"),
        ("written", ""),
    ]
    assert set(ids) - set(named(org)) == set(ids[:2])


async def test_only_jobs_empty_the_bin(org: DemoOrg, client: Client) -> None:
    org.hard_delete_allowed = True
    gone = str(org.rows("Contact")[0]["Id"])
    result = await write(client, [{"Id": gone}], "hard_delete", BY_COLLECTIONS)
    assert result.written == 1
    assert any("/jobs/ingest" in request.path for request in org.requests)


@SIZES
async def test_rows_whose_records_are_locked_are_sent_again_and_only_those(
    org: DemoOrg, client: Client, sizes: PlanSizes
) -> None:
    org.lock_rows("Contact", where=lambda row: row["LastName"] == "Name 3", times=2)
    org.lock_rows("Contact", where=lambda row: row["LastName"] == "Name 5", times=99)
    rows = [{"LastName": f"Name {number}"} for number in range(10)]
    result = await write(client, rows, "insert", sizes)
    assert (result.written, [each.place for each in result.failures()]) == (9, [5])
    assert len(org.rows("Contact")) == 25 + 9


async def test_equal_rows_have_an_id_each(org: DemoOrg, client: Client) -> None:
    before = set(named(org))
    result = await write(client, [{"LastName": "Twin", "Title": "="} for _ in range(250)], "insert", BY_JOBS)
    assert {each.id for each in result} == set(named(org)) - before


async def test_rows_of_a_batch_that_no_file_mentions_are_unknown(org: DemoOrg, client: Client) -> None:
    org.bulk_batch_size = 10
    org.lose_bulk_batches(written=True)
    result = await write(client, [{"LastName": f"Name {number}"} for number in range(30)], "insert", BY_JOBS)
    assert (result.written, result.unknown) == (20, 10)
    assert [each.place for each in result.failures()] == list(range(10))
    assert len(org.rows("Contact")) == 25 + 30


async def test_rows_of_a_job_that_fails_before_it_has_tried_them_are_unprocessed(org: DemoOrg, client: Client) -> None:
    org.fail_bulk_jobs("InvalidBatch : Field name not found : Nope")
    result = await write(client, [{"LastName": "A"}, {"LastName": "B"}], "insert", BY_JOBS)
    assert result.unprocessed == 2
    [message] = {each.message for each in result}
    assert message.endswith("has ended as Failed before the row was tried: InvalidBatch : Field name not found : Nope")


async def test_rows_of_a_failed_job_that_it_may_have_tried_are_unknown(org: DemoOrg, client: Client) -> None:
    org.bulk_batch_size = 300
    org.lose_bulk_batches(written=True)
    org.fail_bulk_jobs("InternalServerError : tried 20 times")
    result = await write(client, [{"LastName": f"Name {number}"} for number in range(1000)], "insert", BY_JOBS)
    assert (result.written, result.unknown, result.unprocessed) == (100, 300, 600)
    assert all("has ended as Failed" in each.message for each in result if each.status == "unprocessed")
    assert len(org.rows("Contact")) == 25 + 400


async def test_the_text_that_means_null_in_a_file_can_be_written_all_the_same(org: DemoOrg, client: Client) -> None:
    result = await write(client, [{"LastName": "#N/A"}, {"LastName": "B"}], "insert", BY_JOBS)
    assert [named(org)[each.id] for each in result] == ["#N/A", "B"]


async def test_values_arrive_as_they_are(org: DemoOrg, client: Client) -> None:
    org.add_field("Contact", "Vip__c", type="boolean")
    name = 'Ann "the, first"\r\nLee  '
    for sizes in (BY_COLLECTIONS, BY_JOBS):
        result = await write(client, [{"LastName": name, "Vip__c": True}], "insert", sizes)
        [written] = list(result)
        [row] = [row for row in org.rows("Contact") if row["Id"] == written.id]
        assert (str(row["LastName"]).strip(), row["Vip__c"]) == (name.strip(), True)


@SIZES
async def test_writes_say_that_they_are_orgsyncs(org: DemoOrg, client: Client, sizes: PlanSizes) -> None:
    await write(client, [{"LastName": "A"}], "insert", sizes)
    sent = [request for request in org.requests if request.method in ("POST", "PUT", "PATCH")]
    assert sent
    assert all(request.headers.get("sforce-call-options") == "client=orgsync" for request in sent)
