"""Creating, reading, changing and deleting, over REST and by the org's own methods."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg, Refusal
from tests.demo_org.caller import BASE, Caller
from tests.demo_org.conftest import NOW


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def ids_of(org: DemoOrg, *, deleted: bool = False) -> set[str]:
    return {str(row["Id"]) for row in org.rows("Contact", deleted=deleted)}


def first(org: DemoOrg, sobject: str = "Contact") -> str:
    return str(org.rows(sobject)[0]["Id"])


def row(org: DemoOrg, record_id: str, sobject: str = "Contact") -> dict[str, Any]:
    return next(row for row in org.rows(sobject, deleted=True) if row["Id"] == record_id)


def test_a_created_record_can_be_read_changed_and_deleted(api: Caller, org: DemoOrg) -> None:
    created = api.send("POST", "/sobjects/Contact", {"LastName": "Größe", "Birthdate": "1980-02-29", "Email": ""})
    assert created.status_code == 201
    record_id = created.json()["id"]
    assert created.json() == {"id": record_id, "success": True, "errors": []}
    assert created.headers["location"] == f"{BASE}/sobjects/Contact/{record_id}"
    assert row(org, record_id)["Birthdate"] == date(1980, 2, 29)
    assert row(org, record_id)["Email"] is None
    changed = api.send("PATCH", f"/sobjects/Contact/{record_id}", {"FirstName": "Ada"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert "content-type" not in changed.headers
    read = api.get(f"/sobjects/Contact/{record_id}", fields="Name,birthdate").json()
    assert read == {
        "attributes": {"type": "Contact", "url": f"{BASE}/sobjects/Contact/{record_id}"},
        "Name": "Ada Größe",
        "Birthdate": "1980-02-29",
        "Id": record_id,
    }
    assert api.send("DELETE", f"/sobjects/Contact/{record_id}").status_code == 204
    assert error_of(api.get(f"/sobjects/Contact/{record_id}")) == (404, "NOT_FOUND")
    assert error_of(api.send("DELETE", f"/sobjects/Contact/{record_id}")) == (404, "ENTITY_IS_DELETED")
    assert error_of(api.send("PATCH", f"/sobjects/Contact/{record_id}", {})) == (404, "ENTITY_IS_DELETED")


def test_a_whole_record_holds_every_visible_field(api: Caller, org: DemoOrg) -> None:
    org.hide_field("Contact", "Email")
    read = api.get(f"/sobjects/Contact/{first(org)[:15]}").json()
    described = api.get("/sobjects/Contact/describe").json()
    assert list(read) == ["attributes", *(field["name"] for field in described["fields"])]
    assert "Email" not in read


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]"),
        ({"LastName": " "}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]"),
        ({"LastName": "a", "Foo": 1}, "INVALID_FIELD", "No such column 'Foo' on sobject of type Contact"),
        ({"LastName": "a" * 81}, "STRING_TOO_LONG", "(max length=80)"),
        ({"LastName": "a", "Email": "nobody"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: nobody"),
        ({"LastName": "a", "AccountId": "x"}, "MALFORMED_ID", "Account ID: id value of incorrect type: x"),
        ({"LastName": "a", "AccountId": "003Dn00000G8001IAB"}, "MALFORMED_ID", "incorrect type"),
        (
            {"LastName": "a", "AccountId": "001Dn00000zzzzz"},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
        ),
        ({"LastName": "a", "Id": "003"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Id."),
        ({"LastName": "a", "Name": "b"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "fields: Name."),
        ({"LastName": "a", "Birthdate": "soon"}, "JSON_PARSER_ERROR", "instance of date from VALUE_STRING"),
        ({"LastName": "a", "HasOptedOutOfEmail": 1}, "JSON_PARSER_ERROR", "instance of boolean from VALUE_NUMBER"),
        ({"LastName": ["a"]}, "JSON_PARSER_ERROR", "instance of string from START_OBJECT"),
    ],
)
def test_what_salesforce_refuses_to_create_is_refused(
    api: Caller, org: DemoOrg, fields: dict[str, object], code: str, message: str
) -> None:
    before = org.rows("Contact")
    answer = api.send("POST", "/sobjects/Contact", fields)
    assert error_of(answer) == (400, code)
    assert message in answer.json()[0]["message"]
    assert org.rows("Contact") == before


@pytest.mark.parametrize(
    ("name", "value"), [("NumberOfEmployees", 1.5), ("NumberOfEmployees", True), ("AnnualRevenue", "much")]
)
def test_numbers_must_be_numbers(api: Caller, name: str, value: object) -> None:
    answer = api.send("POST", "/sobjects/Account", {"Name": "a", name: value})
    assert error_of(answer) == (400, "JSON_PARSER_ERROR")


def test_numbers_booleans_and_datetimes_are_stored_as_such(org: DemoOrg) -> None:
    account = org.insert("account", name="Acme", NumberOfEmployees="7", annualrevenue=5)
    contact = org.insert(
        "Contact", LastName=" Trimmed ", HasOptedOutOfEmail="true", SystemModstamp="2026-01-01T01:00:00+0100"
    )
    assert row(org, account, "Account")["NumberOfEmployees"] == 7
    assert repr(row(org, account, "Account")["AnnualRevenue"]) == "5.0"
    assert row(org, contact)["LastName"] == "Trimmed"
    assert row(org, contact)["HasOptedOutOfEmail"] is True
    assert row(org, contact)["SystemModstamp"] == datetime(2026, 1, 1, tzinfo=UTC)
    naive = org.insert("Contact", LastName="Naive", SystemModstamp=datetime(2026, 1, 1))
    assert row(org, naive)["SystemModstamp"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_body_that_is_not_a_json_object_is_refused(api: Caller) -> None:
    broken = api.http.post(f"{BASE}/sobjects/Contact", content=b"{")
    assert error_of(broken) == (400, "JSON_PARSER_ERROR")
    assert error_of(api.send("POST", "/sobjects/Contact", ["LastName"])) == (400, "JSON_PARSER_ERROR")


def test_a_required_field_cannot_be_emptied(api: Caller, org: DemoOrg) -> None:
    answer = api.send("PATCH", f"/sobjects/Contact/{first(org)}", {"LastName": None})
    assert error_of(answer) == (400, "REQUIRED_FIELD_MISSING")


def test_ids_that_are_wrong_are_distinguished(api: Caller) -> None:
    assert error_of(api.get("/sobjects/Contact/23foo")) == (404, "NOT_FOUND")
    assert error_of(api.get("/sobjects/Contact/003Dn00000zzzzz")) == (404, "NOT_FOUND")
    assert error_of(api.send("PATCH", "/sobjects/Contact/23foo", {})) == (400, "MALFORMED_ID")
    unknown = api.send("DELETE", "/sobjects/Contact/003Dn00000zzzzz")
    assert error_of(unknown) == (404, "INVALID_CROSS_REFERENCE_KEY")


def test_reading_an_unknown_field_is_refused(api: Caller, org: DemoOrg) -> None:
    assert error_of(api.get(f"/sobjects/Contact/{first(org)}", fields="Nme")) == (400, "INVALID_FIELD")


def test_users_cannot_be_deleted(api: Caller, org: DemoOrg) -> None:
    assert error_of(api.send("DELETE", f"/sobjects/User/{org.user_id}"))[0] == 400


def test_an_external_id_upserts(api: Caller, org: DemoOrg) -> None:
    org.add_field("Contact", "Key__c", external_id=True, unique=True)
    path = "/sobjects/Contact/Key__c/a%2F1"
    assert error_of(api.get(path)) == (404, "NOT_FOUND")
    created = api.send("PATCH", path, {"LastName": "New"})
    assert created.status_code == 201
    record_id = created.json()["id"]
    assert created.json() == {"id": record_id, "success": True, "errors": [], "created": True}
    again = api.send("PATCH", path, {"LastName": "Newer"})
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert api.get(path).json()["LastName"] == "Newer"
    assert row(org, record_id)["Key__c"] == "a/1"
    duplicate = api.send("POST", "/sobjects/Contact", {"LastName": "Twin", "Key__c": "A/1"})
    assert error_of(duplicate) == (400, "DUPLICATE_VALUE")
    org.update("Contact", record_id, Key__c="A/1")
    other = org.insert("Contact", LastName="Other")
    with pytest.raises(Refusal, match="DUPLICATE_VALUE"):
        org.update("Contact", other, Key__c="a/1")


def test_an_external_id_that_several_records_hold_gets_300(api: Caller, org: DemoOrg) -> None:
    org.add_field("Contact", "Key__c", external_id=True)
    ids = [org.insert("Contact", LastName="Twin", Key__c="k") for _ in range(2)]
    for answer in (api.get("/sobjects/Contact/Key__c/k"), api.send("PATCH", "/sobjects/Contact/Key__c/k", {})):
        assert answer.status_code == 300
        assert answer.json() == [f"{BASE}/sobjects/Contact/{record_id}" for record_id in ids]


def test_a_field_that_is_no_external_id_is_not_accessible(api: Caller) -> None:
    answer = api.get("/sobjects/Contact/Nmae/x")
    assert answer.json() == [
        {
            "errorCode": "NOT_FOUND",
            "message": "Provided external ID field does not exist or is not accessible: Nmae",
        }
    ]


def collection(*records: dict[str, object], all_or_none: bool | None = None, kind: str = "Contact") -> object:
    content: dict[str, object] = {"records": [{"attributes": {"type": kind}, **record} for record in records]}
    return content if all_or_none is None else {**content, "allOrNone": all_or_none}


def test_a_collection_creates_what_it_can_and_tells_what_it_cannot(api: Caller, org: DemoOrg) -> None:
    answer = api.send("POST", "/composite/sobjects", collection({"LastName": "A"}, {}, {"LastName": "B"}))
    assert answer.status_code == 200
    good, bad, also_good = answer.json()
    assert good == {"id": good["id"], "success": True, "errors": []}
    assert bad == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
            }
        ],
    }
    assert {good["id"], also_good["id"]} <= ids_of(org)


def test_all_or_none_rolls_back_the_good_ones(api: Caller, org: DemoOrg) -> None:
    before = org.rows("Contact")
    items = collection({"LastName": "A"}, {}, all_or_none=True)
    rolled_back, bad = api.send("POST", "/composite/sobjects", items).json()
    assert rolled_back["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert org.rows("Contact") == before
    kept = api.send("POST", "/composite/sobjects", collection({"LastName": "A"}, all_or_none=True)).json()
    assert kept[0]["success"]


def test_a_collection_updates_and_deletes(api: Caller, org: DemoOrg) -> None:
    one, two = org.insert("Contact", LastName="One"), org.insert("Contact", LastName="Two")
    changed = api.send("PATCH", "/composite/sobjects", collection({"id": one, "Title": "CEO"}, {"Title": "CTO"}))
    assert [item["success"] for item in changed.json()] == [True, False]
    assert changed.json()[1]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    assert row(org, one)["Title"] == "CEO"
    deleted = api.send("DELETE", "/composite/sobjects", ids=f"{one},{two},{one},zzz").json()
    assert [item["success"] for item in deleted] == [True, True, False, False]
    assert [item["errors"][0]["statusCode"] for item in deleted[2:]] == ["ENTITY_IS_DELETED", "MALFORMED_ID"]
    three = org.insert("Contact", LastName="Three")
    api.send("DELETE", "/composite/sobjects", ids=f"{three},{one}", allOrNone="true")
    assert not row(org, three)["IsDeleted"]


def test_an_unknown_type_in_a_collection_is_its_item_s_error(api: Caller) -> None:
    items = collection({"LastName": "A"}, kind="Nothing")
    assert api.send("POST", "/composite/sobjects", items).json()[0]["errors"][0]["statusCode"] == "INVALID_TYPE"
    bare = {"records": [{"LastName": "A"}]}
    assert not api.send("POST", "/composite/sobjects", bare).json()[0]["success"]


TOO_MANY: list[dict[str, str]] = [{}] * 201


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"records": []}, "REQUIRED_FIELD_MISSING"),
        ({"records": TOO_MANY}, "EXCEEDED_ID_LIMIT"),
        ({}, "JSON_PARSER_ERROR"),
        ([], "JSON_PARSER_ERROR"),
    ],
)
def test_a_collection_of_the_wrong_shape_or_size_is_refused(api: Caller, content: object, code: str) -> None:
    assert error_of(api.send("POST", "/composite/sobjects", content)) == (400, code)


def test_collection_reads_are_positional_with_null_for_what_is_missing(api: Caller, org: DemoOrg) -> None:
    one, gone = org.insert("Contact", LastName="One"), org.insert("Contact", LastName="Gone")
    org.delete("Contact", gone)
    ids = [one, gone, "003Dn00000zzzzz", "nonsense"]
    posted = api.send("POST", "/composite/sobjects/Contact", {"ids": ids, "fields": ["LastName"]}).json()
    got = api.get("/composite/sobjects/Contact", ids=",".join(ids), fields="LastName").json()
    assert posted == got
    assert [item and item["LastName"] for item in posted] == ["One", None, None, None]
    assert error_of(api.send("POST", "/composite/sobjects/Contact", {"ids": [one], "fields": ["Nme"]}))[0] == 400
    assert error_of(api.send("POST", "/composite/sobjects/Contact", {"ids": "x"}))[1] == "REQUIRED_FIELD_MISSING"
    assert error_of(api.send("POST", "/composite/sobjects/Contact", []))[1] == "JSON_PARSER_ERROR"


def test_every_change_is_stamped_with_the_org_s_second(org: DemoOrg) -> None:
    record_id = org.insert("Contact", LastName="Stamped")
    created = row(org, record_id)
    assert created["CreatedDate"] == created["SystemModstamp"] == created["LastModifiedDate"] == NOW
    assert created["CreatedById"] == created["OwnerId"] == org.user_id
    org.advance(seconds=1.5)
    org.update("Contact", record_id, Title="CEO")
    assert row(org, record_id)["SystemModstamp"] == NOW.replace(second=21)
    assert row(org, record_id)["CreatedDate"] == NOW


def test_a_deleted_row_is_in_the_bin_and_comes_back(api: Caller, org: DemoOrg) -> None:
    record_id = org.insert("Contact", LastName="Phoenix")
    org.advance(seconds=5)
    org.delete("Contact", record_id)
    assert record_id not in api.column("SELECT Id FROM Contact")
    (binned,) = api.query(f"SELECT IsDeleted, SystemModstamp FROM Contact WHERE Id = '{record_id}'", deleted=True)
    assert binned["IsDeleted"] is True
    assert binned["SystemModstamp"] == "2026-03-14T12:30:25.000+0000"
    with pytest.raises(Refusal, match="entity is deleted"):
        org.update("Contact", record_id, Title="x")
    org.advance(seconds=5)
    org.undelete("Contact", record_id)
    assert record_id in api.column("SELECT Id FROM Contact")
    assert row(org, record_id)["SystemModstamp"] == NOW.replace(second=30)
    with pytest.raises(Refusal, match="UNDELETE_FAILED"):
        org.undelete("Contact", record_id)


def test_a_hard_deleted_row_is_gone_from_query_all(api: Caller, org: DemoOrg) -> None:
    record_id = org.insert("Contact", LastName="Gone")
    org.hard_delete("Contact", record_id)
    assert record_id not in api.column("SELECT Id FROM Contact", deleted=True)
    with pytest.raises(Refusal, match="invalid cross reference id"):
        org.hard_delete("Contact", record_id)


def test_deleting_an_account_deletes_what_belongs_to_it_and_undeleting_brings_it_back(org: DemoOrg) -> None:
    account = org.insert("Account", Name="Acme")
    contact = org.insert("Contact", LastName="Employee", AccountId=account)
    earlier = org.insert("Contact", LastName="Earlier", AccountId=account)
    deal = org.insert("Opportunity", Name="Deal", StageName="Won", CloseDate="2026-05-05", AccountId=account)
    org.delete("Contact", earlier)
    org.advance(seconds=1)
    org.delete("Account", account)
    assert row(org, contact)["IsDeleted"]
    assert row(org, deal, "Opportunity")["IsDeleted"]
    with pytest.raises(Refusal, match="ENTITY_IS_DELETED"):
        org.insert("Contact", LastName="Late", AccountId=account)
    org.undelete("Account", account)
    assert not row(org, contact)["IsDeleted"]
    assert not row(org, deal, "Opportunity")["IsDeleted"]
    assert row(org, earlier)["IsDeleted"]
    org.hard_delete("Account", account)
    assert not {contact, earlier} & ids_of(org, deleted=True)


def test_a_merge_deletes_the_loser_into_the_winner_and_moves_children_unstamped(org: DemoOrg) -> None:
    winner, loser = org.insert("Account", Name="Winner"), org.insert("Account", Name="Loser")
    contact = org.insert("Contact", LastName="Moved", AccountId=loser)
    org.advance(seconds=9)
    org.merge("Account", winner, [loser])
    assert row(org, loser, "Account")["IsDeleted"]
    assert row(org, loser, "Account")["MasterRecordId"] == winner
    assert row(org, winner, "Account")["SystemModstamp"] == NOW.replace(second=29)
    moved = row(org, contact)
    assert (moved["AccountId"], moved["IsDeleted"], moved["SystemModstamp"]) == (winner, False, NOW)
    org.undelete("Account", loser)
    assert row(org, loser, "Account")["MasterRecordId"] is None


@pytest.mark.parametrize(("sobject", "losers"), [("Contact", 0), ("Contact", 3), ("Opportunity", 1)])
def test_a_merge_takes_one_or_two_losers_of_an_object_that_merges(org: DemoOrg, sobject: str, losers: int) -> None:
    deal = (
        {"Name": "d", "StageName": "s", "CloseDate": date(2026, 1, 1)}
        if sobject == "Opportunity"
        else {"LastName": "x"}
    )
    ids = [org.insert(sobject, **deal) for _ in range(losers + 1)]
    with pytest.raises(Refusal, match="INVALID_OPERATION"):
        org.merge(sobject, ids[0], ids[1:])


def test_a_transaction_s_rows_are_stamped_inside_and_seen_after(api: Caller, org: DemoOrg) -> None:
    known = first(org)
    with org.transaction() as transaction:
        early = transaction.insert("Contact", LastName="Early")
        transaction.update("Contact", early, Title="Seen by its own transaction")
        transaction.update("Contact", known, Title="Changed inside")
        org.advance(seconds=30)
        later = org.insert("Contact", LastName="Later")
        assert set(api.column("SELECT Id FROM Contact")) >= {later, known}
        assert early not in api.column("SELECT Id FROM Contact")
        assert "Changed inside" not in api.column("SELECT Title FROM Contact", "Title")
    stamps = {row["Id"]: row["SystemModstamp"] for row in org.rows("Contact")}
    assert stamps[early] == stamps[known] == NOW
    assert stamps[later] == NOW.replace(second=50)
    assert row(org, early)["Title"] == "Seen by its own transaction"


def test_a_transaction_that_raises_leaves_nothing(org: DemoOrg) -> None:
    before = org.rows("Contact")

    def fail() -> None:
        with org.transaction() as transaction:
            transaction.insert("Contact", LastName="Ghost")
            transaction.delete("Contact", first(org))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert org.rows("Contact") == before
    org.update("Contact", first(org), Title="not locked")


def test_rows_of_an_open_transaction_cannot_be_changed_by_others(api: Caller, org: DemoOrg) -> None:
    record_id = first(org)
    with org.transaction() as transaction:
        transaction.update("Contact", record_id, Title="mine")
        answer = api.send("PATCH", f"/sobjects/Contact/{record_id}", {"Title": "theirs"})
        assert answer.json() == [
            {
                "message": f"unable to obtain exclusive access to this record or 1 records: {record_id}",
                "errorCode": "UNABLE_TO_LOCK_ROW",
                "fields": [],
            }
        ]
    assert row(org, record_id)["Title"] == "mine"


def test_a_new_field_is_there_for_old_rows_too(api: Caller, org: DemoOrg) -> None:
    org.add_field("Contact", "Level__c", type="picklist", values=("Gold", "Silver"))
    org.add_field("Contact", "Vip__c", type="boolean")
    org.add_field("Contact", "Score__c", type="double")
    record_id = org.insert("Contact", LastName="New", Level__c="Gold", Score__c=3)
    old, *_ = api.query("SELECT Level__c, Vip__c, Score__c FROM Contact ORDER BY Id")
    assert (old["Level__c"], old["Vip__c"], old["Score__c"]) == (None, False, None)
    (new,) = api.query(f"SELECT Level__c, Score__c FROM Contact WHERE Id = '{record_id}'")
    assert (new["Level__c"], new["Score__c"]) == ("Gold", 3.0)


def test_hiding_what_does_not_exist_is_a_mistake(org: DemoOrg) -> None:
    with pytest.raises(KeyError):
        org.hide_field("Contact", "Nothing")
    with pytest.raises(KeyError):
        org.hide_object("Nothing")


def test_computed_fields_follow_their_sources_without_a_stamp(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="Acme", Rating="Cold")
    values = {
        "Name": "Deal",
        "StageName": "Qualification",
        "CloseDate": date(2026, 5, 5),
        "Amount": 200,
        "Probability": 25,
    }
    deal = org.insert("Opportunity", AccountId=account, **values)
    soql = f"SELECT Account_Rating__c, ExpectedRevenue, SystemModstamp FROM Opportunity WHERE Id = '{deal}'"
    (before,) = api.query(soql)
    org.advance(hours=1)
    org.update("Account", account, Rating="Hot")
    (after,) = api.query(soql)
    assert (before["Account_Rating__c"], after["Account_Rating__c"]) == ("Cold", "Hot")
    assert before["SystemModstamp"] == after["SystemModstamp"]
    assert before["ExpectedRevenue"] == 50.0
    org.update("Opportunity", deal, Amount=None, AccountId=None)
    (empty,) = api.query(soql)
    assert (empty["Account_Rating__c"], empty["ExpectedRevenue"]) == (None, None)
