"""Finding the actions of a project and of installed packages, by name."""

from collections.abc import Collection
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, cast

from orgsync.errors import NameUnknown, OrgsyncError, ScriptNotLoaded

from .action import Action
from .action_survey import SurveyedAction
from .loading import Script, by_name, load_scripts
from .packages import ACTIONS, SYNCS, provided

__all__ = ["find_action", "list_own_actions", "load_shipped_action"]


def find_action(name: str, folder: Path) -> Action[..., Any]:
    """Find an action by its name: the project's, else an installed package's.

    Raises NameUnknown for an unknown name, with the most similar one, and ScriptNotLoaded for a script of the project
    that may define it but cannot be imported, and for two actions of one name.
    """
    scripts = load_scripts(folder)
    own = by_name("action", scripts, _actions)
    if name in own:
        return own[name][0]
    shipped = provided(ACTIONS)
    broken = [script for script in scripts if script.problem]
    named = [script for script in broken if script.path.stem == name]
    for script in named or ([] if name in shipped else broken):
        raise script.problem or _unknown(name, [*own, *shipped], scripts, folder)
    if name in shipped:
        return load_shipped_action(shipped[name])
    raise _unknown(name, [*own, *shipped], scripts, folder)


def list_own_actions(folder: Path) -> list[SurveyedAction]:
    """Import the project's scripts and list their actions, and the scripts that cannot be imported."""
    scripts = load_scripts(folder)
    found = [_surveyed(action, str(path)) for action, path in by_name("action", scripts, _actions).values()]
    broken = [
        SurveyedAction(each.path.stem, str(each.path), problem=each.problem, loads=False)
        for each in scripts
        if each.problem
    ]
    return found + broken


def load_shipped_action(point: EntryPoint) -> Action[..., Any]:
    """Import an action that a package provides."""
    loaded: object = point.load()
    if not isinstance(loaded, Action):
        raise ScriptNotLoaded(
            f"{point.value} is not an action.", f"Report it to the package that provides {point.name}."
        )
    return cast("Action[..., Any]", loaded)


def _actions(script: Script) -> list[Action[..., Any]]:
    return script.actions


def _surveyed(action: Action[..., Any], where: str) -> SurveyedAction:
    return SurveyedAction(action.name, where, action.summary, action.parameters, problem=action.problem)


def _unknown(name: str, known: Collection[str], scripts: list[Script], folder: Path) -> OrgsyncError:
    syncs = {sync.name for script in scripts for sync in script.syncs} | provided(SYNCS).keys()
    hint = f"{name} is a sync: orgsync run {name}." if name in syncs else ""
    place = f"Scripts are read from {folder}; for another project, set ORGSYNC_PROJECT to its folder."
    return NameUnknown.among(
        "action", name, known, none_yet="Write one: orgsync new action NAME.", hint=hint, where=place
    )
