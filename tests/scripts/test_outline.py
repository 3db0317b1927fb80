"""What a script's source says of its syncs is what importing it shows, or nothing is said."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel

import orgsync
import orgsync_cli
import orgsync_syncs
from orgsync import Record
from orgsync.scripts.discovery import list_own
from orgsync.scripts.outline import outlines_of
from orgsync.scripts.outline_classes import RESERVED
from orgsync.scripts.outline_names import PUBLIC

SHIPPED, PROJECT = Path(orgsync_syncs.__file__).parent, Path(orgsync_cli.__file__).parent / "project"
SCRIPTS = sorted(each for each in SHIPPED.glob("*.py") if not each.name.startswith("_"))

USUAL = '''\
"""A script."""

import logging
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal

from orgsync import Batch, Batches, Context, Record, field, sync

LEVELS = ("Gold", "Silver")


class Contact(Record, table=True):
    """A person."""

    last_name: str
    account_name: str | None = field("Account.Name")
    born: date | None
    seen: datetime | None
    debt: Decimal | None = field(optional=True, index=True)
    address: dict[str, object] | None = field("MailingAddress")
    note: str | None = field(local=True)


class Deal(Record, table=True):
    __sobject__ = "Opportunity"
    __tablename__ = "deals"
    name: str


def is_golden(contact: Contact, level: str = "Gold") -> bool:
    return contact.note == level


@sync(every="15m", reconcile="1d", name="people")
async def contacts(ctx: Context) -> AsyncIterator[Batch[Contact | Deal]]:
    """Everybody.

    And their deals.
    """
    async for batch in ctx.changes(Contact):
        yield batch.filter(is_golden)
    async for deals in ctx.snapshot(Deal):
        yield deals


@sync
def deals(ctx: Context) -> Batches[Deal]:
    return ctx.changes(Deal)


@sync(every="0 6 * * 1-5")
def nightly(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)
'''

CLASS = "from orgsync import Batches, Context, Record, field, sync\nclass Contact(Record, table=True):\n    name: str\n"
SYNC = "@sync(every='15m')\ndef contacts(ctx: Context) -> Batches[Contact]:\n    return ctx.changes(Contact)\n"


def imported(folder: Path) -> list[tuple[object, ...]]:
    found = list_own(folder)
    assert [each.problem for each in found if each.problem] == []
    syncs = [each.sync for each in found if each.sync]
    assert [each.problem for each in syncs if each.problem] == []
    return [
        (each.name, each.function.__name__, each.every, each.reconcile, each.summary, each.tables) for each in syncs
    ]


def outlined(script: Path) -> list[tuple[object, ...]] | None:
    found = outlines_of(script)
    if found is None:
        return None
    return [(each.name, each.function, each.every, each.reconcile, each.summary, each.tables) for each in found]


@pytest.mark.parametrize(
    "text",
    [
        USUAL,
        CLASS + SYNC,
        *(each.read_text(encoding="utf-8") for each in SCRIPTS),
        (PROJECT / "deals.py.txt").read_text(encoding="utf-8"),
        "from __future__ import annotations\n" + CLASS + SYNC,
        "VERSION = 1\n",
        "from orgsync_syncs.accounts import accounts\n" + CLASS + SYNC,
        CLASS + SYNC + "from orgsync_syncs.accounts import accounts as ours\n",
        "from orgsync import Batches, Context, sync\nfrom orgsync_syncs.contacts import Contact\n" + SYNC,
    ],
    ids=[
        *("usual", "short", *(each.stem for each in SCRIPTS), "example", "future", "nothing"),
        *("shipped sync", "renamed sync", "shipped class"),
    ],
)
def test_a_script_in_the_usual_form_says_what_importing_it_shows(text: str, tmp_path: Path) -> None:
    script = tmp_path / "one.py"
    script.write_text(text, encoding="utf-8")
    assert outlined(script) == imported(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        CLASS + SYNC + "raise RuntimeError\n",
        CLASS + SYNC + "print('imported')\n",
        CLASS + SYNC + "del contacts\n",
        CLASS + SYNC + "contacts = None\n",
        CLASS + SYNC + "again = contacts\n",
        CLASS + SYNC.replace("'15m'", "'15'"),
        CLASS + SYNC.replace("'15m'", "'0 0 31 2 *'"),
        CLASS + SYNC.replace("'15m'", "15"),
        CLASS + SYNC.replace("'15m'", "f'{15}m'"),
        CLASS + SYNC.replace("every='15m'", "often='15m'"),
        CLASS + SYNC.replace("every='15m'", "**{}"),
        CLASS + SYNC.replace("'15m'", "'15m', name=''.join(['a'])"),
        CLASS + SYNC.replace("ctx: Context", "ctx: Context, other: str"),
        CLASS + SYNC.replace("ctx: Context", ""),
        CLASS + SYNC.replace("ctx: Context", "ctx: Kontext"),
        CLASS + SYNC.replace("ctx: Context", "ctx: Context = open('x')"),
        CLASS + SYNC.replace("Batches[Contact]", "Batches[Account]"),
        CLASS + SYNC.replace(" -> Batches[Contact]", ""),
        CLASS + SYNC.replace("def ", "async def "),
        CLASS + SYNC.replace("return", "yield"),
        CLASS + SYNC.replace("ctx.changes(Contact)", "ctx.changes(Contact) or ctx.snapshot(Contact)"),
        CLASS + SYNC.replace("ctx.changes(Contact)", "[ctx.changes(Contact) for _ in 'ab'][0]"),
        CLASS + SYNC.replace("ctx.changes(Contact)", "ctx.changes(Record)"),
        CLASS + SYNC.replace("return", "return return"),
        CLASS + SYNC + "@sync\n" + SYNC,
        CLASS + "import contextlib as sync\n" + SYNC,
        CLASS + "import httpx\n" + SYNC,
        CLASS + "from syncs.other import Account\n" + SYNC,
        CLASS + "from orgsync_syncs.accounts import datetime\n" + SYNC,
        CLASS + "from orgsync_syncs.nothing import accounts\n" + SYNC,
        CLASS + "from orgsync_syncs.accounts.more import accounts\n" + SYNC,
        CLASS + "from datetime import nothing\n" + SYNC,
        CLASS + "from orgsync import nothing\n" + SYNC,
        CLASS + "from datetime import *\n" + SYNC,
        CLASS + "import no_such_module\n" + SYNC,
        CLASS + "import unittest.__main__ as ended\n" + SYNC,
        CLASS + "if True:\n    import os\n" + SYNC,
        CLASS + "str = int\n" + SYNC,
        CLASS + "from datetime import timedelta\nlate = timedelta(minutes='ten')\n" + SYNC,
        CLASS + "from datetime import timedelta\nlate = timedelta(minutes=max(1, 2))\n" + SYNC,
        CLASS + "either = Contact | 'Other'\n" + SYNC,
        CLASS.replace("name: str", "names: list[dict[str, complex]]") + SYNC,
        CLASS + "from collections.abc import Sized\ndef size(of: Sized[int]) -> int: ...\n" + SYNC,
        CLASS + f"deep = {'-' * 200_000}1\n" + SYNC,
        CLASS + "__path__ = []\n" + SYNC,
        CLASS.replace("table=True", "table=False") + SYNC,
        CLASS.replace("Record, table=True", "Record") + SYNC,
        CLASS.replace("Record, table=True", "Record, object, table=True") + SYNC,
        CLASS.replace("name: str", "name: complex") + SYNC,
        CLASS.replace("name: str", "name: str = 'x'") + SYNC,
        CLASS.replace("name: str", "name: str = field('1')") + SYNC,
        CLASS.replace("name: str", "name: str = field('Name', local=True)") + SYNC,
        CLASS.replace("name: str", "metadata: str") + SYNC,
        CLASS.replace("name: str", "register: str") + SYNC,
        CLASS.replace("name: str", "sync_number: int") + SYNC,
        CLASS.replace("name: str", "name: str\n    name: str") + SYNC,
        CLASS.replace("name: str", "name: str\n    Name: str") + SYNC,
        CLASS.replace("name: str", "name: str\n    __sobject__ = 'a b'") + SYNC,
        CLASS.replace("name: str", "name: str\n    __tablename__ = ''") + SYNC,
        CLASS.replace("name: str", "name: str\n    __tabelname__ = 'x'") + SYNC,
        CLASS.replace("name: str", "name: str\n    def f(self): ...") + SYNC,
        CLASS.replace("name: str", "name: str\n    model_config = {}") + SYNC,
        "\0" + CLASS,
    ],
)
def test_of_any_other_script_nothing_is_said(text: str, tmp_path: Path) -> None:
    script = tmp_path / "one.py"
    script.write_text(text, encoding="utf-8")
    assert outlines_of(script) is None


def test_reading_a_script_leaves_the_warnings_of_other_threads_as_they_are(tmp_path: Path) -> None:
    script = tmp_path / "one.py"
    os.mkfifo(script)
    with warnings.catch_warnings(), ThreadPoolExecutor(1) as thread:
        warnings.simplefilter("ignore")
        before = list(warnings.filters)
        reading = thread.submit(outlines_of, script)
        with script.open("w", encoding="utf-8"):  # opens as soon as the script is being read
            during = list(warnings.filters)
        assert reading.result() == []
    assert during == before


def test_no_field_may_have_the_name_of_an_attribute_of_every_record_class() -> None:
    public = {name for name in (*dir(Record), *dir(type(Record)), *Record.model_fields) if not name.startswith("_")}
    assert {name for name in public if not name.startswith(("model_", "sqlmodel_"))} <= RESERVED
    assert {name for name in dir(SQLModel) if not name.startswith(("_", "model_", "sqlmodel_"))} <= RESERVED


def test_what_a_script_may_import_from_orgsync_is_there() -> None:
    assert set(orgsync.__all__) >= PUBLIC


names = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True),
    st.sampled_from(
        ["type", "list", "date", "field", "sync", "registry", "metadata", "schema", "class_", "model_x", "id"]
    ),
)
types = st.sampled_from(
    ["str", "str | None", "date | None", "Decimal", "dict[str, object] | None", "list[str]", "object"]
)
values = st.sampled_from(["", " = field('A.B')", " = field(local=True)", " = field('A', local=True)", " = None"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.lists(st.tuples(names, types, values), min_size=1, max_size=4))
def test_what_is_said_of_any_record_class_is_what_importing_it_shows(
    fields: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    declared = "".join(f"    {name}: {kind}{value}\n" for name, kind, value in fields)
    script = tmp_path / "one.py"
    script.write_text(
        "from datetime import date\nfrom decimal import Decimal\n" + CLASS.replace("    name: str\n", declared) + SYNC,
        encoding="utf-8",
    )
    found = outlined(script)
    assert found is None or found == imported(tmp_path)
