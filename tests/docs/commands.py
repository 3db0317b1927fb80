"""Commands in the documentation, held against the real one without running them."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import typer
from typer.main import get_command

from orgsync_cli.main import app

__all__ = ["commands_in", "every_command", "options_of", "resolve", "unknown_options", "used"]

_ENDS = {"&&", "||", "|", ";", "&"}
_REDIRECTIONS = {">", ">>", "<", "2>", "&>"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


def commands_in(text: str) -> list[list[str]]:
    """Find each call of orgsync in shell text: its words behind `orgsync`."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [words for line in lines if "orgsync" in line for words in _calls(line.strip().removeprefix("$ "))]


def _calls(line: str) -> Iterator[list[str]]:
    for words in _simple_commands(line):
        while words and _ASSIGNMENT.fullmatch(words[0]):
            words.pop(0)
        if words and PurePosixPath(words[0]).name == "orgsync":
            yield words[1:]


def _simple_commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    skip = False
    for word in lexer:
        if word in _ENDS:
            yield words
            words = []
        elif word in _REDIRECTIONS:
            skip = True
        elif skip:
            skip = False
        else:
            words.append(word)
    yield words


def resolve(words: Sequence[str]) -> tuple[str, Any, list[str]]:
    """Follow the words to a command: its whole name, itself, the words left; raises LookupError for no command."""
    name, command, rest = "orgsync", _root(), [word for word in words if word != "--debug"]
    while (inside := _inside(command)) and rest and not rest[0].startswith("-"):
        if rest[0] not in inside:
            raise LookupError(f"there is no command `{name} {rest[0]}`")
        name, command, rest = f"{name} {rest[0]}", inside[rest[0]], rest[1:]
    return name, command, rest


def used(words: Sequence[str]) -> str:
    """Parse a whole call as the command itself does, and give the help text; raises for whatever it would refuse."""
    name, command, rest = resolve(words)
    try:
        with command.make_context(name, list(rest)) as context:
            return str(command.get_help(context))
    except typer.Exit:  # --help and --version end here
        return str(command.get_help(command.context_class(command, info_name=name)))


def unknown_options(words: Sequence[str]) -> list[str]:
    """List the options that the command does not have, of a call that may be incomplete."""
    _, command, rest = resolve(words)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in rest if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in {*known, "--help"}]


def options_of(command: str) -> list[str]:
    """List the long options of a command, `orgsync connections show`."""
    _, found, _ = resolve(command.split()[1:])
    options = [option for parameter in found.params for option in parameter.opts if option.startswith("--")]
    return [option for option in options if option != "--help"]


def every_command() -> Iterator[str]:
    """Name each command and subcommand, `orgsync connections show`."""
    yield from _names("orgsync", _root())


def _names(name: str, command: Any) -> Iterator[str]:
    for each, inside in _inside(command).items():
        yield f"{name} {each}"
        yield from _names(f"{name} {each}", inside)


def _root() -> Any:
    return get_command(app)


def _inside(command: Any) -> dict[str, Any]:
    return getattr(command, "commands", {})
