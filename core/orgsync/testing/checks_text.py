"""Checks of a script as it is written: its import, its docstrings, its tables."""

from functools import partial
from pathlib import Path
from typing import Any

import anyio

from orgsync.errors import OrgsyncError
from orgsync.records import Record, schema_of
from orgsync.scripts import Action, Sync
from orgsync.scripts.loading import classes_of
from orgsync.store import Store

from .copies import Script
from .outcomes import Unfit
from .script_home import fresh_module
from .side_effects import side_effects
from .subjects import fresh_sync

__all__ = ["has_docstrings", "has_tables", "imports_quietly", "require_docstrings"]


def imports_quietly(script: Script, folder: Path) -> None:
    """Importing the script defines things and does nothing else."""
    effects = side_effects(script.home, folder)
    if effects:
        report = "\n".join(effects)
        raise Unfit(
            f"Importing {script.home.path} does more than define things.\n{report}\n"
            "Move it into the sync's function: scripts are imported to be listed, too."
        )


def has_docstrings(script: Script, folder: Path) -> None:
    """The module and the sync's function have docstrings."""
    require_docstrings(script, fresh_sync(script.home), command="orgsync syncs")


def require_docstrings(script: Script, found: Sync[Record] | Action[..., Any], *, command: str) -> None:
    """Raise Unfit where the module or the function lacks a docstring, which `command` shows."""
    function = found.function
    line = function.__code__.co_firstlineno if hasattr(function, "__code__") else 1
    lacking = [
        f"{script.home.path}, line {at}: {what} has no docstring."
        for what, text, at in (
            ("the script", fresh_module(script.home).__doc__, 1),
            (f"the {found.kind} {script.home.sync}", function.__doc__, line),
        )
        if not (text or "").strip()
    ]
    if lacking:
        raise Unfit("\n".join([*lacking, f"One sentence is enough; `{command}` shows it."]))


def has_tables(script: Script, folder: Path) -> None:
    """Each record class makes its table in a new store."""
    anyio.run(partial(_prepare, script, folder))


async def _prepare(script: Script, folder: Path) -> None:
    async with Store.open(f"sqlite:///{folder / 'tables.db'}", folder=folder) as store:
        for model in classes_of(fresh_sync(script.home)):
            try:
                await store.rows.prepare(schema_of(model))
            except OrgsyncError as problem:
                raise Unfit(f"{script.home.path}: {problem}") from None
