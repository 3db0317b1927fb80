"""Importing the scripts of a project's folder, and locating the line where an import fails."""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

from orgsync.errors import OrgsyncError, ScriptNotLoaded
from orgsync.fresh_import import PACKAGE, FreshLoader, fresh_package
from orgsync.records import Record
from orgsync.script_detail import detail_of

from .action import Action
from .outline import script_paths
from .sync import Sync

__all__ = ["Script", "by_name", "classes_of", "load_scripts", "record_classes"]

_Found = TypeVar("_Found", Sync[Record], Action[..., Any])


@dataclass(frozen=True, slots=True)
class Script:
    """One file of the project: its module, or why there is none."""

    path: Path
    module: ModuleType | None
    problem: OrgsyncError | None = None

    @property
    def syncs(self) -> "list[Sync[Record]]":
        """The syncs that the file itself defines."""
        named = {} if self.module is None else vars(self.module)
        return [cast("Sync[Record]", value) for value in named.values() if isinstance(value, Sync)]

    @property
    def actions(self) -> "list[Action[..., Any]]":
        """The actions that the file defines or imports."""
        named = {} if self.module is None else vars(self.module)
        return [cast("Action[..., Any]", value) for value in named.values() if isinstance(value, Action)]


def load_scripts(folder: Path) -> list[Script]:
    """Import every script of a folder, in the order of their names, except those that begin with _."""
    paths = script_paths(folder)
    if not paths:
        return []
    fresh_package(str(folder))
    return [_load(path) for path in paths]


def by_name(
    kind: str, scripts: Iterable[Script], of: Callable[[Script], Iterable[_Found]]
) -> dict[str, tuple[_Found, Path]]:
    """Return the syncs or the actions of scripts by name, each with the first file that has it.

    One that a script imports from another is the same one. Raises ScriptNotLoaded for two of one name; `kind` is the
    decorator's name.
    """
    found: dict[str, tuple[_Found, Path]] = {}
    for script in scripts:
        for each in of(script):
            first, where = found.setdefault(each.name, (each, script.path))
            if first is not each:
                raise ScriptNotLoaded(
                    f"Two {kind}s are called {each.name}: in {where} and in {script.path}.",
                    f"Rename one, or give it a name: @{kind}(name=...).",
                )
    return found


def record_classes(module: ModuleType) -> Iterator[type[Record]]:
    """Yield the record classes that a module defines or imports."""
    return _record_classes(vars(module))


def classes_of(sync: Sync[Record]) -> Iterator[type[Record]]:
    """Yield the record classes that a sync's script defines or imports."""
    return _record_classes(sync.function.__globals__)


def _record_classes(named: Mapping[str, object]) -> Iterator[type[Record]]:
    for value in named.values():
        if isinstance(value, type) and issubclass(value, Record) and "__orgsync_schema__" in value.__dict__:
            yield value


def _load(path: Path) -> Script:
    name = f"{PACKAGE}.{path.stem}"
    if name in sys.modules:
        return Script(path, sys.modules[name])
    spec = importlib.util.spec_from_file_location(name, path, loader=FreshLoader(name, str(path)))
    if spec is None or spec.loader is None:
        return Script(path, None, ScriptNotLoaded(f"{path} is not a Python file.", "Rename it."))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except OrgsyncError as error:
        del sys.modules[name]
        return Script(path, None, ScriptNotLoaded(f"{_place(path, error)}: {error.cause}", error.remedy))
    except (Exception, SystemExit) as error:  # a script may raise anything: report it with its line
        del sys.modules[name]
        return Script(path, None, _not_loaded(path, error))
    return Script(path, module)


def _not_loaded(path: Path, error: BaseException) -> ScriptNotLoaded:
    place, kind = _place(path, error), type(error).__name__
    remedy = "Correct the line; --debug shows the traceback."
    if isinstance(error, SyntaxError):
        outside = "async" in (error.msg or "") and "outside" in (error.msg or "")
        remedy = "Write `async def` instead of `def`." if outside else "Correct the line."
        problem = ScriptNotLoaded(f"{error.filename}, line {error.lineno}: {error.msg}.", remedy)
    elif isinstance(error, ImportError | NameError):  # their text quotes the script, never a value
        problem = ScriptNotLoaded(f"{place}: {kind}: {error}.", remedy)
    elif isinstance(error, SystemExit):
        code = repr(error.code) if error.code is None or isinstance(error.code, int) else "..."
        problem = ScriptNotLoaded(
            f"{place}: A script ends the process when it is imported: SystemExit({code}).", "Remove that call."
        )
    else:
        problem = ScriptNotLoaded(f"{place}: {kind}.", remedy)
        problem.detail = detail_of(_line(path, error), error)
    problem.__cause__ = error
    return problem


def _line(path: Path, error: BaseException) -> str:
    """Return the text of the line at which the import fails."""
    frame = _frame(path, error)
    return (frame.line or "") if frame else ""


def _place(path: Path, error: BaseException) -> str:
    """Return the path and the line at which the import fails."""
    frame = _frame(path, error)
    return f"{frame.filename}, line {frame.lineno}" if frame else str(path)


def _frame(path: Path, error: BaseException) -> traceback.FrameSummary | None:
    """Return the line at which the import of a script fails: the last in it, or in that of its imports which fails."""
    frames = traceback.extract_tb(error.__traceback__)
    importing = [
        frame.filename for frame in frames if frame.name == "<module>" and Path(frame.filename).parent == path.parent
    ]
    failing = importing[-1] if importing else str(path)
    return next((frame for frame in reversed(frames) if frame.filename == failing), None)
