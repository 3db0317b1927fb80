"""What the command shows: results on stdout, messages for a person on stderr, errors in two lines."""

import json
import os
import re
import sys
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from orgsync.printable import counted, escaped, excerpt, printable
from orgsync.project.views import instant

from .wrapping import broken

if TYPE_CHECKING:
    from rich.console import Console

    from orgsync.errors import OrgsyncError

__all__ = [
    "NOTHING_DONE",
    "brief",
    "confirmed",
    "console",
    "detail_lines",
    "examples",
    "is_unicode",
    "json_error",
    "json_line",
    "minute",
    "moment",
    "narrowed",
    "result",
    "results_alone_on_stdout",
    "say",
    "short_path",
    "show_problem",
    "show_unexpected",
    "size_text",
    "speech",
    "stdout",
    "to_json",
    "verbatim",
]

NOTHING_DONE = "Interrupted; nothing was done."
"""What is said where Ctrl-C comes before anything is done."""

_INDENT = len("error: ")
_ANSWER = len(": yes")
_WIDE = re.compile(r"[^\x00-\x7f]+")


@dataclass(slots=True)
class Speech:
    """How much is shown, and where: with `debug`, tracebacks and every log line.

    `as_json` is for a program that reads stdout; `stdout` is the real one while `print` in scripts goes to stderr.
    """

    debug: bool = False
    as_json: bool = False
    stdout: TextIO | None = None


speech = Speech()


def examples(*lines: str) -> str:
    """Return the EXAMPLES that end a help text, each `command   meaning`."""
    return "EXAMPLES\n" + "\n".join(f"  {line}" for line in lines)


def stdout() -> TextIO:
    """Return the stream for results, whatever scripts print."""
    return speech.stdout or sys.stdout


@contextmanager
def results_alone_on_stdout() -> Generator[None]:
    """Let what scripts print go to stderr, so that stdout holds results and nothing else."""
    if speech.stdout is not None:
        yield
        return
    speech.stdout = sys.stdout
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        speech.stdout = None


def say(text: str = "", *, mark: str = "") -> None:
    """Write lines for a person, after a mark that may be coloured; control characters in the text are replaced.

    At a terminal they are broken between words where its line ends.
    """
    if sys.stderr.isatty():
        text = broken(text, first=_INDENT if mark else 0)
    _write_error(f"{mark}{printable(text)}\n")


