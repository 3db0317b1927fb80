"""The change feed in an application: `orgsync.changes`."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, TypeVar, overload

from orgsync.project import Change, open_project
from orgsync.records import Record
from orgsync.settings import Settings

__all__ = ["changes"]

A = TypeVar("A", bound=Record)
B = TypeVar("B", bound=Record)


@overload
def changes(
    *,
    after: int = 0,
    connection: str | None = None,
    wait: bool = False,
    poll_every: float = 1.0,
    settings: Settings | None = None,
) -> AsyncGenerator[Change[dict[str, Any]]]: ...


@overload
def changes(
    model: type[A],
    /,
    *,
    after: int = 0,
    connection: str | None = None,
    wait: bool = False,
    poll_every: float = 1.0,
    settings: Settings | None = None,
) -> AsyncGenerator[Change[A]]: ...


@overload
def changes(
    model: type[A],
    other: type[B],
    /,
    *,
    after: int = 0,
    connection: str | None = None,
    wait: bool = False,
    poll_every: float = 1.0,
    settings: Settings | None = None,
) -> AsyncGenerator[Change[A | B]]: ...


@overload
def changes(
    *models: type[Record],
    after: int = 0,
    connection: str | None = None,
    wait: bool = False,
    poll_every: float = 1.0,
    settings: Settings | None = None,
) -> AsyncGenerator[Change[Any]]: ...


async def changes(
    *models: type[Record],
    after: int = 0,
    connection: str | None = None,
    wait: bool = False,
    poll_every: float = 1.0,
    settings: Settings | None = None,
) -> AsyncGenerator[Change[Any]]:
    """Iterate over the changes of the copy, in order: `async for change in orgsync.changes(Contact, after=last):`.

    Each change has a number; store it with what you made of the change, and resume with `after=`. Changes are those of
    the given record classes' tables. Without a class they are those of every table, and records are dicts with values
    as `orgsync records --json` shows them. With `connection` they are that connection's alone.

    The iteration ends at the last change. With `wait` it never ends: it looks for new changes every `poll_every`
    seconds, until it is cancelled or closed. Whoever leaves the loop early closes it, best by `contextlib.aclosing`.
    It holds no transaction and at most about a thousand changes.

    Raises ArgumentInvalid for a number that the feed has not reached, as after a restored backup, and for two classes
    of one table; NameUnknown for a connection that there never was; RecordClassInvalid for a class whose columns its
    table contradicts; StoreReplaced where the database is deleted or replaced meanwhile.
    """
    async with open_project(settings) as project:
        found = project.records.changes(*models, after=after, connection=connection, wait=wait, poll_every=poll_every)
        async with aclosing(found):
            async for change in found:
                yield change
