"""Single records and collections: what is checked, in which words a write is refused, and what stays of it."""

from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller
from tests.demo_org.ingest import refusal


@pytest.fixture
def keyed(org: DemoOrg) -> DemoOrg:
    org.add_field("Contact", "Key__c", external_id=True, unique=True)
    org.add_field("Account", "Code__c", external_id=True, unique=True)
    return org


def contact(**fields: object) -> dict[str, object]:
    return {"attributes": {"type": "Contact"}, **fields}


@pytest.mark.parametrize(
    ("sobject", "fields", "code", "message", "named"),
    [
        ("Contact", {}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"]),
        (
            "Contact",
            {"LastName": "x" * 81},
            "STRING_TOO_LONG",
            f"Last Name: data value too large: {'x' * 81} (max length=80)",
            ["LastName"],
        ),
        (
            "Contact",
            {"LastName": "x", "MailingGeocodeAccuracy": "Guess"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Mailing Geocode Accuracy: bad value for restricted picklist field: Guess",
            ["MailingGeocodeAccuracy"],
        ),
        (
            "Account",
            {"Name": "x", "NumberOfEmployees": 2**31},
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Employees: value outside of valid range on numeric field: 2147483648",
            ["NumberOfEmployees"],
        ),
        (
            "Contact",
            {"LastName": "x", "AccountId": "001Dn0000000001"},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            ["AccountId"],
        ),
        (
            "Contact",
            {"LastName": "x", "MasterRecordId": None},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: MasterRecordId. Please check the security settings of this field and "
            "verify that it is read/write for your profile or permission set.",
            ["MasterRecordId"],
        ),
    ],
)
def test_a_record_is_refused_in_salesforces_words(
    api: Caller, sobject: str, fields: dict[str, object], code: str, message: str, named: list[str]
) -> None:
    answer = api.send("POST", f"/sobjects/{sobject}", fields)
    assert answer.status_code == 400
    assert answer.json() == [{"message": message, "errorCode": code, "fields": named}]


def test_a_key_that_another_record_has_is_refused(api: Caller, keyed: DemoOrg) -> None:
    keyed.insert("Contact", LastName="first", Key__c="k")
    second = keyed.insert("Contact", LastName="second")
    for answer in (
        api.send("POST", "/sobjects/Contact", {"LastName": "third", "Key__c": "K"}),
        api.send("PATCH", f"/sobjects/Contact/{second}", {"Key__c": "k"}),
    ):
        assert refusal(answer)[1] == "DUPLICATE_VALUE"


def test_a_record_in_the_bin_is_neither_changed_nor_deleted(api: Caller, org: DemoOrg) -> None:
    gone = org.insert("Contact", LastName="x")
    org.delete("Contact", gone)
    for answer in (api.send("PATCH", f"/sobjects/Contact/{gone}", {}), api.send("DELETE", f"/sobjects/Contact/{gone}")):
        assert refusal(answer) == (404, "ENTITY_IS_DELETED", "entity is deleted")
        assert answer.json()[0]["fields"] == []


def test_an_upsert_answers_by_what_it_did(api: Caller, org: DemoOrg) -> None:
    org.add_field("Contact", "Key__c", external_id=True)
    made = api.send("PATCH", "/sobjects/Contact/Key__c/a", {"LastName": "made"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    assert made.headers["location"].endswith(f"/sobjects/Contact/{made.json()['id']}")
    again = api.send("PATCH", "/sobjects/Contact/Key__c/a", {"Title": "CEO"})
    assert (again.status_code, again.json()["created"], again.json()["id"]) == (200, False, made.json()["id"])
    assert api.send("PATCH", "/sobjects/Contact/Key__c/b", {"LastName": "b"}, updateOnly="true").status_code == 404
    assert api.send("PATCH", "/sobjects/Contact/Key__c/a", {"LastName": "b"}, updateOnly="true").status_code == 200
    org.insert("Contact", LastName="twin", Key__c="a")
    several = api.send("PATCH", "/sobjects/Contact/Key__c/a", {"Title": "x"})
    assert (several.status_code, len(several.json())) == (300, 2)
    assert "x" not in [row["Title"] for row in org.rows("Contact")]
    assert api.send("DELETE", "/sobjects/Contact/Key__c/none").status_code == 404
    assert api.send("DELETE", "/sobjects/Contact/Key__c/a").status_code == 300


def test_a_standard_field_that_finds_rows_upserts_as_an_external_id_does(api: Caller, org: DemoOrg) -> None:
    ada = str(org.insert("Contact", LastName="Lovelace", Email="ada@example.com"))
    items = [contact(LastName=name, Email=f"{name}@example.com") for name in ("Ada", "Grace")]
    results = api.send("PATCH", "/composite/sobjects/Contact/Email", {"records": items}).json()
    assert [(each["success"], each["created"]) for each in results] == [(True, False), (True, True)]
    assert results[0]["id"] == ada
    single = api.send("PATCH", "/sobjects/Lead/Email/new@example.com", {"LastName": "x", "Company": "y"})
    assert (single.status_code, org.rows("Lead")[-1]["Email"]) == (201, "new@example.com")
    assert refusal(api.send("PATCH", "/composite/sobjects/Account/Name", {"records": items}))[:2] == (404, "NOT_FOUND")


def test_a_key_that_only_the_org_writes_finds_a_record_and_creates_none(api: Caller, org: DemoOrg) -> None:
    case = str(org.rows("Case")[0]["Id"])
    number = api.column(f"SELECT CaseNumber FROM Case WHERE Id = '{case}'", "CaseNumber")[0]
    items = [{"attributes": {"type": "Case"}, "CaseNumber": each, "Subject": "S"} for each in (number, "99999999")]
    found, new = api.send("PATCH", "/composite/sobjects/Case/CaseNumber", {"records": items}).json()
    assert (found["id"], found["created"]) == (case, False)
    assert new["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_parent_is_named_by_its_key(api: Caller, keyed: DemoOrg) -> None:
    account, boss = (
        keyed.insert("Account", Name="Acme", Code__c="A-1"),
        keyed.insert("Contact", LastName="b", Key__c="b"),
    )
    fields: dict[str, object] = {"LastName": "x", "Account": {"Code__c": "a-1"}}
    assert api.send("POST", "/sobjects/Contact", fields).status_code == 201
    assert keyed.rows("Contact")[-1]["AccountId"] == account
    wrong = api.send("POST", "/sobjects/Contact", {"LastName": "x", "Account": {"Code__c": "none"}})
    assert refusal(wrong)[1:] == (
        "INVALID_FIELD",
        "Foreign key external ID: none not found for field Code__c in entity Account",
    )
    assert refusal(api.send("POST", "/sobjects/Contact", {"LastName": "x", "Acount": {"Code__c": "A-1"}}))[1] == (
        "INVALID_FIELD"
    )
    task = {"Subject": "Call", "Who": {"attributes": {"type": "Contact"}, "Key__c": "b"}}
    assert api.send("POST", "/sobjects/Task", task).status_code == 201
    assert keyed.rows("Task")[-1]["WhoId"] == boss


def test_a_collection_answers_for_each_item_in_its_order(api: Caller, org: DemoOrg) -> None:
    items = [contact(LastName="a"), contact(Title="b"), contact(LastName="c", Email="no")]
    results = api.send("POST", "/composite/sobjects", {"records": items}).json()
    assert [result["success"] for result in results] == [True, False, False]
    assert results[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
            }
        ],
    }
    whole = api.send("POST", "/composite/sobjects", {"allOrNone": True, "records": items}).json()
    assert [result["errors"][0]["statusCode"] for result in whole] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING", "INVALID_EMAIL_ADDRESS",
    ]  # fmt: skip
    assert [row["LastName"] for row in org.rows("Contact")].count("a") == 1


def test_a_collection_has_200_items_at_most_and_all_of_them_objects(api: Caller) -> None:
    items: Any = [contact(LastName="x")] * 201
    assert refusal(api.send("POST", "/composite/sobjects", {"records": items}))[1] == "EXCEEDED_ID_LIMIT"
    assert refusal(api.send("POST", "/composite/sobjects", {"records": ["x"]}))[1] == "JSON_PARSER_ERROR"
    assert refusal(api.send("POST", "/composite/sobjects", {"records": []}))[1] == "REQUIRED_FIELD_MISSING"


def test_a_collection_with_a_key_twice_refuses_both(api: Caller, keyed: DemoOrg) -> None:
    items = [contact(Key__c=key, LastName=key) for key in ("a", "b", "A")]
    results = api.send("PATCH", "/composite/sobjects/Contact/Key__c", {"records": items}).json()
    assert [result["success"] for result in results] == [False, True, False]
    assert results[2]["errors"][0]["message"] == "Duplicate external id specified: A"


def test_a_locked_or_forbidden_record_is_refused_alone(api: Caller, org: DemoOrg) -> None:
    ids = [org.insert("Contact", LastName=name) for name in "abc"]
    org.lock_rows("Contact", where=lambda row: row["Id"] == ids[0])
    org.refuse_writes(
        "Contact",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "insufficient access rights on object id",
        where=lambda row: row["Id"] == ids[1],
    )
    items = [contact(Id=one, Title="CEO") for one in ids]
    results = api.send("PATCH", "/composite/sobjects", {"records": items}).json()
    codes = [result["errors"][0]["statusCode"] for result in results[:2]]
    assert codes == ["UNABLE_TO_LOCK_ROW", "INSUFFICIENT_ACCESS_OR_READONLY"]
    assert results[2]["success"] is True
    (again, _, _) = api.send("PATCH", "/composite/sobjects", {"records": items}).json()
    assert again["success"] is True
    gone = api.send("DELETE", "/composite/sobjects", ids=",".join(ids)).json()
    assert [result["success"] for result in gone] == [True, False, True]
