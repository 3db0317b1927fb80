"""The error that a script's exception becomes: where in the script, what to write instead, its text for a terminal.

An exception out of orgsync's own reading of an answer is the server's fault: no line of the script can mend it.

The text may hold a customer's data, so it is the error's `detail`, which neither the store nor a log line gets.
"""

import linecache
import re
import sqlite3
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from traceback import FrameSummary
from typing import Any, ClassVar, Protocol, cast

from sqlalchemy.exc import DBAPIError

from orgsync.errors import OrgsyncError, ResponseUnreadable, ScriptRaised, StoreUnavailable
from orgsync.script_detail import detail_of

__all__ = ["Scripted", "alone", "problem_of"]

_CORRECT = "Correct the script; --debug shows the traceback."
_KEPT = {"sync": "What was committed before stays.", "action": "What it had sent before is done."}
_LIBRARY = Path(__file__).resolve().parents[1]
_STORE = _LIBRARY / "store"
_READS_ANSWERS = (_LIBRARY / "extract", _LIBRARY / "salesforce" / "bulk", _LIBRARY / "records" / "decode.py")
_SALESFORCE = _LIBRARY / "salesforce"  # takes what a script asks for as well

_KNOWN: Sequence[
    tuple[str, str, str]
] = (  # messages of Python 3.11 to 3.14, of which the first match counts; cause; remedy
    (
        r"(object |')async_generator'? (object )?can't be (used in 'await'|awaited)",
        "awaits what yields its rows or batches one after the other",
        "Write `async for row in ctx.query(...)`, or `[row async for row in ctx.query(...)]`, instead of `await`.",
    ),
    (
        r"(object |')Batch'? (object )?can't be (used in 'await'|awaited)",
        "awaits a batch that needs no await",
        "Drop the `await`: `yield batch.map(change)`. Only with an `async def` function are map and filter awaited.",
    ),
    (
        r"can't be (used in 'await' expression|awaited)",
        "awaits what needs no await",
        "Drop the `await`. Awaited are ctx.get, post, patch, put and delete, and map and filter of an `async def`.",
    ),
    (
        r"'async_generator' object is not (iterable|an iterator)|(argument of type '|iterable, not )async_generator",
        "iterates with `for` over what yields its rows or batches one after the other",
        "Write `async for` instead of `for`, in an `async def`.",
    ),
    (
        r"'async_generator' object is not subscriptable|object of type 'async_generator' has no len",
        "uses what yields its rows or batches one after the other as a list",
        "Gather them first: `[row async for row in ctx.query(...)]`.",
    ),
    (
        r"'async_generator' object has no attribute '(filter|map|replace)'",
        "changes all batches where it has to change each",
        "Write `async for batch in ctx.changes(...): yield batch.map(change)`.",
    ),
    (
        r"'async_generator' object (does not support the|has no attribute '__(enter|aenter))",
        "opens with `with` what yields its rows or batches one after the other",
        "Write `async for row in ctx.query(...)`.",
    ),
    (
        r"'async for' requires an object with __aiter__ method, got (?!coroutine)",
        "iterates with `async for` over what is not an asynchronous iterator",
        "Write `for` instead of `async for`.",
    ),
    (
        r"asyncio\.run\(\) cannot be called from a running event loop",
        "starts an event loop inside the one that it runs in",
        "Write `await` in an `async def`: `await ctx.get(...)`.",
    ),
    (
        r"'coroutine' object has no attribute '(filter|map|replace)'",
        "uses a batch before it is awaited",
        "Write `await` before it: `(await batch.map(change)).filter(keep)`, for its function is an `async def`.",
    ),
    (
        r"'coroutine' object has no attribute|'coroutine' object is not subscriptable",
        "uses a call before it is awaited",
        "Write `await` before it: `(await ctx.get(...))[...]`.",
    ),
    (
        r"('|type |got |non-iterable |iterable, not )coroutine\b",
        "uses a call before it is awaited",
        "Write `await` before it: `await ctx.get(...)`.",
    ),
)


class Scripted(Protocol):
    """A sync, an action or a hook, by its kind, its name and its function."""

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def function(self) -> Callable[..., Any]: ...  # noqa: D102


