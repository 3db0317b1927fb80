"""What importing a script does beside defining things, observed in a fresh process.

What an installed package does while the script imports it is the package's own affair; what the script's own lines do,
and what they have others do, counts. The process reports in a file, so that its output shows what the script prints.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from .import_process import FORKS, in_fork, in_new_process, serve_forks
from .script_home import Home, fresh_module

__all__ = ["side_effects"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_THREAD = "orgsync: a thread"
"""An event of our own."""

_EFFECTS = {
    "socket.__new__": "opens a socket",
    "socket.getaddrinfo": "looks up a host",
    "sqlite3.connect": "opens a database",
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.exec": "replaces the process",
    "os.fork": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.spawn": "starts a process",
    "os.remove": "deletes a file",
    "os.rmdir": "deletes a folder",
    "os.rename": "renames a file",
    "os.mkdir": "makes a folder",
    "os.link": "makes a link",
    "os.symlink": "makes a link",
    "os.truncate": "cuts a file",
    "os.chmod": "changes a file's rights",
    "os.chdir": "changes the working directory",
    "os.putenv": "changes os.environ",
    "os.unsetenv": "changes os.environ",
    _THREAD: "starts a thread",
}


def side_effects(home: Home, folder: Path, *, fork: bool = FORKS) -> list[str]:
    """Return what importing a script in a process of its own did; the folder is for the process's report."""
    report = folder / "side-effects.json"
    order = {"home": asdict(home), "path": sys.path, "report": str(report)}
    ended = in_fork(order, folder) if fork else in_new_process(order)
    printed = [f"It prints: {_first_line(text)}" for text in ended.printed if text.strip()]
    if not report.exists():
        return printed or [f"It ends the process with {ended.code}."]
    return [*json.loads(report.read_text(encoding="utf-8")), *printed]


def main() -> None:
    """Import the script that standard input names, and write down what that did; with an argument, those, in forks."""
    sys.dont_write_bytecode = True
    order: dict[str, Any] = serve_forks() if sys.argv[1:] else json.load(sys.stdin)
    sys.path[:] = order["path"]
    observer = _Observer(Home(**order["home"]))
    before = _state()
    sys.addaudithook(observer.note)
    try:
        with patch.object(threading.Thread, "start", observer.started(threading.Thread.start)):
            fresh_module(observer.home)
    finally:
        observer.over = True
    changed = [f"It {change}." for (change, was), (_, now) in zip(before, _state(), strict=True) if was != now]
    threads = ["It leaves a thread running."] * (threading.active_count() > 1)
    seen = observer.seen or threads
    Path(order["report"]).write_text(json.dumps([*seen, *changed]), encoding="utf-8")


def _state() -> list[tuple[str, Any]]:
    """Return what no audit event reports, each with its present value."""
    handlers = [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())]
    return [("changes sys.path", list(sys.path)), ("sets a signal handler", handlers)]


@dataclass(slots=True)
class _Observer:
    """An audit hook; hooks cannot be removed, so `over` ends it."""

    home: Home
    seen: list[str] = field(default_factory=list[str])
    over: bool = False

    def note(self, event: str, args: tuple[Any, ...]) -> None:
        """Note an event that the script's own lines caused."""
        if self.over:
            return
        effect = "writes a file" if event == "open" and _writes(args) else _EFFECTS.get(event)
        if effect and (place := self._place()):
            line = f"It {effect} ({place})."
            if line not in self.seen:
                self.seen.append(line)

    def started(self, start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
        """Note the threads that are started; not every version of Python has an audit event for them."""

        def noted(thread: threading.Thread) -> None:
            self.note(_THREAD, ())
            start(thread)

        return noted

    def _place(self) -> str:
        """Return the script's line that is running; "" while another module is being imported."""
        frame: FrameType | None = sys._getframe(2)  # pyright: ignore[reportPrivateUsage] # quicker than inspect, and hooks run often
        while frame is not None:
            name = frame.f_code.co_filename
            if self.home.owns(name):
                return f"{name}, line {frame.f_lineno}"
            if name.startswith("<frozen importlib"):
                return ""
            frame = frame.f_back
        return ""


def _writes(args: tuple[Any, ...]) -> bool:
    return isinstance(args[2], int) and bool(args[2] & _WRITING)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[-1][:200]
