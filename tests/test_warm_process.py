"""What is forked for a test is what a new process would be."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commandline import plain_environment
from tests.warm_process import is_warm, opened, opened_module, own_terminal

FACTS = """\
import json, os, signal, sys, threading

def stream(each):
    return repr(each), each.isatty(), each.line_buffering, each.write_through, each.errors, each.seekable()

print(json.dumps({
    "argv": sys.argv,
    "name": __name__,
    "file": __file__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "path": sys.path,
    "flags": list(sys.flags),
    "cwd": os.getcwd(),
    "environ": dict(os.environ),
    "umask": os.umask(0),
    "parent": os.getppid(),
    "group": os.getpgrp() == os.getpid() or os.getpgrp(),
    "session": os.getsid(0) == os.getpid() or os.getsid(0),
    "open": [n for n in range(3, 1000) if os.path.exists(f"/proc/self/fd/{n}")],
    "handlers": [str(signal.getsignal(n)) for n in sorted(signal.valid_signals())],
    "blocked": [*signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "threads": os.listdir("/proc/self/task") == [str(os.getpid())] and threading.active_count(),
    "streams": [stream(each) for each in (sys.stdin, sys.stdout, sys.stderr)],
    "same": [sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__],
    "encodings": [sys.stdin.encoding, sys.stdout.encoding, sys.getfilesystemencoding()],
    "foreign": [name for name in sys.modules if name.split(".")[0] in ("tests", "pytest", "opentelemetry", "syncs")],
}))
"""


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked here")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script to write."""
    return tmp_path / "script.py"


def ended(script: Path, text: str, **options: Any) -> tuple[int, str, str]:
    """Write a script and run it in a fork to its end."""
    script.write_text(text, encoding="utf-8")
    with opened([str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize("session", [False, True])
def test_a_fork_finds_what_a_new_process_finds(script: Path, tmp_path: Path, session: bool, unbuffered: bool) -> None:
    script.write_text("#!" + sys.executable + "\n" + FACTS, encoding="utf-8")
    script.chmod(0o755)
    env = {**plain_environment(), "TZ": "Asia/Tokyo", "MINE": "1"}
    env |= {"PYTHONUNBUFFERED": "1"} if unbuffered else {}
    options: dict[str, Any] = {"env": env, "cwd": tmp_path, "start_new_session": session, "text": True, "timeout": 60}
    command, before = [str(script), "a", "--b", ""], os.umask(0o027)
    try:
        new = subprocess.run(command, capture_output=True, input="", check=True, **options).stdout
        options.pop("timeout")
        pipe = subprocess.PIPE
        with opened(command, stdin=pipe, stdout=pipe, stderr=pipe, **options) as process:
            out, err = process.communicate(timeout=60)
    finally:
        os.umask(before)
    assert (process.returncode, err) == (0, "")
    assert is_warm(env)
    assert json.loads(out) == json.loads(new)


def test_a_fork_has_the_terminal_that_it_is_given(script: Path) -> None:
    script.write_text(
        "import os, sys\nassert os.tcgetpgrp(0) == os.getpid()\nprint(sys.stdout.line_buffering, input())"
    )
    screen, other = pty.openpty()
    options: dict[str, Any] = {"env": plain_environment(), "start_new_session": True, "preexec_fn": own_terminal}
    process = opened([str(script)], stdin=other, stdout=other, **options)
    os.close(other)
    os.write(screen, b"typed\n")
    assert process.wait(60) == 0
    assert b"True typed" in os.read(screen, 4096)
    os.close(screen)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 0, ""),
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit('no')", 1, "no\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("import os; os._exit(9)", 9, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
    ],
)
def test_a_fork_ends_as_python_ends(script: Path, text: str, code: int, said: str) -> None:
    returned, out, err = ended(script, text)
    assert (returned, out) == (code, "")
    assert err.endswith(said)
    assert bool(err) is bool(said)


def test_what_waits_for_the_end_is_done_and_written(script: Path) -> None:
    text = (
        "import atexit, sys, threading, time\n"
        "atexit.register(print, 'at exit')\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\n"
        "print('main')"
    )
    assert ended(script, text) == (0, "main\nthread\nat exit\n", "")


def test_a_signal_that_comes_at_once_is_not_lost_and_a_session_is_there_at_once(script: Path) -> None:
    script.write_text("import time\ntime.sleep(600)", encoding="utf-8")
    for number in (signal.SIGINT, signal.SIGTERM):
        with opened([str(script)], stderr=subprocess.PIPE, start_new_session=True) as process:
            os.killpg(process.pid, number)
            process.communicate(timeout=60)
        assert process.returncode == -number


def test_a_fork_can_be_killed_and_is_waited_for(script: Path) -> None:
    script.write_text("import time\nprint('here', flush=True)\ntime.sleep(600)", encoding="utf-8")
    with opened([str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        assert process.poll() is None
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)  # no zombie is left


def test_forks_draw_random_numbers_of_their_own_and_change_nothing_for_each_other(script: Path) -> None:
    text = (
        "import random, orgsync_cli.output\n"
        "print(random.random(), hasattr(orgsync_cli.output, 'changed'))\n"
        "orgsync_cli.output.changed = True"
    )
    first, second = ended(script, text)[1].split(), ended(script, text)[1].split()
    assert first[0] != second[0]
    assert first[1] == second[1] == "False"


def test_several_forks_run_at_once(script: Path) -> None:
    script.write_text("print(input())", encoding="utf-8")
    pipe = subprocess.PIPE
    some = [opened([str(script)], stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    assert [each.communicate(f"{n}\n", timeout=60)[0] for n, each in enumerate(some)] == ["0\n", "1\n", "2\n", "3\n"]
    assert len({each.pid for each in some}) == 4


@pytest.mark.parametrize("name", ["PYTHONIOENCODING", "PYTHONPATH", "LC_ALL", "PYTHONDEVMODE", "OTEL_TRACES_EXPORTER"])
def test_what_is_read_at_the_start_is_for_a_new_program(name: str, tmp_path: Path) -> None:
    assert not is_warm({**plain_environment(), name: "x"})


@pytest.mark.parametrize("env", [{}, {"PYTHONIOENCODING": "latin-1"}], ids=["fork", "program"])
def test_a_module_of_the_tests_runs_in_any_folder(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "vault.json").write_text("no JSON")
    process = opened_module(
        "tests.auth.renewing_process", "vault.json",
        cwd=tmp_path, env={**plain_environment(), **env}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "JSONDecodeError" in err or "ValidationError" in err, err


def test_a_fork_does_not_outlive_its_pipes_unseen(script: Path) -> None:
    """Its output ends when it ends: neither the process that forks nor another fork holds it open."""
    script.write_text("import sys\nprint(sys.stdin.read())", encoding="utf-8")
    pipe = subprocess.PIPE
    with opened([str(script)], stdin=pipe, stdout=pipe, text=True) as waiting:
        assert ended(script.with_name("other.py"), "print('over')")[1] == "over\n"
        assert waiting.poll() is None
        assert waiting.communicate("all", timeout=60)[0] == "all\n"
