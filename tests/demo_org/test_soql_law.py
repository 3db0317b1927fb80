"""A law: what a WHERE clause finds is what plain Python finds among the org's own rows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgsync.demo_org import DemoOrg
from orgsync.demo_org.database import FIRST_NUMBER
from orgsync.demo_org.ids import make_id
from tests.demo_org.caller import Caller
from tests.demo_org.conftest import NOW

Row = dict[str, Any]
Case = tuple[str, Callable[[Row], bool]]


@pytest.fixture(scope="module")
def law() -> Iterator[tuple[Caller, list[Row]]]:
    with DemoOrg(contacts=0, accounts=60, now=NOW) as org, Caller(org) as api:
        for name in ("acme", "ACME", "Acme 100%", "a_c", "O'Neil", "tab\there", "Straße", "\\"):
            org.insert("Account", Name=name, Industry=name)
        yield api, org.rows("Account")


def quoted(text: str) -> str:
    escapes = {"'": r"\'", "\\": r"\\", "\n": r"\n", "\t": r"\t"}
    return "'" + "".join(escapes.get(letter, letter) for letter in text) + "'"


texts = st.sampled_from(
    ["acme", "Energy", "ENERGY", "a_c", "O'Neil", "tab\there", "straße", "STRASSE", "\\", "zz", "retail"]
)
text_fields = st.sampled_from(["Name", "Industry", "Rating"])
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


@st.composite
def text_cases(draw: st.DrawFn) -> Case:
    name, operator, text = draw(text_fields), draw(st.sampled_from(["=", "!=", *OPERATORS])), draw(texts)
    wanted = text.casefold()
    if operator == "=":
        return f"{name} = {quoted(text)}", lambda row: folded(row[name]) == wanted
    if operator == "!=":
        return f"{name} != {quoted(text)}", lambda row: folded(row[name]) != wanted
    compare = OPERATORS[operator]
    return f"{name} {operator} {quoted(text)}", lambda row: row[name] is not None and compare(folded(row[name]), wanted)


@st.composite
def membership_cases(draw: st.DrawFn) -> Case:
    name = draw(text_fields)
    wanted = draw(st.lists(st.one_of(st.none(), texts), min_size=1, max_size=4))
    listed = ", ".join("null" if text is None else quoted(text) for text in wanted)
    found = {folded(text) for text in wanted}
    if draw(st.booleans()):
        return f"{name} IN ({listed})", lambda row: folded(row[name]) in found
    return f"{name} NOT IN ({listed})", lambda row: folded(row[name]) not in found


def is_like(text: str, pattern: list[str]) -> bool:
    """Match by recursion, so that no regular expression is shared with the server."""
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "%":
        return any(is_like(text[start:], rest) for start in range(len(text) + 1))
    return bool(text) and (head == "_" or text[0] == head.removeprefix("\\").casefold()) and is_like(text[1:], rest)


@st.composite
def like_cases(draw: st.DrawFn) -> Case:
    name = draw(text_fields)
    pattern = draw(st.lists(st.sampled_from(["%", "_", r"\%", r"\_", "a", "C", "e", "r"]), max_size=5))
    return (
        f"{name} LIKE '{''.join(pattern)}'",
        lambda row: row[name] is not None and is_like(row[name].casefold(), pattern),
    )


@st.composite
def number_cases(draw: st.DrawFn) -> Case:
    name = draw(st.sampled_from(["NumberOfEmployees", "AnnualRevenue"]))
    operator, number = (
        draw(st.sampled_from(sorted(OPERATORS))),
        draw(st.integers(-5, 20_000)) * draw(st.sampled_from([1, 5000])),
    )
    compare = OPERATORS[operator]
    return f"{name} {operator} {number}", lambda row: row[name] is not None and compare(row[name], number)


@st.composite
def moment_cases(draw: st.DrawFn) -> Case:
    name, operator = draw(st.sampled_from(["CreatedDate", "SystemModstamp"])), draw(st.sampled_from(sorted(OPERATORS)))
    moment = NOW - timedelta(seconds=draw(st.integers(0, 700 * 86_400)))
    compare = OPERATORS[operator]
    return f"{name} {operator} {moment:%Y-%m-%dT%H:%M:%SZ}", lambda row: compare(row[name], moment)


@st.composite
def day_cases(draw: st.DrawFn) -> Case:
    days = draw(st.integers(0, 700))
    first = datetime.combine(NOW.date() - timedelta(days=days), datetime.min.time(), UTC)
    if draw(st.booleans()):
        return f"CreatedDate = LAST_N_DAYS:{days}", lambda row: row["CreatedDate"] >= first
    return f"CreatedDate < N_DAYS_AGO:{days}", lambda row: row["CreatedDate"] < first


@st.composite
def id_cases(draw: st.DrawFn) -> Case:
    """Compare with an id of the org's own, found by its number, in either length."""
    number, operator = draw(st.integers(1, 300)), draw(st.sampled_from(["=", "!=", *OPERATORS]))
    whole = make_id("001", "Dn0", FIRST_NUMBER + number)
    compare = {"=": str.__eq__, "!=": str.__ne__, **OPERATORS}[operator]
    return f"Id {operator} '{whole[: draw(st.sampled_from([15, 18]))]}'", lambda row: bool(compare(row["Id"], whole))