def _write_error(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def result(text: str, *, indent: int | None = None) -> None:
    """Write a line of the result; control characters in it are replaced by what a terminal shows.

    At a terminal it is broken between words where its line ends, and continues `indent` places to the right.
    """
    verbatim(broken(text, indent=indent) if stdout().isatty() else text)


def verbatim(text: str) -> None:
    """Write of the result what is copied or read by a program: its lines stay as they are, however long."""
    stdout().write(f"{printable(text)}\n")


def json_line(value: Mapping[str, object]) -> None:
    """Write one JSON object on one line, at once: a program may be reading along."""
    verbatim(to_json(value))
    stdout().flush()


def json_error(error: "OrgsyncError") -> None:
    """Write the error that ends a command for the program that reads its JSON, if one does."""
    if not speech.as_json:
        return
    cause, remedy = _one_line(error.cause), _one_line(error.remedy)
    json_line({"error": {"code": error.code, "cause": cause, "remedy": remedy, "exit_code": error.exit_code}})


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON with instants as ISO 8601 in UTC and letters as they are, escaped where stdout cannot hold them.

    Control characters are escaped, all of them: a terminal obeys more than JSON has to escape.
    """
    return escaped(json.dumps(value, ensure_ascii=not is_unicode(), indent=indent, default=_plain))


def is_unicode() -> bool:
    """Return whether stdout holds every letter."""
    return (stdout().encoding or "utf-8").lower().startswith("utf")


def narrowed(text: str) -> str:
    """Return JSON text of the same meaning in ASCII, for a stdout that does not hold every letter."""
    return _WIDE.sub(lambda found: json.dumps(found[0])[1:-1], text)


def moment(value: datetime | None) -> str:
    """Return an instant for a person: `2026-01-31 10:15:00 UTC`."""
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def minute(value: datetime | None) -> str:
    """Return an instant in UTC to the minute, for a table whose heading names UTC: `2026-01-31 10:15`."""
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def brief(seconds: float | None) -> str:
    """Return a duration for a person: `0.4 s`, `2 min 5 s`, `3 h 20 min`."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def size_text(size: int) -> str:
    """Return a number of bytes for a person: `812 bytes`, `3.4 MB`."""
    if size < 1000:
        return counted(size, "byte")
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"


def short_path(path: Path) -> str:
    """Return a path from the working directory, if it is inside."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def show_problem(error: "OrgsyncError", *, detail: bool = True) -> None:
    """Show an error as two lines: its cause, and what to do; between them the detail, if it has one.

    `detail=False` is for programs, which keep what they read.
    """
    _show_traceback(error)
    say(_one_line(error.cause), mark=f"{_red('error:')} ")
    for line in detail_lines(error) if detail else ():
        say(f"         {line}")
    if error.remedy:
        say(f"{' ' * _INDENT}{_one_line(error.remedy)}")


def _show_traceback(error: BaseException) -> None:
    if speech.debug:
        _write_error(f"{printable(''.join(traceback.format_exception(error)).rstrip())}\n")


def detail_lines(error: "OrgsyncError") -> list[str]:
    """Return what only the author of a script is shown of an error: a line of the script, and the exception's text."""
    from orgsync.errors import ScriptProblem

    return error.detail.splitlines() if isinstance(error, ScriptProblem) else []


def show_unexpected(error: BaseException) -> None:
    """Show an unforeseen error by its type and place; its text may hold data."""
    _show_traceback(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    cause = f"orgsync failed unexpectedly: {type(error).__name__}{place}."
    remedy = "--debug shows the traceback; please report it."
    say(cause, mark=f"{_red('error:')} ")
    say(f"{' ' * _INDENT}{remedy}")
    from orgsync.errors import InternalError

    with suppress(BrokenPipeError):  # nobody reads stdout any more; stderr has it
        json_error(InternalError(cause, remedy))


def confirmed(question: str) -> bool:
    """Ask a yes-or-no question on stderr, before anything is done.

    Raises UsageInvalid, before it is asked, where stdin has no answer to it.
    """
    if sys.stdin.isatty():
        while (agreed := _yes_or_no(_answer_to(question))) is None:
            say("Answer y or n; n is what Enter alone means.")
        return agreed
    from orgsync.errors import UsageInvalid

    answer = sys.stdin.readline().strip()
    if not answer:
        raise UsageInvalid("This needs a confirmation, and there is no terminal to ask at.", "Add --yes.")
    say(f"{question} [y/N]: {answer}")
    if (agreed := _yes_or_no(answer)) is None:
        raise UsageInvalid(f"{excerpt(answer)!r} is not an answer to that question.", "Answer y or n, or add --yes.")
    return agreed


def _answer_to(question: str) -> str:
    try:
        return str(typer.prompt(broken(f"{question} [y/N]", last=_ANSWER), "", show_default=False, err=True))
    except typer.Abort:
        raise KeyboardInterrupt(NOTHING_DONE) from None


def _yes_or_no(answer: str) -> bool | None:
    """Return what an answer says; None for what is none. An empty one is a no."""
    return {"": False, "n": False, "no": False, "y": True, "yes": True}.get(answer.strip().lower())


def console(stream: TextIO | None = None) -> "Console":
    """Return a rich console on a stream, stdout by default; it shows no colour away from a terminal."""
    from rich.console import Console

    class Screen(Console):
        """A console that raises for a broken pipe as every other stream does, and does not exit."""

        def on_broken_pipe(self) -> None:
            """Leave it to what ends the command."""
            raise BrokenPipeError

    return Screen(file=stream or stdout(), highlight=False, soft_wrap=False)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _red(text: str) -> str:
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return typer.style(text, fg=typer.colors.RED, bold=True) if coloured else text


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return instant(value)
    return value.isoformat() if isinstance(value, date) else str(value)
