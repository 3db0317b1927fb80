"""The check, when a function is decorated, that it can be an action; and what its signature says."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orgsync.errors import ScriptNotLoaded

__all__ = ["RESERVED", "Parameter", "parameters_of", "require_action_function"]

RESERVED = frozenset({"connection", "observe", "settings"})
"""What `orgsync.do` takes itself."""

_WRITE = "Write: @action above async def name(org: Org, case_id: str) -> dict[str, Any]."


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the source writes it; `default` is its default's source, None where there is none."""

    name: str
    type: str
    default: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is None


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Return the parameters of an action's function, without the org."""
    found = list(inspect.signature(function).parameters.values())[1:]
    return tuple(
        Parameter(
            each.name,
            _shown(each.annotation),
            None if each.default is each.empty else repr(each.default),
        )
        for each in found
    )


def _shown(annotation: object) -> str:
    """Return an annotation as a script writes it."""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation).replace("typing.", "")


def require_action_function(function: Any) -> None:
    """Raise ScriptNotLoaded for what is not an `async def` of an org and typed arguments."""
    if isinstance(function, str):
        raise ScriptNotLoaded(f"@action({function!r}) does not name its option.", f'Write @action(name="{function}").')
    if inspect.isclass(function) or not callable(function):
        what = "the class" if inspect.isclass(function) else f"a {type(function).__name__}"
        name = f" {function.__name__}" if inspect.isclass(function) else ""
        raise ScriptNotLoaded(f"@action stands above {what}{name}, not above a function.", _WRITE)
    name = getattr(function, "__name__", "action")
    if inspect.isasyncgenfunction(function):
        raise ScriptNotLoaded(f"The action {name} yields; an action returns once.", "Return a list of the results.")
    if not inspect.iscoroutinefunction(function):
        raise ScriptNotLoaded(f"The action {name} is a `def`.", f"Write: async def {name}(org: Org, ...).")
    _require_signature(name, inspect.signature(function))


def _require_signature(name: str, signature: inspect.Signature) -> None:
    places = list(signature.parameters.values())
    others = places[1:]
    if not places or places[0].kind not in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
        raise ScriptNotLoaded(f"The action {name} takes no org.", f"Write: async def {name}(org: Org, ...).")
    for each in others:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise ScriptNotLoaded(
                f"The action {name} takes {str(each).partition(':')[0]}, which has no name to give it by.",
                "Give each argument a name of its own, before no `/`; several of a kind are a list.",
            )
        if each.annotation is each.empty:
            raise ScriptNotLoaded(f"The parameter {each.name} of the action {name} has no type.", _WRITE)
        if each.name in RESERVED:
            raise ScriptNotLoaded(
                f"The action {name} has a parameter {each.name}, which orgsync.do takes itself.",
                "Give it another name; org.connection describes the connection.",
            )
    if signature.return_annotation is signature.empty:
        raise ScriptNotLoaded(f"The action {name} does not say what it returns.", _WRITE.replace("name(", f"{name}("))
