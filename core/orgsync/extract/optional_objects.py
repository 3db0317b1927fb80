"""Objects that an org may lack: a class that says so has no rows there, unless the copy shows that it had some."""

from orgsync.errors import ObjectNotFound
from orgsync.records import Schema

from .source import Source

__all__ = ["is_lacking"]


async def is_lacking(source: Source, schema: Schema, problem: Exception) -> bool:
    """Return whether a problem is that the org lacks the class's optional object, and warn of it.

    An object that the copy has rows of was there: it was deleted, or a permission was lost. That stays an error, since
    the copy would go stale without a word.
    """
    if not schema.optional or not isinstance(problem, ObjectNotFound):
        return False
    if (problem.sobject or "").lower() != schema.sobject.lower() or await source.copy.live_count(schema):
        return False
    source.warn(
        f"There is nothing to read for {schema.model.__name__}: the org has no {schema.sobject}, or the connection's "
        "user may not see it."
    )
    return True
