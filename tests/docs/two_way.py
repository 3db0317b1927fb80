"""The program of the page on keeping a table and an object in step, as a module."""

import sqlite3
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from .pages import page

__all__ = ["at_statement", "program"]

PAGE = page("docs/how-to/two-way.md")


def program() -> Any:
    """Make a module of the page's blocks that define something; the last block, which uses it, is left out."""
    made = ModuleType("two_way_shown")
    sys.modules[made.__name__] = made
    for block in PAGE.blocks("python"):
        if "await keep_in_step(" not in block.text:
            code = compile("\n" * block.line + block.text, PAGE.name, "exec", dont_inherit=True)
            FunctionType(code, vars(made))()
    return made


def at_statement(shown: Any, number: int, do: Callable[[], Any]) -> Callable[[], int]:
    """Do something before the statement of this number that the program executes; return how to count them.

    What dies inside of a transaction leaves what it would leave before it, so only statements outside of one count.
    """
    executed = 0

    def count(ours: sqlite3.Connection) -> None:
        nonlocal executed
        executed += not ours.in_transaction
        if executed == number and not ours.in_transaction:
            do()

    class Counted(sqlite3.Connection):
        def execute(self, *given: Any) -> sqlite3.Cursor:
            count(self)
            return super().execute(*given)

        def executemany(self, *given: Any) -> sqlite3.Cursor:
            count(self)
            return super().executemany(*given)

    def opened(path: str) -> sqlite3.Connection:
        ours = sqlite3.connect(path, factory=Counted)
        ours.row_factory = sqlite3.Row
        ours.executescript(shown.TABLES)
        return ours

    shown.opened = opened
    return lambda: executed