def problem_of(script: Scripted, error: BaseException, *, kept: str | None = None) -> OrgsyncError:
    """Return the error that ended a run: orgsync's own as it is, another as a ScriptRaised that chains it.

    `kept` says what becomes of what the function has done, where that is not as for all of its kind.

    An exception that a task group wraps alone is taken out of the group.
    """
    error = alone(error)
    if isinstance(error, OrgsyncError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    if refused := _refused_statement(error, frames):
        return refused
    if unreadable := _unread_answer(script, error, frames):
        return unreadable
    place, line = _place(script, frames)
    text = str(error)
    cause, remedy = (
        f"raised {type(error).__name__}",
        f"{_CORRECT} {_KEPT.get(script.kind, '') if kept is None else kept}".strip(),
    )
    if isinstance(error, TypeError | AttributeError | RuntimeError):
        known = next((each for each in _KNOWN if re.search(each[0], text)), None)
        cause, remedy = (known[1], known[2]) if known else (cause, remedy)
    problem = ScriptRaised(f"The {script.kind} {script.name} {cause} at {place}.", remedy)
    problem.detail = detail_of(line, error)
    problem.__cause__ = error
    return problem


def _refused_statement(error: BaseException, frames: Sequence[FrameSummary]) -> StoreUnavailable | None:
    """Return the error for a statement of the store's that the database refused; None for any other error.

    A script's own SQL is not the store's.
    """
    refusal = _refusal(error.orig if isinstance(error, DBAPIError) else error)
    if not refusal or not any(_STORE in Path(each.filename).parents for each in frames):
        return None
    return StoreUnavailable(
        f"The database refused a statement: {refusal}.",
        "If a table was dropped or changed by hand, stop what is running and run the sync again, or delete its copy: "
        "orgsync reset SYNC. Otherwise report it; it is a fault of orgsync's.",
    )


def _refusal(error: BaseException | None) -> str:
    """Return a database's own words without a row's values; empty for an error that is no database's.

    SQLite's texts name tables and columns and hold no values. PostgreSQL's do so where a name or the syntax is wrong.
    """
    if isinstance(error, sqlite3.Error):
        return str(error)
    if error is None or not type(error).__module__.startswith("psycopg"):  # which may not be installed
        return ""
    raised: Any = error
    state = raised.sqlstate or ""
    said = raised.diag.message_primary or ""
    return said if said and state.startswith("42") else f"{type(error).__name__}, SQLSTATE {state or 'unknown'}"


def _unread_answer(script: Scripted, error: BaseException, frames: Sequence[FrameSummary]) -> ResponseUnreadable | None:
    """Say that an answer could not be read; None for what was not raised out of orgsync's reading of one."""
    if not isinstance(error, TypeError | ValueError | LookupError | AttributeError | ArithmeticError):
        return None
    home = Path(script.function.__code__.co_filename).parent
    ours = [each for each in frames if Path(each.filename).is_relative_to(_LIBRARY)]
    theirs = [each for each in frames if Path(each.filename).is_relative_to(home) and each not in ours]
    known = [each for each in frames if each in ours or each in theirs]
    last = Path(known[-1].filename) if known else home
    if not any(last.is_relative_to(each) for each in _READS_ANSWERS) and (
        theirs or not last.is_relative_to(_SALESFORCE)
    ):
        return None
    problem = ResponseUnreadable(
        f"Salesforce's response to the {script.kind} {script.name} holds what orgsync cannot read "
        f"({type(error).__name__} at {last.relative_to(_LIBRARY)}, line {known[-1].lineno}).",
        "Run it again later; if this persists, look for a proxy that changes responses, and report this message: "
        "--debug shows the traceback.",
    )
    problem.__cause__ = error
    return problem


def alone(error: BaseException) -> BaseException:
    """Take an exception that a task group wraps alone out of the group."""
    while isinstance(error, BaseExceptionGroup):
        inside = list(cast("Sequence[BaseException]", cast("Any", error).exceptions))
        if len(inside) > 1:
            return cast("BaseException", error)
        error = inside[0]
    return error


def _place(script: Scripted, frames: Sequence[FrameSummary]) -> tuple[str, str]:
    """Return the script's last line that the error passed through, and its text.

    Where it passed through none, because the script returns what it does not iterate itself, it is the function's.
    """
    code = script.function.__code__
    own = [frame for frame in frames if frame.filename == code.co_filename]
    others = [frame for frame in frames if not Path(frame.filename).is_relative_to(_LIBRARY) and frame.line]
    beside = [frame for frame in others if Path(frame.filename).parent == Path(code.co_filename).parent]
    passed = beside or own
    if not passed:
        return f"{code.co_filename}, line {code.co_firstlineno}", ""
    frame = passed[-1]
    line = frame.line or linecache.getline(frame.filename, frame.lineno or 0)
    return f"{frame.filename}, line {frame.lineno}", line.strip()
