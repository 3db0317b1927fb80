"""Which actions a project and installed packages have, without importing scripts that say so themselves."""

import ast
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from orgsync.errors import OrgsyncError

from .action_function import Parameter
from .outline import ActionOutline, outline_of
from .packages import ACTIONS, provided

__all__ = ["SurveyedAction", "survey_actions"]


@dataclass(frozen=True, slots=True)
class SurveyedAction:
    """An action, where it was found and what it takes; `problem` keeps it, or its whole script, from being run.

    Of a script that does not load only its name is known: `loads` is False.
    """

    name: str
    where: str
    summary: str = ""
    parameters: tuple[Parameter, ...] = ()
    problem: OrgsyncError | None = None
    shipped: bool = False
    loads: bool = True


def survey_actions(folder: Path) -> list[SurveyedAction]:
    """List every action: the project's, scripts that cannot be imported, and what packages provide.

    Raises ScriptNotLoaded if two scripts define actions of the same name.
    """
    own = _outlined(folder)
    if own is None:
        from .action_discovery import list_own_actions

        own = list_own_actions(folder)
    return [*own, *_shipped({each.name for each in own if each.loads})]


def _outlined(folder: Path) -> list[SurveyedAction] | None:
    """Return the folder's actions by the source of its scripts, None where that does not decide all of them."""
    found: list[SurveyedAction] = []
    for path in sorted(path for path in folder.glob("*.py") if not path.name.startswith("_")):
        outline = outline_of(path)
        if outline is None:
            return None
        found += [_declared(each, str(path)) for each in outline.actions]
    unique = len({each.name for each in found}) == len(found)
    return found if unique else None


def _shipped(taken: Collection[str]) -> list[SurveyedAction]:
    return [_shipped_action(point) for name, point in provided(ACTIONS).items() if name not in taken]


def _shipped_action(point: EntryPoint) -> SurveyedAction:
    """Read what an installed action takes from its source, which is taken to import; else import it."""
    spec = find_spec(point.module)
    if spec and spec.origin:
        for each in ast.parse(Path(spec.origin).read_bytes()).body:
            if isinstance(each, ast.AsyncFunctionDef) and each.name == point.attr:
                outline = ActionOutline.of(each, point.name)
                return SurveyedAction(point.name, point.module, outline.summary, outline.parameters, shipped=True)
    from .action_discovery import load_shipped_action

    action = load_shipped_action(point)
    return SurveyedAction(
        point.name, point.module, action.summary, action.parameters, problem=action.problem, shipped=True
    )


def _declared(outline: ActionOutline, where: str) -> SurveyedAction:
    return SurveyedAction(outline.name, where, outline.summary, outline.parameters)
