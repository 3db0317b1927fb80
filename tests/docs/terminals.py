"""The terminals of a page: what is typed into them is run for real, and what they show is what came.

A block's title names its terminal: `bash title="terminal 1"` is typed, `text title="terminal 1"` is its output, `...`
standing for lines that are left out. Where the text begins with `^C`, the terminal's command, which still runs, is
interrupted. A command that fails is marked, `title="terminal 1, fails"`. A `diff` is applied in the folder that the
last command left; a block whose title is a path shows that file.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tests.cli.commandline import plain_environment

from .pages import Block, Page

__all__ = ["BROWSER", "TERMINAL", "Terminals", "environment", "free_port", "require_shown"]

BROWSER = "in the browser"
"""The title of a text that a page of the browser shows."""

TERMINAL = re.compile(r"terminal (?P<number>\d)(?P<fails>, fails)?")

_PORTS = ("8080", "8787", "9000")
_TIMEOUT = 240
_SERVES = re.compile(r"--serve|^orgsync serve|^python receiver", re.MULTILINE)
_READY = re.compile(r"runs until Ctrl-C|Ctrl-C ends it")
_LEFT_OUT = "..."
_DIFFERS = re.compile(
    r"\d+(?:\.\d+)? ?m?s\b|\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT|\d{13}|\d+(?= API calls?)"
)


class Terminals:
    """Run a page's terminals in a folder; its ports are others each time, so that many may run at once.

    What is served in them ends with the block of `with`.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        self._page = page
        self._state = folder / ".terminals"
        self._state.mkdir()
        self._began = folder
        self._last = 1
        self._serving: dict[int, subprocess.Popen[str]] = {}
        self._wrote: dict[int, str] = {}
        self._ports = {port: free_port() for port in _PORTS}

    def __enter__(self) -> "Terminals":
        """Open the terminals."""
        return self

    def __exit__(self, *_: object) -> None:
        """Press Ctrl-C where something still runs."""
        for process in self._serving.values():
            _interrupt(process)

    def written(self, number: int) -> str:
        """Return what the last command of a terminal has written."""
        return self._wrote[number]

    def run(self, blocks: Sequence[Block]) -> None:
        """Do what the blocks say, one after the other; raises AssertionError, with the line, where one is not true."""
        for block in blocks:
            self._do(block)

    def _do(self, block: Block) -> None:
        place = f"{self._page.name}, line {block.line}"
        text = block.text
        for port, free in self._ports.items():
            text = text.replace(port, free)
        terminal = TERMINAL.fullmatch(block.remark)
        if terminal is None:
            self._file(block, text, place)
            return
        number = int(terminal["number"])
        if block.language == "bash":
            self._type(number, text, place, fails=bool(terminal["fails"]))
            return
        if text.startswith("^C\n"):
            self._wrote[number] = _interrupt(self._serving.pop(number))
            text = text.removeprefix("^C\n")
        require_shown(text, self._wrote[number], place)

    def _file(self, block: Block, text: str, place: str) -> None:
        path = self._folder(self._last) / block.remark
        there = path.read_text(encoding="utf-8")
        if block.language != "diff":
            require_shown(text, there, place)
            return
        old, new = _sides(text)
        assert there.count(old) == 1, f"{place}: {block.remark} does not have the lines that are to change"
        path.write_text(there.replace(old, new), encoding="utf-8")

    def _type(self, number: int, text: str, place: str, *, fails: bool) -> None:
        self._last = number
        process = self._started(number, text)
        assert process.stdout is not None
        if _SERVES.search(text):
            self._serving[number] = process
            self._wrote[number] = _until_ready(process.stdout)
            if kept := re.search(r"\| tee (\S+)", text):
                self._until_kept(number, kept.group(1), process)
            return
        out, _ = process.communicate(timeout=_TIMEOUT)
        self._wrote[number] = out
        assert (process.returncode != 0) is fails, f"{place}: exit code {process.returncode}\n{out}"

    def _until_kept(self, number: int, name: str, process: "subprocess.Popen[str]") -> None:
        """Wait until `tee` has written its file, which it does behind the terminal."""
        state = self._state / str(number)
        folder = self._folder(number) if state.exists() else self._began
        while process.poll() is None and not ((folder / name).exists() and (folder / name).stat().st_size):
            time.sleep(0.01)

    def _started(self, number: int, text: str) -> "subprocess.Popen[str]":
        """Give the text to a shell that has the folder and the variables that the last one left."""
        state = self._state / str(number)
        script = (
            f"[ -f {state} ] && . {state}\ntrap 'export -p > {state}; echo cd \"$PWD\" >> {state}' EXIT\nset -e\n{text}"
        )
        return subprocess.Popen(
            ["bash", "-c", script],
            cwd=self._began,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _folder(self, number: int) -> Path:
        state = (self._state / str(number)).read_text(encoding="utf-8")
        return Path(state.splitlines()[-1].removeprefix("cd "))


def require_shown(shown: str, real: str, place: str = "") -> None:
    """Raise AssertionError where text is not what came: its pieces, between `...`, in order; times and calls apart."""
    lines = [_plain(line) for line in real.splitlines()]
    at = 0
    for piece in _pieces(shown):
        found = next((n for n in range(at, len(lines) + 1 - len(piece)) if lines[n : n + len(piece)] == piece), None)
        assert found is not None, f"{place} shows what did not come:\n" + "\n".join(piece) + f"\nWhat came:\n{real}"
        at = found + len(piece)


def _pieces(shown: str) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    for line in shown.splitlines():
        if line.strip() == _LEFT_OUT:
            pieces.append([])
        else:
            pieces[-1].append(_plain(line))
    return [piece for piece in pieces if piece]


def _plain(line: str) -> str:
    """Write a line without what differs each time, and without the padding that follows from its width."""
    return re.sub(r"=+", "=", " ".join(_DIFFERS.sub("N", line).split()))


def _sides(diff: str) -> tuple[str, str]:
    """Take a diff apart into the lines that were there and those that take their place."""
    lines = [line for line in diff.splitlines() if not line.startswith(("--- ", "+++ ", "@@"))]
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    return old, "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))


def environment() -> dict[str, str]:
    """Give a reader's environment: nothing of the pytest around, the command on the path, lines as they come.

    Coverage is of the pytest around too, and other tests measure the same commands.
    """
    around = ("PYTEST_", "COLUMNS", "COVERAGE_", "COV_")
    kept = {name: value for name, value in plain_environment().items() if not name.startswith(around)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    place = {"PYTEST_DEBUG_TEMPROOT": os.environ["PYTEST_DEBUG_TEMPROOT"]}
    return {**kept, **place, "PATH": path, "PYTHONUNBUFFERED": "1"}


def _until_ready(out: IO[str]) -> str:
    read: list[str] = []
    for line in out:
        read.append(line)
        if _READY.search(line):
            break
    return "".join(read)


def _interrupt(process: "subprocess.Popen[str]") -> str:
    """Press Ctrl-C in a terminal, and give what it shows until its command has ended."""
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=_TIMEOUT)
    return out


def free_port() -> str:
    """Find a port that nobody listens on."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return str(made.getsockname()[1])
