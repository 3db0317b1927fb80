"""GROUP BY with HAVING, and the functions of dates and of what a user reads."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller

Row = dict[str, Any]


def counted(org: DemoOrg, key: Callable[[Row], Any]) -> Counter[Any]:
    return Counter(key(row) for row in org.rows("Contact"))


def test_having_keeps_the_groups_that_it_is_true_of(api: Caller, org: DemoOrg) -> None:
    every = counted(org, lambda row: row["LeadSource"])
    least = sorted(every.values())[len(every) // 2]
    soql = f"SELECT LeadSource, COUNT(Id) n FROM Contact GROUP BY LeadSource HAVING COUNT(Id) > {least}"
    expected = {source: count for source, count in every.items() if count > least}
    assert {row["LeadSource"]: row["n"] for row in api.query(soql)} == expected
    assert 0 < len(expected) < len(every)


def test_having_joins_aggregates_and_grouped_fields(api: Caller, org: DemoOrg) -> None:
    every = counted(org, lambda row: row["LeadSource"])
    name = next(source for source in every if source)
    soql = "SELECT LeadSource FROM Contact GROUP BY LeadSource HAVING "
    assert api.column(f"{soql} LeadSource = '{name}' AND COUNT(Id) >= 1", "LeadSource") == [name]
    found = api.column(f"{soql} NOT (LeadSource = '{name}' OR MIN(CreatedDate) > TODAY)", "LeadSource")
    assert set(found) == set(every) - {name}


def test_having_measures_what_is_not_selected(api: Caller, org: DemoOrg) -> None:
    org.insert("Account", Name="small", Industry="X", AnnualRevenue=10.0)
    org.insert("Account", Name="large", Industry="X", AnnualRevenue=30.0)
    soql = "SELECT COUNT_DISTINCT(Name) FROM Account GROUP BY Industry HAVING "
    for test in ("SUM(AnnualRevenue) = 40", "AVG(AnnualRevenue) = 20", "MAX(AnnualRevenue) = 30"):
        assert api.column(f"{soql} {test} AND Industry = 'X'", "expr0") == [2]
        assert api.query(f"{soql} NOT ({test}) AND Industry = 'X'") == []


def test_groups_sort_by_aggregates_and_numbers_as_numbers(api: Caller, org: DemoOrg) -> None:
    for number in (9, 10, 100):
        org.insert("Account", Name=f"Size {number}", NumberOfEmployees=number, Phone="s", AnnualRevenue=1000.0 - number)
    soql = "SELECT NumberOfEmployees n FROM Account WHERE Phone = 's' GROUP BY NumberOfEmployees"
    assert api.column(soql, "n") == [9, 10, 100]
    assert api.column(f"{soql} ORDER BY MAX(AnnualRevenue)", "n") == [100, 10, 9]
    assert api.column(f"{soql} ORDER BY NumberOfEmployees DESC", "n") == [100, 10, 9]


INSTANT = "2026-02-22T23:05:00Z"  # a Sunday
PARTS = [
    ("CALENDAR_YEAR", 2026),
    ("CALENDAR_QUARTER", 1),
    ("CALENDAR_MONTH", 2),
    ("FISCAL_YEAR", 2026),
    ("FISCAL_QUARTER", 1),
    ("FISCAL_MONTH", 2),
    ("DAY_IN_MONTH", 22),
    ("DAY_IN_WEEK", 1),
    ("DAY_IN_YEAR", 53),
    ("HOUR_IN_DAY", 23),
    ("WEEK_IN_MONTH", 4),
    ("WEEK_IN_YEAR", 8),
    ("DAY_ONLY", "2026-02-22"),
]


@pytest.fixture
def dated(org: DemoOrg) -> str:
    return org.insert("Event", Subject="dated", DurationInMinutes=5, ActivityDateTime=datetime.fromisoformat(INSTANT))


@pytest.mark.parametrize(("function", "value"), PARTS)
def test_date_functions_select_filter_group_and_sort(api: Caller, dated: str, function: str, value: object) -> None:
    called, only = f"{function}(ActivityDateTime)", "Subject = 'dated'"
    assert api.column(f"SELECT {called} part FROM Event WHERE {only} GROUP BY {called}", "part") == [value]
    assert api.column(f"SELECT Id FROM Event WHERE {only} AND {called} = {value} ORDER BY {called}") == [dated]
    assert api.query(f"SELECT Id FROM Event WHERE {only} AND {called} != {value}") == []
    zoned = f"{function}(convertTimezone(ActivityDateTime))"
    soql = f"SELECT {zoned}, COUNT(Id) FROM Event WHERE {only} GROUP BY {zoned} HAVING {zoned} = {value}"
    assert [(row["expr0"], row["expr1"]) for row in api.query(soql)] == [(value, 1)]


def test_values_are_formatted_as_a_user_of_the_united_states_reads_them(api: Caller, org: DemoOrg, dated: str) -> None:
    org.insert("Account", Name="rich", AnnualRevenue=-1234567.5, NumberOfEmployees=12345, Industry="Energy")
    (row,) = api.query(
        "SELECT AnnualRevenue, FORMAT(AnnualRevenue) shown, FORMAT(convertCurrency(AnnualRevenue)) same, "
        "FORMAT(NumberOfEmployees), toLabel(Industry), convertCurrency(AnnualRevenue) raw FROM Account "
        "WHERE Name = 'rich' AND toLabel(Industry) = 'Energy' ORDER BY toLabel(Industry)"
    )
    digits = row["shown"].removeprefix("-$").split(".")[0]
    assert (digits, row["shown"]) == ("1,234,568" if "." not in row["shown"] else "1,234,567", row["same"])
    assert (row["NumberOfEmployees"], row["Industry"], row["raw"]) == ("12,345", "Energy", row["AnnualRevenue"])
    (event,) = api.query(f"SELECT FORMAT(ActivityDateTime) shown FROM Event WHERE Id = '{dated}'")
    assert event["shown"] == "2/22/2026, 11:05 PM"
    soql = "SELECT FORMAT(MAX(NumberOfEmployees)) most FROM Account WHERE Name = 'rich' GROUP BY Name"
    assert api.column(soql, "most") == ["12,345"]


def test_functions_of_a_parents_field_stand_in_the_parent(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="p", Industry="Energy", NumberOfEmployees=1000)
    org.insert("Contact", LastName="child", AccountId=account)
    soql = (
        "SELECT toLabel(Account.Industry), FORMAT(Account.NumberOfEmployees) size FROM Contact WHERE LastName='child'"
    )
    (row,) = api.query(soql)
    assert (row["Account"]["Industry"], row["size"]) == ("Energy", "1,000")


def test_count_takes_a_limit_and_other_aggregates_of_everything_take_none(api: Caller) -> None:
    assert api.get("/query", q="SELECT COUNT() FROM Contact LIMIT 10").json()["totalSize"] == 10


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        (
            "SELECT COUNT(Id) FROM Contact LIMIT 10",
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ),
        ("SELECT COUNT() FROM Contact ORDER BY Name", "Ordered field must be grouped or aggregated: Name"),
        ("SELECT COUNT() FROM Contact GROUP BY Name", "Grouped query cannot use COUNT()"),
        ("SELECT Name n FROM Contact", "only aggregate expressions use field aliasing"),
        ("SELECT Title FROM Contact GROUP BY Title HAVING Name = 'x'", "Field must be grouped or aggregated: Name"),
        (
            "SELECT Title FROM Contact GROUP BY Title HAVING Title IN (SELECT Name FROM Account)",
            "Semi join sub-selects are not allowed in HAVING",
        ),
        ("SELECT Id FROM Contact HAVING COUNT(Id) > 1", "unexpected token: 'HAVING'"),
        ("SELECT Id FROM Contact WHERE COUNT(Id) > 1", "unexpected token: 'count'"),
        ("SELECT Id FROM Contact WHERE FORMAT(CreatedDate) = 'x'", "unexpected token: 'format'"),
        ("SELECT Id FROM Contact ORDER BY FORMAT(CreatedDate)", "unexpected token: 'format'"),
        ("SELECT Name FROM Contact GROUP BY FORMAT(Birthdate)", "unexpected token: 'format'"),
        ("SELECT FORMAT(FORMAT(Birthdate)) FROM Contact", "unexpected token: 'format'"),
        ("SELECT toLabel(Name) FROM Contact", "field Name does not support the function TOLABEL()"),
        (
            "SELECT Id FROM Contact WHERE CALENDAR_YEAR(Name) = 1",
            "field Name does not support the function CALENDAR_YEAR()",
        ),
        (
            "SELECT Id FROM Contact WHERE HOUR_IN_DAY(Birthdate) = 1",
            "field Birthdate does not support the function HOUR_IN_DAY()",
        ),
        (
            "SELECT CALENDAR_YEAR(CreatedDate) FROM Contact",
            "Field must be grouped or aggregated: calendar_year(CreatedDate)",
        ),
    ],
)
def test_what_groups_and_functions_do_not_take_is_malformed(api: Caller, soql: str, message: str) -> None:
    assert api.refusal(soql) == ("MALFORMED_QUERY", message)
