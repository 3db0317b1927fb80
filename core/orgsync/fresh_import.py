"""Importing scripts from their source each time; of the standard library alone, for processes that import no more."""

import sys
from importlib.machinery import FileFinder, SourceFileLoader
from types import CodeType, ModuleType

__all__ = ["PACKAGE", "FreshLoader", "fresh_package"]

PACKAGE = "syncs"
"""The package of a project's scripts, so that one can import another's record classes as `syncs.NAME`."""


class FreshLoader(SourceFileLoader):
    """Compile a script each time it is imported, and leave no compiled file behind.

    Python's cache recognises a changed file by its time in seconds and its size, so it misses a digit changed at once.
    """

    def get_code(self, fullname: str) -> CodeType:
        """Read and compile the file."""
        return self.source_to_code(self.get_data(self.path), self.path)


def fresh_package(folder: str) -> None:
    """Make a folder the package of scripts, without any module that was imported from it or another one."""
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]
    package = ModuleType(PACKAGE)
    package.__path__ = [folder]
    sys.modules[PACKAGE] = package
    # Scripts import each other through this finder; a new one also knows files that were just written.
    sys.path_importer_cache[folder] = FileFinder(folder, (FreshLoader, [".py"]))
