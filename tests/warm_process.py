"""Processes that are forked from one which has imported orgsync already, where that is as good as a new program.

To import what a command imports takes several times the CPU time of the rest of a short one. `opened` is Popen for
`[SCRIPT, ...]`, as PROGRAM is one, and `[sys.executable, SCRIPT, ...]`; `opened_module` is for `python -m MODULE`. What
they start is a process of its own and a child of this one, with the descriptors, the folder, the variables, the umask
and the session that it is given; it runs the script or the module as `__main__`, and ends as Python ends.

It lacks a start of its own, hashes by a seed of its own (forks share one), and a command line that others see. What is
read of the variables at the start, or by packages that are imported, was read before it was forked; a command that is
to have others there runs as a new program, as every command does on systems other than Linux. Tests of the start
itself, of what is imported or of what that costs start PROGRAM with subprocess.
"""

import atexit
import ctypes
import gc
import inspect
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, AnyStr, BinaryIO, TextIO, cast

__all__ = ["is_warm", "opened", "opened_module", "own_terminal"]

_ROOT = Path(__file__).parents[1]

_READ_AT_START = (
    "PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "COVERAGE_", "OPENSSL_", "OTEL_", "PROMETHEUS_", "prometheus_",
    "PSYCOPG_", "PYDANTIC_", "TYPER_", "NO_COLOR", "FORCE_COLOR",
)  # fmt: skip
"""How the variables begin that the interpreter, the C library or a package reads before a command begins."""

_LATER = ("PYTHONUNBUFFERED",)
"""What is among those, and is heeded by `_stream`."""

_PACKAGES = (
    "orgsync_cli", "orgsync.records", "orgsync.scripts", "orgsync.contents", "orgsync.extract", "orgsync.writes",
    "orgsync.webhooks", "orgsync.salesforce", "orgsync.store", "orgsync.engine", "orgsync.project", "orgsync.scheduler",
    "orgsync.workers", "orgsync.demo_org",
)  # fmt: skip
"""What is imported with all its modules."""

_MODULES = (
    "orgsync.application", "orgsync.application_actions", "orgsync.application_changes", "alembic.command",
    "rich.progress", "rich.table", "sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.dialects.postgresql.psycopg",
    "stamina", "starlette.applications", "uvicorn", "uvicorn.protocols.http.httptools_impl", "jinja2",
    "prometheus_client", "python_multipart",
)  # fmt: skip
"""What is imported beside those: not orgsync.server, for FastAPI imports OpenTelemetry, and then runs look for it."""

_NOT_IMPORTED = ("migrations", "templates")
"""Folders of modules that are no modules of the package: Alembic's, and what new projects are written from."""

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_TIMEOUT = 120.0  # seconds
_LARGEST = 1 << 20  # bytes of an order, of which an environment is most
_STANDARD = 3  # descriptors


def opened(command: Sequence[str], *, env: Mapping[str, str] | None = None, **options: Any) -> "subprocess.Popen[Any]":
    """Do as Popen does; of its options for what happens in the child, a fork takes those in `_order` alone."""
    kind = _Fork[Any] if is_warm(env) else subprocess.Popen[Any]
    return kind(list(command), env=env, **options)


