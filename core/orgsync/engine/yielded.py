"""Errors for a sync that yields or returns something else than batches, with what to write."""

from inspect import isawaitable

from orgsync.errors import ScriptNotLoaded
from orgsync.records import Record
from orgsync.records.wording import kind_of

__all__ = ["not_a_batch", "not_batches"]


def not_batches(name: str, returned: object) -> ScriptNotLoaded:
    """Return the error for a sync that does not return batches."""
    _close(returned)
    given = "nothing" if returned is None else f"{kind_of(returned)}, not batches"
    return ScriptNotLoaded(
        f"The sync {name} returns {given}.",
        "Write `return ctx.changes(RecordClass)`, or an `async def` that yields batches.",
    )


def not_a_batch(name: str, yielded: object) -> ScriptNotLoaded:
    """Return the error for a sync that yields something else than a batch."""
    cause = f"The sync {name} yields {kind_of(yielded)}, not a Batch."
    if hasattr(yielded, "__aiter__"):
        return ScriptNotLoaded(cause, "Yield its batches one by one: `async for batch in ...: yield batch`.")
    if isawaitable(yielded):
        _close(yielded)
        return ScriptNotLoaded(
            cause,
            "Write `await` before the call: `yield await batch.map(change)`; of what ctx.get returns, yield a Batch.",
        )
    if isinstance(yielded, Record):
        return ScriptNotLoaded(cause, f"Yield rows in batches: `yield Batch({type(yielded).__name__}, [row])`.")
    return ScriptNotLoaded(cause, "Yield Batch(RecordClass, rows), or the batches of ctx.changes(RecordClass).")


def _close(unused: object) -> None:
    """Close a coroutine or a generator that is not going to be used."""
    close = getattr(unused, "close", None)
    if close is not None:
        close()
