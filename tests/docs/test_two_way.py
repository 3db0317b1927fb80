"""A table and an object in step both ways: the rules of the page hold, wherever the program dies."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import orgsync
from orgsync.demo_org import DemoOrg, Fault
from tests.conftest import BEGAN
from tests.projects import credentials_for
from tests.warm_process import opened_module

from .terminals import environment
from .two_way import at_statement, program

FIELDS = {"LastName": "last_name", "Email": "email", "Phone": "phone"}


class Died(BaseException):
    """What ends the program as a kill does."""


@pytest.fixture
def org() -> Generator[DemoOrg]:
    with DemoOrg(contacts=5, accounts=1, now=BEGAN) as org:
        org.add_field("Contact", "Key__c", external_id=True, unique=True)
        yield org


@pytest.fixture
def shown() -> Any:
    return program()


def step(shown: Any, org: DemoOrg) -> list[str]:
    """Play a round, and list the requests that wrote."""
    org.advance(minutes=10)
    org.clear_requests()
    asyncio.run(shown.keep_in_step("shop.db", "acme"))
    return [request.method for request in org.requests if request.method in ("POST", "PATCH", "DELETE")]


def change(sql: str, *values: object) -> None:
    with closing(sqlite3.connect("shop.db")) as ours, ours:
        ours.execute(sql, values)


def table(sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("shop.db")) as ours:
        return ours.execute(sql).fetchall()


def theirs(org: DemoOrg) -> dict[str, tuple[Any, ...]]:
    return {str(row["Id"]): tuple(row[name] for name in FIELDS) for row in org.rows("Contact")}


def ours() -> dict[str, tuple[Any, ...]]:
    rows = table("SELECT salesforce_id, last_name, email, phone FROM customer WHERE NOT is_deleted")
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def overruled() -> list[tuple[str, dict[str, Any]]]:
    return [(key, json.loads(values)) for key, values in table("SELECT key, ours FROM overruled")]


def test_both_sides_are_equal_after_a_round_and_a_quiet_one_writes_nothing(acme: DemoOrg, shown: Any) -> None:
    step(shown, acme)
    assert ours() == theirs(acme)
    ids = sorted(ours())
    change("INSERT INTO customer (key, last_name, phone) VALUES ('C-1', 'Lovelace', '1')")
    change("UPDATE customer SET email = 'here@example.com' WHERE salesforce_id = ?", ids[0])
    change("UPDATE customer SET is_deleted = 1 WHERE salesforce_id = ?", ids[1])
    acme.update("Contact", ids[0], Phone="there")
    acme.delete("Contact", ids[2])
    acme.insert("Contact", LastName="Hopper")
    written = step(shown, acme)
    assert (written, ours(), overruled()) == (["PATCH", "PATCH", "DELETE"], theirs(acme), [])
    assert theirs(acme)[ids[0]][1:] == ("here@example.com", "there")
    assert ids[1] not in theirs(acme)
    assert step(shown, acme) == []  # what was written comes back, and is nobody's change
    assert step(shown, acme) == []
    assert ours() == theirs(acme)


def test_where_both_changed_a_field_salesforce_wins_and_our_value_is_kept(acme: DemoOrg, shown: Any) -> None:
    step(shown, acme)
    one, two, three, four, _ = sorted(ours())
    for contact in (one, two):
        change("UPDATE customer SET phone = '1', email = 'both@example.com' WHERE salesforce_id = ?", contact)
        acme.update("Contact", contact, Phone="1" if contact == two else "2", Email="both@example.com")
    change("UPDATE customer SET is_deleted = 1 WHERE salesforce_id = ?", three)
    acme.update("Contact", three, Phone="changed there")
    change("UPDATE customer SET phone = '4' WHERE salesforce_id = ?", four)
    acme.delete("Contact", four)
    assert step(shown, acme) == []
    assert ours() == theirs(acme)
    assert overruled() == [(one, {"phone": "1"}), (three, {"is_deleted": True}), (four, {"phone": "4"})]
    assert theirs(acme)[three][2] == "changed there"


def test_a_row_that_salesforce_refuses_says_why_and_waits_until_it_is_changed(acme: DemoOrg, shown: Any) -> None:
    step(shown, acme)
    contact = sorted(ours())[0]
    change("UPDATE customer SET email = 'no address' WHERE salesforce_id = ?", contact)
    assert step(shown, acme) == ["PATCH"]
    assert step(shown, acme) == []
    [(problem,)] = table("SELECT problem FROM customer WHERE problem IS NOT NULL")
    assert problem.startswith("INVALID_EMAIL_ADDRESS")
    change("UPDATE customer SET email = 'an@address.example' WHERE salesforce_id = ?", contact)
    assert step(shown, acme) == ["PATCH"]
    assert table("SELECT problem FROM customer WHERE problem IS NOT NULL") == []
    assert ours() == theirs(acme)


def test_a_write_whose_response_is_lost_makes_no_second_contact(acme: DemoOrg, shown: Any) -> None:
    step(shown, acme)
    change("INSERT INTO customer (key, last_name) VALUES ('C-1', 'Lovelace')")
    acme.add_fault(Fault.reset(processed=True), match="composite/sobjects", times=None)
    step(shown, acme)
    acme.clear_faults()
    assert table("SELECT salesforce_id, sending FROM customer WHERE key = 'C-1'") == [
        (None, '{"last_name": "Lovelace"}')
    ]
    change("UPDATE customer SET phone = 'later' WHERE key = 'C-1'")
    step(shown, acme)
    assert [row["Phone"] for row in acme.rows("Contact") if row["Key__c"] == "C-1"] == ["later"]
    assert (ours(), overruled()) == (theirs(acme), [])


def test_a_key_that_is_used_again_is_another_contact(acme: DemoOrg, shown: Any) -> None:
    insert = "INSERT INTO customer (key, last_name) VALUES ('C-1', ?)"
    step(shown, acme)
    change(insert, "First")
    step(shown, acme)
    change("UPDATE customer SET is_deleted = 1 WHERE key = 'C-1'")
    assert step(shown, acme) == ["DELETE"]
    change(insert, "Second")
    assert step(shown, acme) == ["PATCH"]
    assert step(shown, acme) == []
    assert [row["LastName"] for row in acme.rows("Contact") if row["Key__c"] == "C-1"] == ["Second"]
    assert (ours(), overruled()) == (theirs(acme), [])


def prepared(shown: Any, org: DemoOrg) -> None:
    """Give a round everything to do: news of both sides, and fields that both changed."""
    step(shown, org)
    one, two, three, four, five = sorted(ours())
    change("INSERT INTO customer (key, last_name) VALUES ('C-1', 'Lovelace')")
    change("UPDATE customer SET email = 'here@example.com' WHERE salesforce_id = ?", one)
    change("UPDATE customer SET is_deleted = 1 WHERE salesforce_id = ?", two)
    change("UPDATE customer SET phone = 'ours' WHERE salesforce_id = ?", five)
    org.update("Contact", one, Phone="there")
    org.update("Contact", five, Phone="theirs")
    org.delete("Contact", three)
    org.hard_delete("Contact", four)
    org.insert("Contact", LastName="Hopper")


def require_in_step(shown: Any, org: DemoOrg) -> None:
    """Let the application change what may be on its way, and expect both sides to be as if nothing had happened."""
    one, five = (
        next(key for key, values in theirs(org).items() if values[2] == phone) for phone in ("there", "theirs")
    )
    change("UPDATE customer SET email = 'again@example.com' WHERE key = 'C-1'")
    change("UPDATE customer SET email = 'again.too@example.com' WHERE salesforce_id = ?", one)
    step(shown, org)
    assert step(shown, org) == []
    assert ours() == theirs(org)
    assert overruled() == [(five, {"phone": "ours"})]
    assert [row["Email"] for row in org.rows("Contact") if row["Key__c"] == "C-1"] == ["again@example.com"]
    assert theirs(org)[one][1:] == ("again.too@example.com", "there")
    assert sorted(row[0] for row in theirs(org).values() if row[0] in ("Lovelace", "Hopper")) == ["Hopper", "Lovelace"]


@pytest.mark.parametrize("first", [0, 1, 2])  # for several processes
def test_it_may_die_between_any_two_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path, first: int
) -> None:
    number, executed = first - 2, 1
    while number < executed:
        number += 3
        place = tmp_path / str(number)
        place.mkdir()
        monkeypatch.chdir(place)
        with DemoOrg(contacts=5, accounts=1, now=BEGAN) as org:
            org.add_field("Contact", "Key__c", external_id=True, unique=True)
            asyncio.run(orgsync.connections.add("acme", credentials_for(org)))
            prepared(program(), org)
            dying = program()
            count = at_statement(dying, number, died)
            try:
                step(dying, org)
            except Died:
                executed = number + 1
            else:
                executed = count()
            require_in_step(program(), org)
    assert number > 15


def died() -> None:
    raise Died


@pytest.mark.parametrize("place", ["sent", "5", "14"])
def test_it_may_be_killed(acme: DemoOrg, shown: Any, folder: Path, place: str) -> None:
    prepared(shown, acme)
    acme.advance(minutes=10)
    surroundings = environment() | {"ORGSYNC_PROJECT": str(folder)}
    process = opened_module("tests.docs.two_way_process", place, cwd=folder, env=surroundings)
    assert process.wait(120) == -signal.SIGKILL
    require_in_step(shown, acme)
