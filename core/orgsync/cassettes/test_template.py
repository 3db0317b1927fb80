"""A test that replays a recording, as text: what `orgsync record` writes where there is no test yet."""

import re
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast

from orgsync.records import Record, schema_of
from orgsync.scripts import Sync

from .scrubbing import Kind, comparable, is_stand_in
from .throwaway_project import Ran

__all__ = ["LINE", "compose_test", "expected_of", "imports_of", "literal_of", "name_of_test"]

_ORDINALS = ("first", "second", "third", "fourth", "fifth")
LINE = 88  # where formatters break lines by default


def name_of_test(sync: Sync[Any]) -> str:
    """Return the name of a sync's test, which is that of its file and its cassette."""
    return "test_" + re.sub(r"\W", "_", sync.name)


def compose_test(sync: Sync[Any], importable: Callable[[str], str], ran: Sequence[Ran[Any]]) -> str:
    """Return a test of a sync that expects the result of a replay, with types that strict checkers accept.

    `importable` returns the name under which a test imports a script's module. The text is empty for a sync that no
    test can import, because its module has no name for it.
    """
    name = next((key for key, value in sync.function.__globals__.items() if value is sync), None)
    if name is None:
        return ""
    lines: list[str] = []
    for number, each in enumerate(ran):
        lines += _run(name, number, each)
    expected, classes = _rows(sync, _ordinal(len(ran) - 1), ran[-1].rows)
    body = "\n".join([*lines, *expected])
    imported = [("orgsync.testing", "RunSync"), (importable(sync.function.__module__), name)]
    imported += [(importable(each.__module__), each.__name__) for each in classes]
    return (
        f'"""What the sync {sync.name} copied from the org that its cassette was recorded from."""\n\n'
        f"{_imports(body)}{imports_of(imported, importable('syncs.').partition('.')[0])}\n\n"
        f"async def {name_of_test(sync)}(run: RunSync) -> None:\n{body}\n"
    )


def _rows(sync: Sync[Any], last: str, rows: Sequence[Record]) -> tuple[list[str], list[type[Record]]]:
    """Return lines that expect the values of a row of each record class, and the classes that the test has to name."""
    first: dict[type[Record], int] = {}
    for place, row in enumerate(rows):
        first.setdefault(type(row), place)
    if len(sync.models) == 1:  # the rows of the result are of its type
        first = {model: place for model, place in first.items() if model in sync.models}
        return [line for place in first.values() for line in _first_row(last, place, rows[place])], []
    lines: list[str] = []
    named = {model: place for model, place in first.items() if _has_a_name(model)}
    for model, place in named.items():
        above, *values = _first_row(last, place, rows[place])[1:]
        lines += ["", above, f"    assert isinstance(row, {model.__name__})", *values]
    return lines, list(named)


def _first_row(last: str, place: int, row: Record) -> list[str]:
    return ["", f"    row = {last}.rows[{place}]", *_row(row)]


def _has_a_name(model: type[Record]) -> bool:
    """Return whether a test can import a class, which it cannot when a function made it."""
    return getattr(sys.modules.get(model.__module__), model.__name__, None) is model


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
    return [line for name in names for line in expected_of(f"row.{name}", getattr(row, name))]


def expected_of(path: str, value: object) -> list[str]:
    """Return a line that expects a value at a path, if it is plain, fits on a line, and is not a stand-in."""
    if value is None or isinstance(value, bool):
        return [f"    assert {path} is {value}"]
    if _stands_in(value):
        return []
    line = f"    assert {path} == {literal_of(value)}"
    return [line] if len(line) <= LINE and not isinstance(value, dict | list) else []


def _stands_in(value: object) -> bool:
    if isinstance(value, date):
        return is_stand_in(Kind.DATE, value.isoformat()[:10])
    if not isinstance(value, str) or not any(letter.isdigit() for letter in value):
        return False  # every stand-in ends in a number
    return comparable(value) != value or any(is_stand_in(kind, value) for kind in (Kind.TEXT, Kind.EMAIL, Kind.PHONE))


def literal_of(value: object) -> str:
    """Return a value as Python writes it, quoted as formatters do."""
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return f"{{{', '.join(f'{literal_of(key)}: {literal_of(each)}' for key, each in items)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal_of, cast('list[object]', value)))}]"
    if isinstance(value, datetime | date | time):
        return f'{type(value).__name__}.fromisoformat("{value.isoformat()}")'
    if isinstance(value, Decimal):
        whole = str(value).lstrip("-").isdigit() and str(value) != "-0"
        return f"Decimal({value})" if whole else f'Decimal("{value}")'
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    text = repr(value)
    if not isinstance(value, str) or text.startswith('"') or value.count('"') > value.count("'"):
        return text
    inside = text[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{inside}"'


def _imports(body: str) -> str:
    """Return imports of the types that the expected values name."""
    times = [name for name in ("date", "datetime", "time") if f" {name}.fromisoformat(" in body]
    lines = [f"from datetime import {', '.join(times)}\n"] if times else []
    if " Decimal(" in body:
        lines.append("from decimal import Decimal\n")
    return "".join(lines) + ("\n" if lines else "")


def imports_of(named: Sequence[tuple[str, str]], own: str) -> str:
    """Return imports in the order and the line breaks of formatters; `own` is the project's top package."""
    modules: dict[str, set[str]] = {}
    for module, name in named:
        modules.setdefault(module, set()).add(name)
    installed, local = list[str](), list[str]()
    for module, names in sorted(modules.items()):
        ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
        line = f"from {module} import {', '.join(ordered)}"
        broken = [f"from {module} import (", *(f"    {name}," for name in ordered), ")"]
        section = local if module.partition(".")[0] == own else installed
        section += [line] if len(line) <= LINE or len(ordered) == 1 else broken
    return "\n".join([*installed, *([""] if local else []), *local]) + "\n"
