"""Semi-joins and anti-joins, and objects and fields that a query may not take as it likes."""

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller
from tests.demo_org.test_levers import by_bulk


@pytest.fixture
def named(org: DemoOrg) -> dict[str, str]:
    """Two accounts, their contacts, a contact without one, and a deal; names by id."""
    customer = org.insert("Account", Name="c", Type="Customer - Direct")
    other = org.insert("Account", Name="o", Type="Prospect")
    gone = org.insert("Account", Name="gone", Type="Customer - Direct")
    ids = {
        customer: "customer",
        other: "other",
        org.insert("Contact", LastName="1", AccountId=customer): "theirs",
        org.insert("Contact", LastName="2", AccountId=other): "others",
        org.insert("Contact", LastName="3"): "nobodys",
    }
    org.insert("Opportunity", Name="deal", StageName="Open", CloseDate="2026-04-01", AccountId=other)
    org.delete("Account", gone)
    return ids


JOINS = [
    ("Contact", "AccountId IN (SELECT Id FROM Account WHERE Type LIKE 'customer%')", {"theirs"}),
    ("Contact", "AccountId NOT IN (SELECT Id FROM Account WHERE Type = 'Prospect')", {"theirs", "nobodys"}),
    ("Account", "Id IN (SELECT AccountId FROM Opportunity WHERE Name = 'deal')", {"other"}),
    ("Account", "Id not in (select o.AccountId from Opportunity o where o.Name = 'deal')", {"customer"}),
    ("Contact", "(AccountId IN (SELECT AccountId FROM Opportunity) AND LastName != 'x')", {"others"}),
    ("Contact", "OwnerId IN (SELECT Id FROM User WHERE IsActive = true)", {"theirs", "others", "nobodys"}),
    ("Account", "Id IN (SELECT AccountId FROM Contact WHERE Account.Type = 'Prospect')", {"other"}),
]


@pytest.mark.parametrize(("sobject", "where", "expected"), JOINS)
def test_a_field_is_compared_with_what_a_query_finds(
    api: Caller, named: dict[str, str], sobject: str, where: str, expected: set[str]
) -> None:
    ids = "','".join(named)
    soql = f"SELECT Id FROM {sobject} WHERE Id IN ('{ids}') AND {where}"
    assert {named[found] for found in api.column(soql)} == expected
    assert {named[row["Id"]] for row in by_bulk(api, soql)} == expected


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        (
            "SELECT Id FROM Contact WHERE Account.OwnerId IN (SELECT Id FROM User)",
            "The left operand cannot have more than one level of relationships",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 'x' OR AccountId IN (SELECT Id FROM Account)",
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 'x' AND (Title = 'x' OR AccountId IN (SELECT Id FROM Account))",
            "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE "
            "expressions.",
        ),
        (
            "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Id IN "
            "(SELECT AccountId FROM Opportunity))",
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT ParentId FROM Account)",
            "The inner and outer selects should not be on the same object type",
        ),
        (
            "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM User)",
            "The selected field 'Id' in the subquery and the left operand field in the where expression in the outer "
            "query 'AccountId' should point to the same object type",
        ),
        (
            "SELECT Id FROM Contact WHERE Id IN (SELECT WhoId FROM Task)",
            "Entity 'Task' is not supported for semi join inner selects",
        ),
        (
            "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account) AND OwnerId IN (SELECT Id FROM User) "
            "AND Id IN (SELECT ContactId FROM Case)",
            "Maximum 2 semi join sub-selects are allowed",
        ),
    ],
)
def test_a_join_where_none_may_be_is_refused_as_salesforce_does(api: Caller, soql: str, message: str) -> None:
    assert api.refusal(soql) == ("MALFORMED_QUERY", message)


LINKS = (
    "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or "
    "LinkedEntityId using the equals operator or multiple Id's using the IN operator."
)


@pytest.mark.parametrize(
    "where",
    [
        "",
        " WHERE SystemModstamp >= 2020-01-01T00:00:00Z",
        " WHERE LinkedEntityId > '001000000000000'",
        " WHERE LinkedEntityId != '001000000000000'",
        " WHERE NOT LinkedEntityId = '001000000000000'",
        " WHERE IsDeleted = false OR LinkedEntityId = '001000000000000'",
        " WHERE LinkedEntity.Name = 'x'",
    ],
)
def test_an_object_that_demands_a_filter_is_not_read_without_it(api: Caller, where: str) -> None:
    for selected in ("Id", "COUNT()"):
        assert api.refusal(f"SELECT {selected} FROM ContentDocumentLink{where}") == ("MALFORMED_QUERY", LINKS)
    asked = {"operation": "queryAll", "query": f"SELECT Id FROM ContentDocumentLink{where}"}
    assert api.send("POST", "/jobs/query", asked).json()[0]["message"] == LINKS


