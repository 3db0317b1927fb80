"""What a customer or a server writes cannot steer the terminal that shows it, nor fill the database."""

import csv
import io
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault

from .commandline import Command

NAME = "Eve\x1b]0;owned\x07\x9b31m\u202e"
RAW = ("\x1b", "\x07", "\x9b", "\u202e")


SCRIPT = '''
from collections.abc import AsyncIterator

from orgsync import Batch, Context, Record, sync


class Person(Record, table=True):
    """A contact."""

    __sobject__ = "Contact"
    last_name: str


@sync()
async def {name}(ctx: Context) -> AsyncIterator[Batch[Person]]:
    """Do it, then read."""
    {line}
    async for batch in ctx.changes(Person):
        yield batch
'''


def write_script(folder: Path, name: str, line: str) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / f"{name}.py").write_text(SCRIPT.format(name=name, line=line))


def raw_in(text: str) -> list[str]:
    return [each for each in RAW if each in text]


def test_rows_are_shown_without_them_and_written_as_data_with_them(orgsync: Command, acme: DemoOrg) -> None:
    acme.insert("Contact", LastName=NAME)
    dry = orgsync("run", "contacts", "--dry-run", "--limit", "100")
    assert orgsync("run", "contacts").code == 0
    table = orgsync("records", "contact", "--columns", "last_name", "--limit", "100")
    assert "Eve␛]0;owned␇�31m�" in table.out
    assert raw_in(dry.out + dry.err + table.out + table.err) == []
    rows = orgsync("records", "contact", "--format", "json")
    assert NAME in [row["last_name"] for row in rows.objects()]
    assert raw_in(rows.out) == []
    read = csv.DictReader(io.StringIO(orgsync("records", "contact", "--format", "csv").out, newline=""))
    assert NAME in [row["last_name"] for row in read]


def test_the_texts_of_a_server_are_short_and_without_them_wherever_they_are_shown(
    orgsync: Command, acme: DemoOrg
) -> None:
    acme.add_fault(Fault.json_error(400, f"ODD{NAME * 10_000}", f"it says {NAME * 1000}"), match="query", times=None)
    shown = [
        orgsync("run", "contacts"),
        orgsync("runs", "1"),
        orgsync("runs", "1", "--json"),
        orgsync("status"),
        orgsync("api", "GET", "query?q=SELECT Id FROM Contact"),
        orgsync("doctor"),
    ]
    for each in shown:
        assert raw_in(each.out + each.err) == []
        assert len(each.out + each.err) < 6000
    assert "ODD" in shown[0].err
    assert len(orgsync("runs", "1", "--json").objects()[0]["error"]) < 1000


def test_the_reason_that_a_sign_in_is_refused_is_shown_without_them(orgsync: Command, acme: DemoOrg) -> None:
    acme.expire_tokens()
    acme.add_fault(Fault.json_error(400, NAME, NAME), match="token", times=None)
    for each in (orgsync("run", "contacts"), orgsync("connections", "list"), orgsync("connections", "test", "acme")):
        assert raw_in(each.out + each.err) == []


def test_a_log_line_of_a_script_is_shown_without_them(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    write_script(folder, "talk", f'ctx.log.warning("said " + {NAME!r})')
    shown = orgsync("run", "talk")
    assert "Eve␛]0;owned" in shown.err
    assert raw_in(shown.err) == []


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_is_wrong_with_a_customers_value_is_reported_by_code_and_field(
    method: str, orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    said = "Email: invalid email address: jane.doe@customer.example"
    acme.add_fault(Fault.json_error(400, "INVALID_EMAIL_ADDRESS", said), match="sobjects/Contact", times=None)
    path = "sobjects/Contact/Email__c/jane.doe@customer.example"
    write_script(folder, "give", f'await ctx.{method.lower()}("{path}", {{"Email": "x"}})')
    shown = orgsync("run", "give")
    error = orgsync("runs", "1", "--json").objects()[0]["error"]
    assert "INVALID_EMAIL_ADDRESS" in error
    assert "/sobjects/Contact/Email__c/…" in error
    assert "jane" not in error
    assert said in shown.err  # what the author of the script sees, and nothing keeps
