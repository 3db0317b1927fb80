"""Importing a script anew, as each process of its own would, with the standard library alone."""

import importlib
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

__all__ = ["PACKAGE", "Home", "fresh_module"]

PACKAGE = "syncs"
"""The package that a project's scripts are modules of."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a sync lives: its name, its module's name and file, and the project's folder, "" for a package's."""

    sync: str
    module: str
    path: str
    folder: str

    def owns(self, filename: str) -> bool:
        """Tell whether a file is the script, or part of the same folder of scripts."""
        return filename == self.path or bool(self.folder and Path(self.folder) in Path(filename).parents)


def fresh_module(home: Home) -> ModuleType:
    """Import the script's module anew; of a project, what it imports of the same folder as well."""
    if not home.folder:
        with _hidden(home.module):
            return _executed(home)
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]
    package = ModuleType(PACKAGE)
    package.__path__ = [home.folder]
    sys.modules[PACKAGE] = package
    sys.path_importer_cache[home.folder] = FileFinder(home.folder, (_FreshLoader, [".py"]))
    return importlib.import_module(home.module)


class _FreshLoader(SourceFileLoader):
    """Compile a script each time it is imported, and leave no compiled file behind."""

    def get_code(self, fullname: str) -> CodeType:
        """Read and compile the file."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _executed(home: Home) -> ModuleType:
    loader = _FreshLoader(home.module, home.path)
    spec = importlib.util.spec_from_file_location(home.module, home.path, loader=loader)
    if spec is None:
        raise ImportError(home.module)
    module = importlib.util.module_from_spec(spec)
    sys.modules[home.module] = module
    loader.exec_module(module)
    return module


@contextmanager
def _hidden(name: str) -> Generator[None]:
    """Put the module back that others have imported."""
    before = sys.modules.pop(name, None)
    try:
        yield
    finally:
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before