def test_an_object_that_demands_a_filter_is_read_with_it(api: Caller, org: DemoOrg) -> None:
    org.add_object("Vote", fields={"Text__c": "string"}, requires_filter=["ParentId"])
    org.add_lookup("Vote", "ParentId", "Account")
    account = org.insert("Account", Name="x")
    vote = org.insert("Vote", ParentId=account)
    assert api.refusal("SELECT Id FROM Vote")[0] == "MALFORMED_QUERY"
    for where in (
        f"ParentId = '{account}'",
        f"IsDeleted = false AND (ParentId IN ('{account}'))",
        "ParentId IN (SELECT Id FROM Account)",
    ):
        assert api.column(f"SELECT Id FROM Vote WHERE {where}") == [vote]
        assert [row["Id"] for row in by_bulk(api, f"SELECT Id FROM Vote WHERE {where}")] == [vote]
    org.set_object_rules("Vote", requires_filter=[])
    assert api.column("SELECT Id FROM Vote") == [vote]


def test_an_object_without_disjunctions_refuses_or_at_any_depth(api: Caller, org: DemoOrg) -> None:
    org.add_object("Setting__mdt", fields={"Key__c": "string"}, changes=False, disjunctions=False)
    refused = ("MALFORMED_QUERY", "Disjunctions not supported")
    for where in ("Key__c = 'a' OR Key__c = 'b'", "Key__c != 'c' AND (NOT (Key__c = 'a' OR Key__c = 'b'))"):
        assert api.refusal(f"SELECT Id FROM Setting__mdt WHERE {where}") == refused
    assert api.query("SELECT Id FROM Setting__mdt WHERE Key__c IN ('a', 'b') AND Key__c != 'c'") == []
    org.set_object_rules("Contact", disjunctions=False)
    assert api.refusal("SELECT Id FROM Contact WHERE LastName = 'a' OR LastName = 'b'") == refused


def test_a_field_that_is_not_filterable_or_sortable_says_so_and_is_neither(api: Caller, org: DemoOrg) -> None:
    def described() -> tuple[bool, bool, bool]:
        fields = {field["name"]: field for field in api.get("/sobjects/Contact/describe").json()["fields"]}
        stamp = fields["SystemModstamp"]
        return stamp["filterable"], stamp["sortable"], stamp["aggregatable"]

    filtered = "SELECT Id FROM Contact WHERE SystemModstamp > 2020-01-01T00:00:00Z"
    ordered = "SELECT Id FROM Contact ORDER BY SystemModstamp, Id"
    org.set_field_flags("Contact", "systemmodstamp", filterable=False)
    assert described() == (False, True, True)
    assert api.refusal(filtered) == ("INVALID_FIELD", "field 'SystemModstamp' can not be filtered in a query call")
    assert len(api.query(ordered)) == 25
    org.set_field_flags("Contact", "SystemModstamp", filterable=True, sortable=False)
    assert described() == (True, False, True)
    assert len(api.query(filtered)) == 25
    assert api.refusal(ordered) == ("MALFORMED_QUERY", "field 'SystemModstamp' can not be sorted in a query call")


def test_children_come_in_pages_of_their_own(api: Caller, org: DemoOrg) -> None:
    account, other = org.insert("Account", Name="many"), org.insert("Account", Name="few")
    ids = [org.insert("Contact", LastName=f"{number:02}", AccountId=account) for number in range(7)]
    one = org.insert("Contact", LastName="x", AccountId=other)
    org.child_page_size = 3
    soql = (
        "SELECT Id, (SELECT Id, Name FROM Contacts ORDER BY LastName), (SELECT Id FROM Cases) FROM Account "
        f"WHERE Id IN ('{account}', '{other}') ORDER BY Name DESC"
    )
    many, few = api.query(soql)
    assert (few["Contacts"]["totalSize"], few["Contacts"]["done"]) == (1, True)
    assert [row["Id"] for row in few["Contacts"]["records"]] == [one]
    assert many["Cases"] is None
    page = many["Contacts"]
    assert list(page) == ["totalSize", "done", "nextRecordsUrl", "records"]
    found, sizes = list(page["records"]), [len(page["records"])]
    while not page["done"]:
        assert page["totalSize"] == 7
        page = api.get(page["nextRecordsUrl"]).json()
        found += page["records"]
        sizes.append(len(page["records"]))
    assert ([row["Id"] for row in found], sizes) == (ids, [3, 3, 1])
    assert found[6]["attributes"]["type"] == "Contact"
    org.expire_locators()
    gone = api.get(many["Contacts"]["nextRecordsUrl"])
    assert gone.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
