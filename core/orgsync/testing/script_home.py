"""Where a script is, and importing it again, as each process of its own would."""

import importlib
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ..fresh_import import FreshLoader, fresh_package  # relative, for a process that does not import all of orgsync

__all__ = ["Home", "fresh_module"]


@dataclass(frozen=True, slots=True)
class Home:
    """Where a sync or an action lives: its name, its module's name and file, and the project's folder.

    The folder is "" for a package's.
    """

    sync: str
    module: str
    path: str
    folder: str

    def owns(self, filename: str) -> bool:
        """Return whether a file is the script, or part of the same folder of scripts."""
        return filename == self.path or bool(self.folder and Path(self.folder) in Path(filename).parents)


def fresh_module(home: Home) -> ModuleType:
    """Import the script's module again; of a project, what it imports of the same folder as well."""
    if home.folder:
        fresh_package(home.folder)
        return importlib.import_module(home.module)
    with _without_module(home.module):
        return _executed(home)


def _executed(home: Home) -> ModuleType:
    loader = FreshLoader(home.module, home.path)
    spec = importlib.util.spec_from_file_location(home.module, home.path, loader=loader)
    if spec is None:
        raise ImportError(home.module)
    module = importlib.util.module_from_spec(spec)
    sys.modules[home.module] = module
    loader.exec_module(module)
    return module


@contextmanager
def _without_module(name: str) -> Generator[None]:
    """Restore the module at the end that others have imported."""
    before = sys.modules.pop(name, None)
    try:
        yield
    finally:
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before
