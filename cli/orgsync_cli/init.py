"""`orgsync init`: the files that a project starts with."""

import os
import shlex
import tomllib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from .output import examples, result, say, verbatim
from .wrapping import folded

__all__ = ["EXAMPLES", "init"]

EXAMPLES = examples(
    "orgsync init                  start a project in this folder",
    "orgsync init acme-data        or in a new one",
)

_PYTEST_LINES = """\
[tool.pytest.ini_options]
addopts = ["-p", "orgsync.testing"]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
pythonpath = ["."]
testpaths = ["tests"]
"""


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The project's folder; created if absent.")] = Path(),
) -> None:
    """Start a project: settings, a sync of your own, its tests and their cassettes, a workflow for CI, AGENTS.md.

    Writes orgsync.toml, syncs/, tests/, cassettes/, pyproject.toml, .github/workflows/tests.yml, .gitignore and
    AGENTS.md, which tells a coding agent how to write, try, record and test a sync here. What exists already stays as
    it is, so it may be run again at any time. The tests pass at once: run pytest. The syncs that orgsync brings
    (contacts, accounts) need no file. Refused below a folder that is a project.
    """
    from orgsync.errors import FileUnusable

    _require_outside(folder)
    try:
        _write_project(folder)
    except OSError as error:
        raise FileUnusable(
            f"The project cannot be written to {folder}: {error.strerror or type(error).__name__}.",
            "Choose a folder that you may write to: orgsync init DIR.",
        ) from error
    if (named := os.environ.get("ORGSYNC_PROJECT")) and Path(named).resolve() != folder.resolve():
        say(f"warning: ORGSYNC_PROJECT names {named}: until it is unset, commands work there and not in this project.")


def _require_outside(folder: Path) -> None:
    """Raise ArgumentInvalid for a folder inside a project: from there on, commands would no longer find that one."""
    from orgsync.errors import ArgumentInvalid
    from orgsync.settings import PROJECT_FILE, find_project

    around = find_project(folder)
    if around == folder.resolve():
        return
    raise ArgumentInvalid(
        f"{folder.resolve()} is inside the project {around}.",
        "Run commands here as they are, they work in that project; or choose a folder outside of it: orgsync init DIR. "
        f"For a project inside the other, write an empty {PROJECT_FILE} to its folder first.",
    )


def _write_project(folder: Path) -> None:
    templates = Path(__file__).parent / "project"
    for name, template in _FILES.items():
        _write(folder, name, (templates / template).read_text(encoding="utf-8"))
    _write_pyproject(folder)
    _write_gitignore(folder)
    _show_next(folder)


def _show_next(folder: Path) -> None:
    place = [] if folder.resolve() == Path.cwd() else [f"cd {shlex.quote(str(folder))}"]
    verbatim("\nNext:")
    for line in (*place, *_missing_packages(), *_NEXT):
        verbatim(folded(line, indent=2))


_RECORDED = "test_every_deal_arrives_and_then_only_what_changed.yaml"
_FILES = {
    "orgsync.toml": "orgsync.toml",
    "syncs/deals.py": "deals.py.txt",
    "tests/test_deals.py": "test_deals.py.txt",
    "tests/test_conformance.py": "test_conformance.py.txt",
    f"cassettes/test_deals/{_RECORDED}": _RECORDED,
    ".github/workflows/tests.yml": "tests.yml.txt",
    "AGENTS.md": "AGENTS.md",
}


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    if path.exists():
        result(f"  exists   {name}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    result(f"  wrote    {name}")


def _write_pyproject(folder: Path) -> None:
    path = folder / "pyproject.toml"
    if not path.exists():
        _write(folder, path.name, _PROJECT.format(name=_project_name(folder), pytest=_PYTEST_LINES))
        return
    result(f"  exists   {path.name}")
    if not _has_pytest_lines(path):
        verbatim("\nFor the tests, add to pyproject.toml:\n\n" + _PYTEST_LINES)


def _missing_packages() -> Sequence[str]:
    """Return how to install what the tests need, where it is missing."""
    if all(find_spec(name) for name in ("pytest", "pytest_asyncio", "vcr", "lark")):
        return ()
    return ("pip install 'orgsync[testing]' pytest-asyncio    what the tests need",)


def _has_pytest_lines(path: Path) -> bool:
    try:
        tool: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    options = tool.get("pytest", {}).get("ini_options", {})
    return options.get("asyncio_mode") == "auto" and "orgsync.testing" in str(options.get("addopts", ""))


def _write_gitignore(folder: Path) -> None:
    """Keep the database and its key out of git, in a file that may hold other lines."""
    path = folder / ".gitignore"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if any(line.strip().strip("/") == ".orgsync" for line in before.splitlines()):
        result(f"  exists   {path.name}")
        return
    path.write_text(before + ("\n" if before and not before.endswith("\n") else "") + ".orgsync/\n", encoding="utf-8")
    result(f"  {'added .orgsync/ to' if before else 'wrote   '} {path.name}")


def _project_name(folder: Path) -> str:
    letters = [letter if letter.isascii() and letter.isalnum() else "-" for letter in folder.resolve().name.lower()]
    return "".join(letters).strip("-") or "orgsync-project"


_PROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["orgsync[testing]", "pytest-asyncio>=1"]

[tool.setuptools]
py-modules = []  # orgsync reads the scripts from their folder; there is nothing to install

{pytest}
[tool.mypy]
explicit_package_bases = true  # syncs/ and tests/ are folders, not packages
"""

_NEXT = (
    "pytest                        the tests pass, without an org",
    "orgsync connect acme          sign in to an org; add --environment sandbox for a sandbox",
    "orgsync run contacts          copy its contacts to .orgsync/orgsync.db",
    "orgsync records contact       look at them",
    "orgsync up                    run your own syncs whenever they are due, until Ctrl-C",
)
