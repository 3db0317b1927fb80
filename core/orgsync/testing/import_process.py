"""The processes that import scripts to be observed: forks of one that has imported orgsync already, where that is safe.

Importing orgsync takes a second of CPU time or more, and each script is to be imported in a process of its own.
"""

import atexit
import gc
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

__all__ = ["FORKS", "ProcessResult", "in_fork", "in_new_process", "serve_forks"]

FORKS = sys.platform == "linux"
"""Elsewhere a process that did not begin as a new program may not use all of the system's libraries."""

_TIMEOUT = 60.0  # seconds
_READY = 1_000  # no exit code
_HERE = Path(__file__).parent
_PROGRAM = f"""
import sys, types
for name, folder in ("observing", {str(_HERE.parent)!r}), ("observing.testing", {str(_HERE)!r}):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from observing.testing.side_effects import main
main()
"""
"""Runs side_effects under another package's name: the process is not to import all of orgsync for it."""

_PARENTS: dict[int, "_Parent"] = {}
"""By the process that started it: a fork of that one needs another."""

_TURN = Lock()


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a process ended, and what it printed to each of its outputs."""

    code: int
    printed: Sequence[str]


def in_new_process(order: Mapping[str, Any]) -> ProcessResult:
    """Have a new process carry an order out."""
    ran = subprocess.run(
        _command(), input=json.dumps(order), capture_output=True, text=True, check=False, timeout=_TIMEOUT,
        env=_environment(),
    )  # fmt: skip
    return ProcessResult(ran.returncode, (ran.stdout, ran.stderr))


def in_fork(order: Mapping[str, Any], folder: Path) -> ProcessResult:
    """Have a fork of the process that has imported orgsync carry an order out; the folder is for what it prints."""
    outputs = [folder / name for name in ("stdout.txt", "stderr.txt")]
    around = {"outputs": [str(each) for each in outputs], "cwd": str(Path.cwd()), "environment": _environment()}
    with _TURN:
        parent = _living() or _started()
        try:
            code = parent.carried_out({**order, **around})
        except BaseException:
            _forget(parent)
            raise
        if parent.process.returncode is not None:
            _forget(parent)
    return ProcessResult(
        code, [each.read_text(encoding="utf-8", errors="replace") for each in outputs if each.exists()]
    )


def serve_forks() -> dict[str, Any]:
    """Import orgsync, and fork for each line of standard input; return the order in each of the forks.

    The process itself answers with the exit codes of the forks, and ends with its input.
    """
    for package in map(import_module, ("orgsync.records", "orgsync.scripts")):  # where all is that scripts import of it
        for name in package.__all__:
            getattr(package, name)  # which imports it: these packages import a name when it is first used
    gc.freeze()  # the end of a fork would otherwise look through all of it, and copy what it looks at
    print(_READY, flush=True)  # noqa: T201 - the answer to its being started
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            return _set_up_child(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer
    os._exit(0)  # there is nothing to tidy up


def _set_up_child(order: dict[str, Any]) -> dict[str, Any]:
    """Make the fork what a new process would be: its input is empty, and its outputs are files."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    outputs = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for path in order["outputs"]]
    for number, opened in enumerate([nothing, *outputs]):
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    return order


@dataclass(frozen=True, slots=True)
class _Parent:
    """The process that has imported orgsync."""

    process: "subprocess.Popen[bytes]"

    def carried_out(self, order: Mapping[str, Any]) -> int:
        """Return the exit code of a fork that carries an order out, or of the parent where that ended as well."""
        given = self.process.stdin
        if given is None:
            raise RuntimeError("the process was started without pipes")
        given.write(json.dumps(order).encode() + b"\n")
        given.flush()
        return self.answer()

    def answer(self) -> int:
        """Return the number that the process prints next; its own exit code where it ends instead."""
        answers = self.process.stdout
        if answers is None:
            raise RuntimeError("the process was started without pipes")
        with selectors.DefaultSelector() as selector:  # select() takes no descriptor above 1023
            selector.register(answers, selectors.EVENT_READ)
            if not selector.select(_TIMEOUT):
                raise subprocess.TimeoutExpired(self.process.args, _TIMEOUT)
        answer = answers.readline()
        return int(answer) if answer else self.process.wait(_TIMEOUT)

    def end(self) -> None:
        """End the process, and a fork that still runs."""
        with suppress(ProcessLookupError):  # its script has ended both
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(BrokenPipeError), self.process:  # an order that it did not read
            pass


def _living() -> _Parent | None:
    """Return the parent of this process; None where what a script has left behind has ended it."""
    parent = _PARENTS.get(os.getpid())
    if parent is not None and parent.process.poll() is not None:
        _forget(parent)
        return None
    return parent


def _started() -> _Parent:
    process = subprocess.Popen(
        _command("fork"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(), start_new_session=True
    )
    parent = _Parent(process)
    try:
        if parent.answer() != _READY:
            raise RuntimeError(f"{sys.executable} ended with {process.returncode} where it was to import orgsync")
    except BaseException:  # one whose first answer is unread would answer every order with that of the one before
        parent.end()
        raise
    _PARENTS[os.getpid()] = parent
    atexit.register(_forget, parent)
    return parent


def _forget(parent: _Parent) -> None:
    if _PARENTS.get(os.getpid()) is parent:  # a fork of this process leaves it alone
        del _PARENTS[os.getpid()]
        atexit.unregister(_forget)
        parent.end()


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", _PROGRAM, *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
