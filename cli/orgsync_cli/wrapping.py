"""Text that is broken between words where the terminal's line ends, and never inside one."""

import os
import re
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["broken", "folded", "terminal_width", "unbroken", "wrapped"]

_NARROWEST = 40
_USUAL_WIDTH = 80
_MEANING = 24  # places that a meaning needs to stand beside its command
_BELOW = 4
_COMMAND = re.compile(r"(?<=: )orgsync .*?(?=\.?(?:\s*$|\.\s|;))|`orgsync [^`\n]*`")
"""What a message says to run: behind a colon, or between backticks."""
_GAP = re.compile(r"(?<=\S) {2,}")
_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")  # what is quoted is one


def terminal_width() -> int:
    """Return how wide the terminal is, also where only one of the standard streams leads there; 80 without any."""
    if (given := os.environ.get("COLUMNS", "")).isdigit() and int(given) > 0:
        return int(given)
    for stream in (sys.__stdin__, sys.__stderr__, sys.__stdout__):
        with suppress(AttributeError, ValueError, OSError):  # closed, replaced, or no terminal
            if stream is not None and (columns := os.get_terminal_size(stream.fileno()).columns):
                return columns
    return _USUAL_WIDTH


def broken(text: str, *, first: int = 0, last: int = 0, indent: int | None = None) -> str:
    """Return text whose lines are no longer than the terminal's, but for a word that is, and a command to run.

    What continues a line stands `indent` places to the right; by default as far as the line itself. `first` places of
    the first line are taken, and `last` ones are left free at the end of each.
    """
    width = max(terminal_width() - last, _NARROWEST)
    lines = text.split("\n")
    shown = [_broken(" " * first + lines[0], width, indent)[first:]]
    shown += [_broken(line, width, indent) for line in lines[1:]]
    return "\n".join(shown)


def _broken(line: str, width: int, indent: int | None) -> str:
    if len(line) <= width:
        return line
    before = len(line) - len(line.lstrip()) if indent is None else indent
    if before and max(map(len, line.split())) > width - before:
        return line  # what is too long for a line of its own stays beside its label
    return _filled(_whole(line), width, "", " " * before).replace("\0", " ")


def wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    """Return the lines of a text, none longer than the width, but for a word that is, and a command to run.

    Each but the first stands `indent` places to the right.
    """
    return _filled(_whole(text), max(width, 1), "", " " * indent).replace("\0", " ").split("\n")


def unbroken(text: str) -> list[str]:
    """Return the parts of a text that stay in one piece: its words, and the commands to run."""
    return [part.replace("\0", " ") for part in _whole(text).split()]


def _whole(text: str) -> str:
    """Return a text whose commands are a word each: a NUL stands for each of their blanks."""
    return _COMMAND.sub(lambda command: command[0].replace(" ", "\0"), text)


def _filled(text: str, width: int, first: str, rest: str) -> str:
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def folded(line: str, *, indent: int = 0) -> str:
    r"""Return a line `command   meaning`, to the right by `indent`, as lines that are no longer than the terminal's.

    The meaning is broken beside its command where there is room, and stands below it otherwise. A command that is too
    long by itself continues after a `\`, so that it can be copied.
    """
    width = max(terminal_width(), _NARROWEST)
    whole = " " * indent + line
    if len(whole) <= width:
        return whole
    gap = _GAP.search(whole)
    if gap is None and whole[: indent + 1].strip():
        return _continued(line, width, indent)
    command, meaning = (whole[: gap.start()], whole[gap.end() :]) if gap else ("", whole.strip())
    column = gap.end() if gap else len(whole) - len(meaning)
    if len(command) > width or width - column < _MEANING:
        below = _filled(meaning, width, " " * (indent + _BELOW), " " * (indent + _BELOW))
        return f"{_continued(command.strip(), width, indent)}\n{below}" if command else below
    return _filled(meaning, width, f"{command:<{column}}", " " * column)


def _continued(command: str, width: int, indent: int) -> str:
    r"""Return a command as lines that end with `\`, but for the last; an option keeps its value beside it."""
    if indent + len(command) <= width:
        return " " * indent + command
    lines = [""]
    for part in _parts(_WORD.findall(command)):
        before = indent if len(lines) == 1 else indent + _BELOW
        if lines[-1] and before + len(lines[-1]) + len(part) + len("  \\") > width:
            lines.append(part)
        else:
            lines[-1] = f"{lines[-1]} {part}".strip()
    return " " * indent + f" \\\n{' ' * (indent + _BELOW)}".join(lines)


def _parts(words: Sequence[str]) -> list[str]:
    parts = list[str]()
    for word in words:
        if word == "\\" or (parts and re.fullmatch(r"--?[a-z-]+", parts[-1]) and not word.startswith("-")):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts
