"""A test that replays a recording, as text: what `orgsync record` writes where there is no test yet."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from orgsync.context import Sync
from orgsync.records import Record, schema_of

from .scrubbing import Kind, comparable, is_stand_in
from .stage import Ran

__all__ = ["compose_test", "name_of_test"]

_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_LINE = 88  # where formatters break lines that are not told otherwise


def name_of_test(sync: Sync[Any]) -> str:
    """Name the test of a sync, its file and its cassette."""
    return "test_" + re.sub(r"\W", "_", sync.name)


def compose_test(sync: Sync[Any], module: str, ran: Sequence[Ran[Any]]) -> str:
    """Write a test of a sync that expects what a replay of its recording gave; `module` is where the sync is.

    Gives nothing for a sync that no test can import, because its module has no name for it.
    """
    name = next((key for key, value in sync.function.__globals__.items() if value is sync), None)
    if name is None:
        return ""
    lines: list[str] = []
    for number, each in enumerate(ran):
        lines += _run(name, number, each)
    row = ran[-1].rows[0] if ran[-1].rows else None
    if row is not None:
        lines += ["", "    row = " + f"{_ordinal(len(ran) - 1)}.rows[0]", *_row(row)]
    body = "\n".join(lines)
    return (
        f'"""What the sync {sync.name} copied from the org that its cassette was recorded from."""\n\n'
        f"{_imports(body)}from orgsync.testing import RunSync\nfrom {module} import {name}\n\n\n"
        f"async def {name_of_test(sync)}(run: RunSync) -> None:\n{body}\n"
    )


def _run(name: str, number: int, ran: Ran[Any]) -> list[str]:
    which = _ordinal(number)
    return [
        *([""] if number else []),
        f"    {which} = await run({name})",
        f"    assert ({which}.added, {which}.updated, {which}.deleted) == ({ran.added}, {ran.updated}, {ran.deleted})",
        f"    assert len({which}.rows) == {len(ran.rows)}",
    ]


def _ordinal(number: int) -> str:
    return _ORDINALS[number] if number < len(_ORDINALS) else f"run_{number + 1}"


def _row(row: Record) -> list[str]:
    names = ["id", *(column.name for column in schema_of(type(row)).fields)]
    return [line for name in names for line in _expected(name, getattr(row, name))]


def _expected(name: str, value: object) -> list[str]:
    """Expect a value, if it is a plain one that fits on a line, and the org's own: not a stand-in for it."""
    if value is None or isinstance(value, bool):
        return [f"    assert row.{name} is {value}"]
    if _stands_in(value):
        return []
    line = f"    assert row.{name} == {_literal(value)}"
    return [line] if len(line) <= _LINE and not isinstance(value, dict | list) else []


def _stands_in(value: object) -> bool:
    if isinstance(value, date):
        return is_stand_in(Kind.DATE, value.isoformat()[:10])
    if not isinstance(value, str) or not any(letter.isdigit() for letter in value):
        return False  # every stand-in ends in a number
    return comparable(value) != value or any(is_stand_in(kind, value) for kind in (Kind.TEXT, Kind.EMAIL, Kind.PHONE))


def _literal(value: object) -> str:
    if isinstance(value, datetime | date | time):
        return f'{type(value).__name__}.fromisoformat("{value.isoformat()}")'
    if isinstance(value, Decimal):
        return f'Decimal("{value}")'
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    text = repr(value)
    if not isinstance(value, str) or text.startswith('"') or value.count('"') > value.count("'"):
        return text
    inside = text[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{inside}"'


def _imports(body: str) -> str:
    """Import the types that the expected values name."""
    times = [name for name in ("date", "datetime", "time") if f" {name}.fromisoformat(" in body]
    lines = [f"from datetime import {', '.join(times)}\n"] if times else []
    if " Decimal(" in body:
        lines.append("from decimal import Decimal\n")
    return "".join(lines) + ("\n" if lines else "")
