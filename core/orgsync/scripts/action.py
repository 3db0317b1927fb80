"""The decorator that makes a function an action, which does something in an org and returns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, overload

from pydantic import BaseModel

from orgsync.errors import ScriptProblem

from .action_function import Parameter, parameters_of, require_action_function
from .action_types import ActionTypes, types_of
from .org import Org

__all__ = ["Action", "ActionResult", "action"]

P = ParamSpec("P")
R = TypeVar("R")


class ActionResult(BaseModel):
    """A result that says whether all was done: where `success` is False, the run of the action counts as failed.

    It is returned and printed all the same; `orgsync do` then exits with 1. A subclass has fields of its own.
    """

    success: bool = True

    @property
    def failure(self) -> str:
        """What was not done, in a sentence without a customer's data: the run is listed with it."""
        return "Not all of it was carried out."


@dataclass(frozen=True)
class Action(Generic[P, R]):
    """A function that does something in an org; its signature says what it takes and returns.

    Call it with an org, as a test does, or run it on a connection with `orgsync.do`, which also checks its arguments.
    """

    kind: ClassVar = "action"

    name: str
    function: Callable[Concatenate[Org, P], Awaitable[R]] = field(repr=False)

    def __call__(self, org: Org, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Call the function itself."""
        return self.function(org, *args, **kwargs)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it takes beside the org."""
        return parameters_of(self.function)

    @property
    def problem(self) -> ScriptProblem | None:
        """The error of a signature with types that cannot be checked; None where there is none."""
        try:
            _ = self.types
        except ScriptProblem as problem:
            return problem
        return None

    @cached_property
    def types(self) -> ActionTypes:
        """What checks arguments and results. Raises ScriptNotLoaded for types that cannot be checked."""
        return types_of(self.name, self.function)

    def bound(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments as the function takes them; what is absent has the function's default.

        Raises ArgumentInvalid for an unknown one, with the nearest, for a missing one, and for one of another type.
        """
        return self.types.bound(arguments)


@overload
def action(function: Callable[Concatenate[Org, P], Awaitable[R]], /) -> Action[P, R]: ...


@overload
def action(*, name: str | None = None) -> Callable[[Callable[Concatenate[Org, P], Awaitable[R]]], Action[P, R]]: ...


def action(
    function: Callable[Concatenate[Org, P], Awaitable[R]] | None = None, /, *, name: str | None = None
) -> Action[P, R] | Callable[[Callable[Concatenate[Org, P], Awaitable[R]]], Action[P, R]]:
    """Make an action of an `async def` that takes an Org and arguments, each with a type, and returns a result.

    Arguments and result are checked by their types: those of JSON, and pydantic's models. The name is the function's by
    default. Raises ScriptNotLoaded for anything else.
    """
    if function is not None:
        require_action_function(function)
        return Action(_name_of(function), function)

    def decorate(decorated: Callable[Concatenate[Org, P], Awaitable[R]]) -> Action[P, R]:
        require_action_function(decorated)
        return Action(name or _name_of(decorated), decorated)

    return decorate


def _name_of(function: Callable[..., object]) -> str:
    return str(getattr(function, "__name__", "action"))
