"""SOQL: what is found, in which order, in which shape, on which pages, and how mistakes are worded."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import BASE, Caller

NOBODY: set[str] = set()


@pytest.fixture
def people(org: DemoOrg) -> dict[str, str]:
    """Four contacts that differ where comparisons do."""
    account = org.insert("Account", Name="Acme", NumberOfEmployees=7, AnnualRevenue=1000)
    ids = {
        "ada": org.insert("Contact", LastName="Ada", Title="one%two", Birthdate=date(2026, 3, 14), AccountId=account),
        "ADA": org.insert("Contact", LastName="ADA", Title="one_two", HasOptedOutOfEmail=True),
        "bob": org.insert("Contact", LastName='Bob\'s\n"x"', Title="ONETWO", Birthdate=date(2026, 3, 13)),
        "nil": org.insert("Contact", LastName="Nil"),
    }
    org.add_field("Contact", "Tags__c", type="multipicklist")
    org.update("Contact", ids["ada"], Tags__c="Red;Blue")
    org.update("Contact", ids["bob"], Tags__c="Green")
    return {record_id: name for name, record_id in ids.items()}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("LastName = 'ada'", {"ada", "ADA"}),
        ("LastName != 'ada'", {"bob", "nil"}),
        ("LastName <> 'ada'", {"bob", "nil"}),
        ("Title != 'onetwo'", {"ada", "ADA", "nil"}),
        ("NOT Title = 'onetwo'", {"ada", "ADA", "nil"}),
        ("NOT (Title = 'onetwo' OR LastName = 'nil')", {"ada", "ADA"}),
        ("Title = null", {"nil"}),
        ("Title = ''", {"nil"}),
        ("Title != NULL", {"ada", "ADA", "bob"}),
        ("Title IN ('onetwo', null)", {"bob", "nil"}),
        ("Title NOT IN ('onetwo', 'one%two')", {"ADA", "nil"}),
        ("Title not  in ('onetwo', null)", {"ada", "ADA"}),
        ("LastName < 'b'", {"ada", "ADA"}),
        ("LastName >= 'B'", {"bob", "nil"}),
        ("Title > 'a'", {"ada", "ADA", "bob"}),
        ("Title LIKE 'one%'", {"ada", "ADA", "bob"}),
        ("Title LIKE 'one_two'", {"ada", "ADA"}),
        (r"Title LIKE 'one\_%'", {"ADA"}),
        (r"Title LIKE 'one\%t%'", {"ada"}),
        ("NOT Title LIKE 'one%'", {"nil"}),
        (r"LastName = 'bob\'s\n\"X\"'", {"bob"}),
        (r"LastName = '\u0041da'", {"ada", "ADA"}),
        (r"LastName LIKE '\u0041da'", {"ada", "ADA"}),
        ("HasOptedOutOfEmail = true", {"ADA"}),
        ("HasOptedOutOfEmail != TRUE", {"ada", "bob", "nil"}),
        ("Birthdate = 2026-03-14", {"ada"}),
        ("Birthdate < 2026-03-14", {"bob"}),
        ("Birthdate = TODAY", {"ada"}),
        ("Birthdate != TODAY", {"ADA", "bob", "nil"}),
        ("Birthdate IN (YESTERDAY, 2026-03-14)", {"ada", "bob"}),
        ("Birthdate < today", {"bob"}),
        ("Birthdate >= YESTERDAY", {"ada", "bob"}),
        ("Birthdate > YESTERDAY", {"ada"}),
        ("Birthdate <= LAST_N_DAYS:1", {"ada", "bob"}),
        ("CreatedDate = TODAY", {"ada", "ADA", "bob", "nil"}),
        ("CreatedDate = LAST_WEEK", NOBODY),
        ("CreatedDate >= 2026-03-14T13:30:20+01:00", {"ada", "ADA", "bob", "nil"}),
        ("CreatedDate > 2026-03-14T12:30:20.000Z", NOBODY),
        ("CreatedDate < null", NOBODY),
        ("Account.Name = 'ACME'", {"ada"}),
        ("Account.Name != 'ACME'", {"ADA", "bob", "nil"}),
        ("Account.NumberOfEmployees > 6.5", {"ada"}),
        ("Account.NumberOfEmployees = 7.0", {"ada"}),
        ("Account.AnnualRevenue = 1e3", {"ada"}),
        ("AccountId = null", {"ADA", "bob", "nil"}),
        ("AccountId = ''", {"ADA", "bob", "nil"}),
        ("Tags__c INCLUDES ('red')", {"ada"}),
        ("Tags__c INCLUDES ('Red;Blue', 'Green')", {"ada", "bob"}),
        ("Tags__c EXCLUDES ('Red')", {"ADA", "bob", "nil"}),
        ("Name = 'ada' AND (Title = 'one_two' OR Birthdate = TODAY)", {"ada", "ADA"}),
    ],
)
def test_where_finds_what_soql_means(api: Caller, people: dict[str, str], where: str, expected: set[str]) -> None:
    ids = "','".join(people)
    found = api.column(f"SELECT Id FROM Contact WHERE Id IN ('{ids}') AND ({where})")
    assert {people[record_id] for record_id in found} == expected


def test_ids_are_compared_by_bytes_and_may_have_15_characters(api: Caller, org: DemoOrg) -> None:
    ids = sorted(str(row["Id"]) for row in org.rows("Contact"))
    middle = ids[10]
    assert api.column(f"SELECT Id FROM Contact WHERE Id = '{middle[:15]}'") == [middle]
    assert api.column(f"SELECT Id FROM Contact WHERE Id > '{middle[:15]}' ORDER BY Id") == ids[11:]
    assert api.column(f"SELECT Id FROM Contact WHERE Id <= '{middle}' ORDER BY Id DESC") == ids[10::-1]


def test_ids_are_valid_mixed_in_case_and_ascend(api: Caller) -> None:
    ids = [row["Id"] for row in api.query("SELECT Id FROM Contact")]
    assert all(re.fullmatch(r"003Dn0[0-9A-Za-z]{9}[A-Z0-5]{3}", record_id) for record_id in ids)
    assert ids == sorted(ids)
    assert ids != sorted(ids, key=str.lower)


def test_the_checksum_is_salesforce_s() -> None:
    from orgsync.demo_org.ids import to18

    assert to18("001cb00000fZDLH") == "001cb00000fZDLHAA4"
    assert to18("a001a000002zhZj") == "a001a000002zhZjAAI"
    assert to18("001cb00000fZDLHAA4") == "001cb00000fZDLHAA4"
    assert to18("001cb00000fZDLHAAA") is None
    assert to18("001cb00000fZDL") is None


def test_deleted_rows_are_for_query_all_only(api: Caller, org: DemoOrg) -> None:
    record_id = str(org.rows("Contact")[0]["Id"])
    org.delete("Contact", record_id)
    deleted = "SELECT Id FROM Contact WHERE IsDeleted = true"
    assert api.column(deleted) == []
    assert api.column(deleted, deleted=True) == [record_id]
    assert len(api.query("SELECT Id FROM Contact", deleted=True)) == 25
    assert len(api.query("SELECT Id FROM User", deleted=True)) == 3


def test_names_are_taken_in_any_case_and_given_in_their_own(api: Caller, org: DemoOrg) -> None:
    record_id = str(org.rows("Contact")[0]["Id"])
    (record,) = api.query(f"select ID, account.NAME, contact.lastname from CONTACT where id = '{record_id}'")
    assert list(record) == ["attributes", "Id", "Account", "LastName"]
    assert list(record["Account"]) == ["attributes", "Name"]
    (aliased,) = api.query(f"SELECT c.Id, c.Account.Name FROM Contact AS c WHERE c.Id = '{record_id}'")
    assert aliased["Account"] == record["Account"]


def test_a_record_is_written_as_rest_writes_it(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="Acme", AnnualRevenue=5, NumberOfEmployees=5, BillingCity="Łódź")
    contact = org.insert("Contact", LastName="x", AccountId=account, Birthdate=date(2000, 1, 2))
    soql = (
        "SELECT Id, Birthdate, CreatedDate, HasOptedOutOfEmail, Title, Account.AnnualRevenue, "
        f"Account.NumberOfEmployees, Account.BillingAddress, Account.Owner.Name FROM Contact WHERE Id = '{contact}'"
    )
    text = api.get("/query", q=soql).text
    attributes = f'{{"type":"Contact","url":"{BASE}/sobjects/Contact/{contact}"}}'
    owner = f'{{"attributes":{{"type":"User","url":"{BASE}/sobjects/User/{org.user_id}"}},"Name":"Ada Admin"}}'
    address = (
        '{"city":"Łódź","country":null,"geocodeAccuracy":null,"latitude":null,"longitude":null,'
        '"postalCode":null,"state":null,"street":null}'
    )
    parent = (
        f'{{"attributes":{{"type":"Account","url":"{BASE}/sobjects/Account/{account}"}},"AnnualRevenue":5.0,'
        f'"NumberOfEmployees":5,"BillingAddress":{address},"Owner":{owner}}}'
    )
    assert text == (
        f'{{"totalSize":1,"done":true,"records":[{{"attributes":{attributes},"Id":"{contact}",'
        '"Birthdate":"2000-01-02","CreatedDate":"2026-03-14T12:30:20.000+0000","HasOptedOutOfEmail":false,'
        f'"Title":null,"Account":{parent}}}]}}'
    )


def test_an_absent_parent_and_an_empty_address_are_null(api: Caller, org: DemoOrg) -> None:
    contact = org.insert("Contact", LastName="x")
    soql = f"SELECT Account.Owner.Name, MailingAddress, ReportsTo.Account.Name FROM Contact WHERE Id = '{contact}'"
    (record,) = api.query(soql)
    assert (record["Account"], record["MailingAddress"], record["ReportsTo"]) == (None, None, None)


def test_sub_selects_nest_children_or_null(api: Caller, org: DemoOrg) -> None:
    account, empty = org.insert("Account", Name="Full"), org.insert("Account", Name="Empty")
    ids = [org.insert("Contact", LastName=name, AccountId=account) for name in "cab"]
    soql = (
        "SELECT Name, (SELECT LastName FROM Contacts WHERE LastName != 'b' ORDER BY LastName LIMIT 5) "
        f"FROM Account WHERE Id IN ('{account}', '{empty}') ORDER BY Name DESC"
    )
    full, none = api.query(soql)
    assert none["Contacts"] is None
    assert {key: full["Contacts"][key] for key in ("totalSize", "done")} == {"totalSize": 2, "done": True}
    assert [child["LastName"] for child in full["Contacts"]["records"]] == ["a", "c"]
    assert full["Contacts"]["records"][0]["attributes"]["url"].endswith(ids[1])


def test_order_by_sorts_text_without_case_and_nulls_first_unless_specified(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="Order")
    for title in ("b", "A", None, "C"):
        org.insert("Contact", LastName="x", Title=title, AccountId=account)

    def titles(order: str) -> list[str | None]:
        soql = f"SELECT Title FROM Contact WHERE AccountId = '{account}' ORDER BY Title {order}"
        return [record["Title"] for record in api.query(soql)]

    assert titles("") == [None, "A", "b", "C"]
    assert titles("ASC NULLS FIRST") == [None, "A", "b", "C"]
    assert titles("ASC NULLS LAST") == ["A", "b", "C", None]
    assert titles("DESC") == [None, "C", "b", "A"]
    assert titles("desc nulls last") == ["C", "b", "A", None]


def test_several_order_terms_are_taken_in_turn(api: Caller, org: DemoOrg) -> None:
    found = api.query("SELECT HasOptedOutOfEmail, Id FROM Contact ORDER BY HasOptedOutOfEmail DESC, Id")
    expected = sorted(org.rows("Contact"), key=lambda row: (not row["HasOptedOutOfEmail"], str(row["Id"])))
    assert [record["Id"] for record in found] == [row["Id"] for row in expected]


def test_ties_come_in_an_order_of_their_own_which_repeats(api: Caller) -> None:
    soql = "SELECT Id, IsDeleted FROM Contact ORDER BY IsDeleted"
    ids = api.column(soql)
    assert sum(left > right for left, right in pairwise(ids)) > 3
    assert api.column(soql) == ids
    assert api.column(soql + " LIMIT 25") != ids


def test_a_filtered_query_without_order_comes_in_no_order(api: Caller) -> None:
    ids = api.column("SELECT Id FROM Contact WHERE IsDeleted = false")
    assert ids != sorted(ids)


def test_limit_and_offset_cut(api: Caller) -> None:
    ids = api.column("SELECT Id FROM Contact ORDER BY Id")
    assert api.column("SELECT Id FROM Contact ORDER BY Id LIMIT 3 OFFSET 2") == ids[2:5]
    assert api.column("SELECT Id FROM Contact ORDER BY Id OFFSET 20") == ids[20:]
    assert api.column("SELECT Id FROM Contact LIMIT 0") == []


def test_counts_and_aggregates(api: Caller, org: DemoOrg) -> None:
    for name, industry, revenue in (("a", "Energy", 1), ("b", "Energy", 5), ("c", "Retail", None)):
        org.insert("Account", Name=name, Industry=industry, AnnualRevenue=revenue, Phone="x")
    assert api.get("/query", q="SELECT COUNT() FROM Account WHERE Phone = 'x'").json() == {
        "totalSize": 3,
        "done": True,
        "records": [],
    }
    (total,) = api.query(
        "SELECT COUNT(Id), COUNT(AnnualRevenue) c, COUNT_DISTINCT(Industry) FROM Account WHERE Phone='x'"
    )
    assert total == {"attributes": {"type": "AggregateResult"}, "expr0": 3, "c": 2, "expr1": 2}
    soql = (
        "SELECT Industry, MIN(AnnualRevenue) low, MAX(Name), SUM(AnnualRevenue), AVG(AnnualRevenue), MAX(CreatedDate) "
        "FROM Account WHERE Phone = 'x' GROUP BY Industry ORDER BY Industry DESC"
    )
    retail, energy = api.query(soql)
    assert (energy["low"], energy["expr0"], energy["expr1"], energy["expr2"]) == (1.0, "b", 6.0, 3.0)
    assert energy["expr3"] == "2026-03-14T12:30:20.000+0000"
    assert (retail["Industry"], retail["low"], retail["expr1"]) == ("Retail", None, None)
    assert len(api.query("SELECT Industry FROM Account GROUP BY Industry LIMIT 2")) == 2
    nulls = [
        record["Industry"] for record in api.query("SELECT Industry FROM Account GROUP BY Industry ORDER BY Industry")
    ]
    assert nulls == sorted(nulls, key=lambda name: name or "")


def test_the_fields_functions(api: Caller, org: DemoOrg) -> None:
    org.add_field("Account", "Level__c")
    described = [field["name"] for field in api.get("/sobjects/Account/describe").json()["fields"]]
    (standard, *_) = api.query("SELECT FIELDS(STANDARD) FROM Account")
    (custom, *_) = api.query("SELECT FIELDS(CUSTOM) FROM Account LIMIT 200")
    (every, *_) = api.query("SELECT FIELDS(ALL), Id FROM Account LIMIT 200".replace(", Id", ""))
    assert list(standard)[1:] == described[:-1]
    assert list(custom)[1:] == ["Level__c"]
    assert list(every)[1:] == described


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT Id FRM Contact", "MALFORMED_QUERY", "unexpected token: 'Contact'"),
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Contact;", "MALFORMED_QUERY", "unexpected token: ';'"),
        ("SELECT FROM Contact", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Contact WHERE a=1 AND b=2 OR c=3", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Contact LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Contact LIMIT -1", "MALFORMED_QUERY", "unexpected token: '-1'"),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2026-13-01", "MALFORMED_QUERY", "unexpected token: '2026-13-01'"),
        ("SELECT Id FROM Contact WHERE CreatedDate = SOMEDAY", "MALFORMED_QUERY", "unexpected token: 'SOMEDAY'"),
        (
            r"SELECT Id FROM Contact WHERE Name = 'a\q'",
            "MALFORMED_QUERY",
            r"Illegal character sequence '\q' in string literal",
        ),
        (
            "SELECT FIELDS(ALL) FROM Contact",
            "MALFORMED_QUERY",
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        (
            "SELECT FIELDS(ALL) FROM Contact LIMIT 201",
            "MALFORMED_QUERY",
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        ("SELECT FIELDS(SOME) FROM Contact", "MALFORMED_QUERY", "unexpected token: 'SOME'"),
        (
            "SELECT Id, Name FROM Contact ORDER BY Description",
            "MALFORMED_QUERY",
            "field 'Description' can not be sorted in a query call",
        ),
        ("SELECT COUNT(Id), Name FROM Contact", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        (
            "SELECT COUNT(Id), (SELECT Id FROM Contacts) FROM Account",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: sub-select",
        ),
        ("SELECT COUNT(), COUNT(Id) FROM Contact", "MALFORMED_QUERY", "Grouped query cannot use COUNT()"),
        ("SELECT SUM(Name) FROM Contact", "MALFORMED_QUERY", "field Name does not support aggregate operator sum"),
        (
            "SELECT CreatedDate FROM Contact GROUP BY CreatedDate",
            "MALFORMED_QUERY",
            "field 'CreatedDate' can not be grouped in a query call",
        ),
        (
            "SELECT Title FROM Contact GROUP BY Title ORDER BY Name",
            "MALFORMED_QUERY",
            "Ordered field must be grouped or aggregated: Name",
        ),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
        ("SELECT Id, Id FROM Contact", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Account.Id, Account.ID FROM Contact", "INVALID_FIELD", "duplicate field selected: Account.ID"),
        (
            "SELECT Id FROM Contact WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Contact WHERE MailingAddress = 'x'",
            "INVALID_FIELD",
            "field 'MailingAddress' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01'",
            "INVALID_FIELD",
            "'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            "'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE Birthdate > 2026-01-01T00:00:00Z",
            "INVALID_FIELD",
            "'Birthdate' must be of type date and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 5",
            "INVALID_FIELD",
            "'LastName' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE Id = 5",
            "INVALID_FIELD",
            "'Id' must be of type ID and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 2026-01-01",
            "INVALID_FIELD",
            "'LastName' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE NumberOfEmployees = '5'",
            "INVALID_FIELD",
            "'NumberOfEmployees' must be of type int and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE HasOptedOutOfEmail = 'true'",
            "INVALID_FIELD",
            "'HasOptedOutOfEmail' must be of type boolean and should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Contact WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        (
            "SELECT Id FROM Contact WHERE Id LIKE '003%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "'like' is not a valid operator for field 'Id' of type id",
        ),
        (
            "SELECT Id FROM Contact WHERE HasOptedOutOfEmail > true",
            "INVALID_QUERY_FILTER_OPERATOR",
            "'>' is not a valid operator for field 'HasOptedOutOfEmail' of type boolean",
        ),
        (
            "SELECT Id FROM Contact WHERE Title INCLUDES ('x')",
            "INVALID_QUERY_FILTER_OPERATOR",
            "'includes' is not a valid operator for field 'Title' of type string",
        ),
    ],
)
def test_a_wrong_query_is_refused_in_salesforce_s_words(api: Caller, soql: str, code: str, message: str) -> None:
    found, said = api.refusal(soql)
    assert found == code
    assert said.removeprefix("value of filter criterion for field ") == message


@pytest.mark.parametrize(
    ("soql", "code", "start"),
    [
        ("SELECT Id FROM Contactt", "INVALID_TYPE", "sObject type 'Contactt' is not supported."),
        ("SELECT Nme FROM Contact", "INVALID_FIELD", "No such column 'Nme' on entity 'Contact'."),
        ("SELECT IsDeleted FROM User", "INVALID_FIELD", "No such column 'IsDeleted' on entity 'User'."),
        ("SELECT Account.Nme FROM Contact", "INVALID_FIELD", "No such column 'Nme' on entity 'Account'."),
        ("SELECT Acount.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Acount' in field path."),
        ("SELECT (SELECT Id FROM Contactz) FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Contactz'"),
        ("SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account", "MALFORMED_QUERY", "Relationship path"),
    ],
)
def test_what_does_not_exist_is_named(api: Caller, soql: str, code: str, start: str) -> None:
    found, message = api.refusal(soql)
    assert found == code
    assert message.startswith(start)


def test_a_message_shows_the_line_and_the_place(api: Caller) -> None:
    message = api.get("/query", q="SELECT Id,\n  Nme\nFROM Contact").json()[0]["message"]
    assert message.startswith("\n  Nme\n  ^\nERROR at Row:2:Column:3\nNo such column 'Nme' on entity 'Contact'.")


def test_an_unencoded_plus_is_a_space_as_on_any_server(api: Caller) -> None:
    date = "2020-01-01T00:00:00"
    spaces = api.http.get(f"{BASE}/query?q=SELECT+Id+FROM+Contact")
    broken = api.http.get(f"{BASE}/query?q=SELECT+Id+FROM+Contact+WHERE+CreatedDate>{date}+01:00")
    encoded = api.http.get(f"{BASE}/query?q=SELECT+Id+FROM+Contact+WHERE+CreatedDate>{date}%2B01:00")
    assert [answer.status_code for answer in (spaces, broken, encoded)] == [200, 400, 200]


def test_a_query_must_be_given_and_not_be_endless(api: Caller) -> None:
    from orgsync.demo_org.grammar import parse
    from orgsync.demo_org.refusal import Refusal

    assert api.get("/query").json()[0]["errorCode"] == "MALFORMED_QUERY"
    with pytest.raises(Refusal, match="QUERY_TOO_COMPLICATED"):
        parse("SELECT Id FROM Contact" + " " * 100_000)


def test_hidden_fields_and_objects_do_not_exist(api: Caller, org: DemoOrg) -> None:
    org.hide_field("Contact", "Email")
    assert api.refusal("SELECT Email FROM Contact")[1].startswith("No such column 'Email' on entity 'Contact'.")
    org.hide_object("Account")
    assert api.refusal("SELECT Id FROM Account")[0] == "INVALID_TYPE"
    assert api.refusal("SELECT Account.Name FROM Contact")[1].startswith("Didn't understand relationship 'Account'")
    org.show_everything()
    assert len(api.query("SELECT Email, Account.Name FROM Contact")) == 25


def test_pages_have_locators_and_the_last_has_none() -> None:
    with DemoOrg(contacts=25, accounts=5, page_size=10) as org, Caller(org) as api:
        page = api.get("/query", q="SELECT Id FROM Contact ORDER BY Id").json()
        assert (page["totalSize"], page["done"], len(page["records"])) == (25, False, 10)
        assert re.fullmatch(rf"{BASE}/query/0r8[0-9A-Za-z]{{15}}-10", page["nextRecordsUrl"])
        last = api.get(page["nextRecordsUrl"].replace("-10", "-20")).json()
        assert (last["totalSize"], last["done"], len(last["records"])) == (25, True, 5)
        assert "nextRecordsUrl" not in last
        assert len(api.query("SELECT Id FROM Contact", deleted=True)) == 25
        assert api.get("/query", q="SELECT Id FROM Contact LIMIT 10").json()["done"]


def test_a_cursor_keeps_the_rows_of_the_moment_it_was_opened() -> None:
    with DemoOrg(contacts=25, accounts=5, page_size=10) as org, Caller(org) as api:
        contacts = org.rows("Contact")
        page = api.get("/query", q="SELECT Id, Title, Account.Name FROM Contact ORDER BY Id").json()
        gone, changed = str(contacts[15]["Id"]), str(contacts[16]["Id"])
        org.hard_delete("Contact", gone)
        org.update("Contact", changed, Title="changed since")
        org.insert("Contact", LastName="new since")
        for account in org.rows("Account"):
            org.update("Account", str(account["Id"]), Name="renamed since")
        more = api.get(page["nextRecordsUrl"]).json()
        assert more["totalSize"] == 25
        assert [record["Id"] for record in more["records"]] == [row["Id"] for row in contacts[10:20]]
        assert "changed since" not in [record["Title"] for record in more["records"]]
        parents = [record["Account"]["Name"] for record in more["records"] if record["Account"]]
        assert parents
        assert "renamed since" not in parents


def test_locators_end_and_belong_to_their_org() -> None:
    with DemoOrg(contacts=25, accounts=5, page_size=10) as org, Caller(org) as api:
        org.token_lifetime = None
        soql = "SELECT Id FROM Contact"
        url = api.get("/query", q=soql).json()["nextRecordsUrl"]

        def refused(path: str) -> bool:
            answer = api.get(path)
            expected = [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
            return answer.status_code == 400 and answer.json() == expected

        assert not refused(url)
        assert refused(url.replace("0r8", "0r9"))
        assert refused(url.replace("-10", "-25"))
        assert refused(url.replace("-10", "-x"))
        org.expire_locators()
        assert refused(url)
        api.sign_in()
        url = api.get("/query", q=soql).json()["nextRecordsUrl"]
        org.advance(days=2, seconds=1)
        api.sign_in()
        assert refused(url)


def test_a_client_may_ask_for_another_page_size_within_bounds() -> None:
    with DemoOrg(contacts=450, accounts=5) as org, Caller(org) as api:

        def size(option: str, soql: str = "SELECT Id FROM Contact") -> int:
            headers = {"Sforce-Query-Options": option}
            return len(api.get("/query", headers=headers, q=soql).json()["records"])

        assert size("batchSize=250") == 250
        assert size("batchSize=10") == 200
        assert size("batchSize=9999") == 450
        assert size("nonsense") == 450


def test_pages_of_wide_rows_are_shorter() -> None:
    with DemoOrg(contacts=1100, accounts=5) as org, Caller(org) as api:
        assert len(api.get("/query", q="SELECT Id FROM Contact").json()["records"]) == 1100
        assert len(api.get("/query", q="SELECT Id, Description FROM Contact").json()["records"]) == 1000


@pytest.mark.parametrize(
    ("name", "count", "first", "after"),
    [
        ("YESTERDAY", 0, "2026-03-13", "2026-03-14"),
        ("TOMORROW", 0, "2026-03-15", "2026-03-16"),
        ("LAST_WEEK", 0, "2026-03-01", "2026-03-08"),
        ("THIS_WEEK", 0, "2026-03-08", "2026-03-15"),
        ("NEXT_WEEK", 0, "2026-03-15", "2026-03-22"),
        ("LAST_MONTH", 0, "2026-02-01", "2026-03-01"),
        ("NEXT_MONTH", 0, "2026-04-01", "2026-05-01"),
        ("THIS_QUARTER", 0, "2026-01-01", "2026-04-01"),
        ("LAST_QUARTER", 0, "2025-10-01", "2026-01-01"),
        ("THIS_YEAR", 0, "2026-01-01", "2027-01-01"),
        ("LAST_90_DAYS", 0, "2025-12-14", "2026-03-15"),
        ("NEXT_90_DAYS", 0, "2026-03-15", "2026-06-13"),
        ("LAST_N_DAYS", 7, "2026-03-07", "2026-03-15"),
        ("NEXT_N_DAYS", 7, "2026-03-15", "2026-03-22"),
        ("N_DAYS_AGO", 7, "2026-03-07", "2026-03-08"),
        ("LAST_N_MONTHS", 4, "2025-11-01", "2026-03-01"),
        ("N_YEARS_AGO", 2, "2024-01-01", "2025-01-01"),
        ("N_YEARS_AGO", 3000, "0001-01-01", "0001-01-01"),
        ("LAST_N_YEARS", 3000, "0001-01-01", "2026-01-01"),
        ("NEXT_N_MONTHS", 200_000, "2026-04-01", "9999-12-31"),
        ("LAST_N_DAYS", 10**12, "0001-01-01", "2026-03-15"),
        ("NEXT_N_WEEKS", 10**12, "2026-03-15", "9999-12-31"),
    ],
)
def test_date_literals_are_spans_of_days(name: str, count: int, first: str, after: str) -> None:
    from orgsync.demo_org.dates import span

    assert span(name, count, date(2026, 3, 14)) == (date.fromisoformat(first), date.fromisoformat(after))


def test_a_datetime_is_within_a_date_literal_s_days(api: Caller, org: DemoOrg) -> None:
    midnight = datetime(2026, 3, 14, tzinfo=UTC)
    stamps = {
        org.insert("Contact", LastName="x", CreatedDate=midnight + timedelta(seconds=seconds)): seconds
        for seconds in (-1, 0, 86_399, 86_400)
    }

    def found(where: str) -> set[int]:
        ids = "','".join(stamps)
        return {stamps[i] for i in api.column(f"SELECT Id FROM Contact WHERE Id IN ('{ids}') AND CreatedDate {where}")}

    assert found("= TODAY") == {0, 86_399}
    assert found("< TODAY") == {-1}
    assert found("<= TODAY") == {-1, 0, 86_399}
    assert found("> TODAY") == {86_400}
    assert found(">= TODAY") == {0, 86_399, 86_400}
    assert found("NOT IN (TODAY)") == {-1, 86_400}


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_an_instant_outside_the_calendar_is_refused(api: Caller, org: DemoOrg, instant: str) -> None:
    assert api.refusal(f"SELECT Id FROM Contact WHERE CreatedDate > {instant}")[0] == "MALFORMED_QUERY"
    window = {"start": instant, "end": instant}
    assert api.fetch("/sobjects/Contact/updated", window).json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    org.add_field("Contact", "Met__c", type="datetime")
    written = api.send("POST", "/sobjects/Contact", {"LastName": "x", "Met__c": instant})
    assert (written.status_code, written.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