def opened_module(
    module: str, *arguments: str, env: Mapping[str, str] | None = None, **options: Any
) -> "subprocess.Popen[Any]":
    """Run a module of the tests in a process of its own, whatever its folder is."""
    command = [sys.executable, "-m", module, *arguments]
    if not is_warm(env):
        given = os.environ if env is None else env
        env = {**given, "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [given.get("PYTHONPATH")])])}
    return opened(command, env=env, **options)


def is_warm(env: Mapping[str, str] | None = None) -> bool:
    """Return whether a command with these variables is forked."""
    given = _at_start(os.environ if env is None else env)
    return sys.platform == "linux" and not sys.flags.safe_path and given == _at_start(_ENVIRONMENT)


def own_terminal() -> None:
    """Make the terminal at standard input that of the session which the process leads: `preexec_fn=own_terminal`."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _at_start(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(_READ_AT_START) and name not in _LATER}


_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
"""The server's: what it was before any test changed it, without what no command is given."""


class _Fork(subprocess.Popen[AnyStr]):
    """A process that the server forks."""

    def _execute_child(self, *given: Any) -> None:
        """Have the process forked; what Popen calls once it has made the pipes."""
        call = inspect.signature(vars(subprocess.Popen)["_execute_child"]).bind(self, *given).arguments
        pipes = [call[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")]
        asked = zip((call["p2cread"], call["c2pwrite"], call["errwrite"]), range(_STANDARD), strict=True)
        try:
            self.pid = _server().forked(_order(call), [number if each == -1 else each for each, number in asked])
            self._child_created = True
        finally:
            vars(subprocess.Popen)["_close_pipe_fds"](self, *pipes)


def _order(call: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a process is to be."""
    script, *arguments = map(str, call["args"])
    if script == sys.executable:
        script, *arguments = arguments
    run = {"script": script}
    if script == "-m":
        module, *arguments = arguments
        run = {"module": module}
    elif script.startswith("-"):
        raise ValueError(f"{script} is for a new Python")
    if call["preexec_fn"] not in (None, own_terminal) or call["pass_fds"] or not call["restore_signals"]:
        raise ValueError("a fork has no such option")
    return {
        **run,
        "arguments": arguments,
        "cwd": str(call["cwd"] or Path.cwd()),
        "environment": dict(os.environ if call["env"] is None else call["env"]),
        "umask": _umask(),
        "session": call["start_new_session"],
        "terminal": call["preexec_fn"] is own_terminal,
    }


def _umask() -> int:
    """Return this process's umask, which os.umask() tells only who changes it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("Umask:"))


class _Server:
    """The process that has imported orgsync."""

    def __init__(self) -> None:
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_TIMEOUT)
        self._turn = threading.Lock()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=other.fileno(), env=_ENVIRONMENT, cwd=_ROOT
            )
        if self._socket.recv(1) != b"+":
            raise RuntimeError(f"the process that imports orgsync ended with {self._process.wait(_TIMEOUT)}")

    def forked(self, order: Mapping[str, Any], descriptors: Sequence[int]) -> int:
        """Have a process forked that has these as its first descriptors, and adopt it; return its id."""
        with self._turn, _adopting():
            socket.send_fds(self._socket, [json.dumps(order).encode()], descriptors)
            answers = [self._socket.recv(32) for _ in range(2)]
            child = next(int(each) for each in answers if each != b"+")  # empty once the server has ended: ValueError
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # raises where it is not a child of this one
        return child

    def end(self) -> None:
        """End the process; the forks go on."""
        self._socket.close()
        self._process.wait(_TIMEOUT)


@contextmanager
def _adopting() -> Generator[None]:
    """Become the parent of processes below this one whose parents end: of the fork, whose parent ends at once."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        prctl(_SUBREAPER, 0, 0, 0, 0)


_servers: dict[int, _Server] = {}
"""By the process that started it: a fork of that one needs another."""


def _server() -> _Server:
    if os.getpid() not in _servers:
        _servers[os.getpid()] = server = _Server()
        atexit.register(server.end)
    return _servers[os.getpid()]


def _serve() -> dict[str, Any]:
    """Import orgsync, and fork for each order; return the order in each of the forks. It ends with the socket."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # Ctrl-C is for the tests, which then end this
    with socket.socket(fileno=os.dup(0)) as orders:
        _import()
        gc.collect()
        gc.freeze()  # a fork would otherwise copy all that the collector looks at
        orders.send(b"+")
        while True:
            text, descriptors, _, _ = socket.recv_fds(orders, _LARGEST, _STANDARD)
            if not text:
                os._exit(0)
            between = os.fork()
            if not between:
                parent = os.getpid()
                if not os.fork():
                    break
                os._exit(0)
            os.waitpid(between, 0)  # from now on the fork's parent is who asked for it
            for each in descriptors:
                os.close(each)
            orders.send(b"+")
        order: dict[str, Any] = json.loads(text)
        if order["session"]:
            os.setsid()
        orders.send(str(os.getpid()).encode())
    while os.getppid() == parent:
        time.sleep(0.001)
    _set_up(order, descriptors)
    return order


def _import() -> None:
    """Import what commands import, in their order: of what is imported already they leave nothing out."""
    del sys.path[0]  # the folder of this file
    import_module("orgsync_cli.main")
    import_module("orgsync_cli.lean_imports").import_without_extras()
    for package in map(import_module, _PACKAGES):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not set(found.name.split(".")) & set(_NOT_IMPORTED):
                import_module(found.name)
    for name in _MODULES:
        import_module(name)
    if threading.active_count() > 1:
        raise RuntimeError(f"a process with threads is not to fork: {threading.enumerate()}")


def _set_up(order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    """Make the fork what a new process would be."""
    for number, opened_one in enumerate(descriptors):
        os.dup2(opened_one, number)
    os.closerange(_STANDARD, 1 + max(map(int, os.listdir("/proc/self/fd"))))  # noqa: PTH208
    if order["terminal"]:
        own_terminal()
    os.umask(order["umask"])
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _stream(number, name, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def _stream(number: int, name: str, like: TextIO) -> TextIO:
    """Open a standard stream as Python does when it starts."""
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    raw = io.FileIO(number, "wb" if number else "rb", closefd=False)
    raw.name = f"<{name}>"
    text = io.TextIOWrapper(
        io.BufferedReader(raw) if not number else cast("BinaryIO", raw) if unbuffered else io.BufferedWriter(raw),
        like.encoding, like.errors, newline="\n", write_through=unbuffered,
        line_buffering=not unbuffered and (number == 2 or raw.isatty()),
    )  # fmt: skip
    vars(text)["mode"] = raw.mode[0]
    return text


def _run(order: Mapping[str, Any]) -> None:
    """Run a script or a module as Python runs what it is started with."""
    script = order.get("script")
    sys.argv = [script or "-m", *order["arguments"]]
    sys.path.insert(0, str(Path(script).parent if script else _ROOT))
    if script:
        runpy.run_path(script, run_name="__main__")
    else:
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run(_serve())