@st.composite
def null_cases(draw: st.DrawFn) -> Case:
    name = draw(st.sampled_from(["Name", "Industry", "NumberOfEmployees", "ParentId", "BillingCity"]))
    if draw(st.booleans()):
        return f"{name} = null", lambda row: row[name] is None
    return f"{name} != null", lambda row: row[name] is not None


def both(cases: list[Case]) -> Case:
    return "(" + " AND ".join(f"({soql})" for soql, _ in cases) + ")", lambda row: all(
        is_true(row) for _, is_true in cases
    )


def either(cases: list[Case]) -> Case:
    return "(" + " OR ".join(f"({soql})" for soql, _ in cases) + ")", lambda row: any(
        is_true(row) for _, is_true in cases
    )


def neither(case: Case) -> Case:
    soql, is_true = case
    return f"NOT ({soql})", lambda row: not is_true(row)


simple = st.one_of(
    text_cases(),
    membership_cases(),
    like_cases(),
    number_cases(),
    moment_cases(),
    day_cases(),
    id_cases(),
    null_cases(),
)
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(both),
        st.lists(inner, min_size=2, max_size=3).map(either),
        inner.map(neither),
    ),
    max_leaves=6,
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=conditions)
def test_where_finds_what_plain_python_finds(law: tuple[Caller, list[Row]], condition: Case) -> None:
    api, rows = law
    soql, is_true = condition
    found = api.column(f"SELECT Id FROM Account WHERE {soql}")
    assert sorted(found) == [row["Id"] for row in rows if is_true(row)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_keyset_paging_meets_every_row_once(law: tuple[Caller, list[Row]], data: st.DataObject) -> None:
    api, rows = law
    size = data.draw(st.integers(3, 40))
    met: list[str] = []
    position = ""
    while True:
        soql = f"SELECT Id, SystemModstamp FROM Account {position} ORDER BY SystemModstamp, Id LIMIT {size}"
        page = api.query(soql)
        met += [record["Id"] for record in page]
        if len(page) < size:
            break
        stamp = page[-1]["SystemModstamp"].replace("+0000", "Z")
        position = f"WHERE SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{page[-1]['Id']}')"
    expected = sorted(rows, key=lambda row: (row["SystemModstamp"], row["Id"]))
    assert met == [row["Id"] for row in expected]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["Industry", "NumberOfEmployees", "CreatedDate", "Id", "AnnualRevenue"]),
    descending=st.booleans(),
    nulls_last=st.booleans(),
)
def test_order_by_sorts_as_plain_python_does(
    law: tuple[Caller, list[Row]], name: str, descending: bool, nulls_last: bool
) -> None:
    api, rows = law
    direction, nulls = ("DESC" if descending else "ASC"), ("LAST" if nulls_last else "FIRST")
    found = api.query(
        f"SELECT Id, {name} FROM Account ORDER BY {name} {direction} NULLS {nulls}, Id".replace("Id, Id ", "Id ")
    )
    present = [row for row in rows if row[name] is not None]
    absent = [row for row in rows if row[name] is None]
    present.sort(key=lambda row: row["Id"])
    present.sort(key=lambda row: row["Id"] if name == "Id" else folded(row[name]), reverse=descending)
    expected = present + absent if nulls_last else absent + present
    assert [record["Id"] for record in found] == [row["Id"] for row in expected]
