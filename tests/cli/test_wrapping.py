"""Text that is broken between words where the terminal's line ends."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from orgsync.printable import first_names
from orgsync_cli.main import app
from orgsync_cli.run_lines import wrapped_parts
from orgsync_cli.wrapping import broken, folded, unbroken, wrapped


@pytest.fixture(params=[60, 80])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def helps(command: Any, context: Any) -> Iterator[str]:
    """Give the help of a command, and of those in it."""
    yield command.get_help(context)
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        inside = command.get_command(context, name)
        yield from helps(inside, type(context)(inside, info_name=name, parent=context))


def test_no_line_of_a_help_is_longer_than_the_terminal(width: int) -> None:
    root: Any = get_command(app)
    lines = [line for text in helps(root, typer.Context(root, info_name="orgsync")) for line in text.splitlines()]
    assert len(lines) > 900
    words = ("--flow <browser|", "record:='{")  # that are longer by themselves
    assert [line for line in lines if len(line) > width and not line.strip().startswith(words)] == []


def test_a_meaning_is_broken_beside_its_command_or_stands_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert folded("orgsync up     until it is stopped") == "orgsync up     until it is stopped"
    assert folded("orgsync up     every sync of the project, until it is stopped", indent=2) == (
        "  orgsync up     every sync of the project, until\n                 it is stopped"
    )
    assert folded("orgsync runs -c acme --sync contacts   those of one sync") == (
        "orgsync runs -c acme --sync contacts\n    those of one sync"
    )
    assert folded("                                  below another command's") == "    below another command's"


def test_a_command_that_is_too_long_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    line = "orgsync api GET 'query?q=SELECT Name FROM Account' -c acme --json   as JSON"
    assert folded(line, indent=4) == (
        "    orgsync api GET \\\n        'query?q=SELECT Name FROM Account' \\\n        -c acme --json\n        as JSON"
    )


def test_text_is_broken_between_words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert broken("short\n\nlines") == "short\n\nlines"
    assert broken(f"see {os.sep * 60} there") == f"see\n{os.sep * 60}\nthere"
    assert broken("  " + "word " * 12) == "  " + " ".join(["word"] * 9) + "\n  " + " ".join(["word"] * 3)
    assert broken("word " * 12, first=7).split("\n")[1] == "       " + " ".join(["word"] * 4)
    assert broken(f"label     {os.sep * 45}", indent=10) == f"label     {os.sep * 45}"
    assert broken("label     " + "word " * 12, indent=10).split("\n")[1] == " " * 10 + " ".join(["word"] * 4)


def test_a_command_that_a_message_says_to_run_is_pasted_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    command = "orgsync connect acme --login-url http://127.0.0.1:8080 --flow refresh-token"
    assert broken(f"       Set the variable, then sign in again: {command}. A rotated secret ends others.") == (
        f"       Set the variable, then sign in again:\n       {command}.\n       A rotated secret ends others."
    )
    assert broken(f"       The nearest name is wrong; create one: {command}").splitlines()[-1] == f"       {command}"


def test_a_command_between_backticks_is_pasted_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert broken("Give the webhook another, `orgsync webhooks rotate we_1`, for it.") == (
        "Give the webhook another,\n`orgsync webhooks rotate we_1`, for it."
    )


def test_lines_of_a_width_keep_commands_and_words_in_one_piece() -> None:
    text = "Sign in again: orgsync connect acme --flow refresh-token. The sign-in ended."
    assert wrapped(text, 20, indent=2) == [
        "Sign in again:",
        "  orgsync connect acme --flow refresh-token.",
        "  The sign-in ended.",
    ]
    assert unbroken(text)[2:5] == ["again:", "orgsync connect acme --flow refresh-token.", "The"]
    assert wrapped_parts("contacts on a-b-c-d-e-f: would add 1; nothing was written", 14) == (
        "contacts on\n  a-b-c-d-e-f:\n  would add\n  1;\n  nothing was\n  written"
    )


def test_few_names_are_all_told_and_of_many_the_first() -> None:
    assert first_names(["a", "b"]) == "a, b"
    assert first_names(list("abcdef")) == "a, b, c, d, e, f"
    assert first_names(list("abcdefg")) == "a, b, c, d, e and 2 more"
