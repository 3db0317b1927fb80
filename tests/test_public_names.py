"""The public names of the package."""

import inspect
import pydoc
import re
import subprocess
import sys

import pytest

import orgsync
from orgsync.project.connections import Connections


def test_the_public_names_are_listed() -> None:
    assert set(orgsync.__all__) <= set(dir(orgsync))


@pytest.mark.parametrize("name", orgsync.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(orgsync, name)
    assert inspect.getdoc(value) or name in (
        "Batches",
        "select",
    )  # an alias and SQLModel's, which have no text of their own


CALLS = [
    *("open", "reset", "run", "session", "up"),
    *(
        f"connections.{name}"
        for name, value in vars(Connections).items()
        if inspect.isfunction(value) and name[0] != "_"
    ),
    *("ReadSession.exec", "ReadSession.stream"),
]


@pytest.mark.parametrize("call", CALLS)
def test_every_call_of_an_application_says_what_it_raises(call: str) -> None:
    name, _, method = call.partition(".")
    value = getattr(orgsync, name)
    assert re.search(r"\b[Rr]aises\s|what is raised", inspect.getdoc(getattr(value, method) if method else value) or "")


def test_help_shows_the_public_names() -> None:
    shown = pydoc.plain(pydoc.render_doc(orgsync))
    assert all(name in shown for name in orgsync.__all__)
    assert re.search(r"async run\(\s*sync", shown)  # Python 3.13 gives each parameter a line


def test_importing_the_package_imports_next_to_nothing() -> None:
    code = (
        "import sys, orgsync; dir(orgsync); print(sorted(n for n in sys.modules if n.partition('.')[0] == 'orgsync'))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['orgsync', 'orgsync.lazy']"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(orgsync, "nothing")  # noqa: B009 # as a caller with a typing error would
