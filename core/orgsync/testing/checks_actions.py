"""Checks of an action as it is written: its import, its docstrings, what it takes and returns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from orgsync.scripts import Action

from .checks_text import imports_quietly, require_docstrings
from .copies import Script
from .outcomes import Check, Unfit
from .script_home import fresh_module

__all__ = ["ACTION_CHECKS"]


def _has_docstrings(script: Script, folder: Path) -> None:
    """The module and the action's function have docstrings."""
    require_docstrings(script, _fresh_action(script), command="orgsync actions")


def _has_types(script: Script, folder: Path) -> None:
    """What the action takes and returns can be checked and has a JSON Schema, and its defaults are of their types."""
    if problem := _fresh_action(script).problem:
        raise Unfit(f"{script.home.path}: {problem}")


def _fresh_action(script: Script) -> Action[..., Any]:
    values = vars(fresh_module(script.home)).values()
    found = (cast("Action[..., Any]", each) for each in values if isinstance(each, Action))
    return next(each for each in found if each.name == script.home.sync)


ACTION_CHECKS: Mapping[str, Check] = {
    "imports without side effects": imports_quietly,
    "has docstrings": _has_docstrings,
    "has types that JSON has": _has_types,
}
