"""Hooks: functions of a script that are called when a connection is made, and before one is removed."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from orgsync.errors import ScriptNotLoaded

from .org import Org

__all__ = ["Hook", "Moment", "on_connect", "on_disconnect"]

Moment: TypeAlias = Literal["connect", "disconnect"]


@dataclass(frozen=True)
class Hook:
    """A function that is called with the org of a connection: when it is made, or before it is removed."""

    kind: ClassVar = "hook"

    name: str
    moment: Moment
    function: Callable[[Org], Awaitable[Mapping[str, Any] | None]] = field(repr=False)

    def __call__(self, org: Org) -> Awaitable[Mapping[str, Any] | None]:
        """Call the function itself, as a test does."""
        return self.function(org)


def on_connect(function: Callable[[Org], Awaitable[Mapping[str, Any] | None]], /) -> Hook:
    """Call an `async def` with the org after each sign-in, and before the connection is stored.

    It refuses the org by raising `Refused`: then nothing is stored, and so it is when it raises anything else. The
    mapping that it returns, if any, is merged into the connection's metadata. It is called again whenever somebody
    signs in to the connection again. Several are called in the order of their files and names. Raises ScriptNotLoaded
    for what is not an `async def` of one org.
    """
    return _hook(function, "connect")


def on_disconnect(function: Callable[[Org], Awaitable[None]], /) -> Hook:
    """Call an `async def` with the org before a connection is removed, while its credentials are still there.

    What it raises keeps the connection, unless its removal is forced; it may be called again then. It has a minute.
    The rest is as in `on_connect`.
    """
    return _hook(function, "disconnect")


def _hook(function: Any, moment: Moment) -> Hook:
    name = getattr(function, "__name__", "check")
    write = f"Write: @on_{moment} above async def {name}(org: Org) -> None."
    if not inspect.isfunction(function):
        what = "a class" if inspect.isclass(function) else f"a {type(function).__name__}"
        raise ScriptNotLoaded(f"@on_{moment} stands above {what}, not above a function.", write)
    if not inspect.iscoroutinefunction(function):
        raise ScriptNotLoaded(f"The hook {name} is not an `async def` without `yield`.", write)
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        parameters = ", ".join(inspect.signature(function).parameters)
        raise ScriptNotLoaded(f"The hook {name}({parameters}) cannot be called with its org alone.", write) from None
    return Hook(name, moment, function)
