"""The command at a terminal: questions, progress, Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from orgsync.demo_org import DemoOrg, Fault
from orgsync.project.file_writes import WriteProgress
from orgsync_cli.progress import bar_columns, fitting, text_room, write_text
from tests.warm_process import opened, own_terminal

from .commandline import PROGRAM, Command, plain_environment
from .test_signals import SLEEPER


class Terminal:
    """A command at a terminal of its own: read until something shows, type."""

    def __init__(self, process: "subprocess.Popen[bytes]", screen: int) -> None:
        self.process = process
        self.shown = ""
        self._screen = screen

    def until(self, pattern: str) -> str:
        """Wait until the pattern shows, and give all that was shown so far."""
        deadline = time.monotonic() + 120
        while not re.search(pattern, self.shown):
            assert time.monotonic() < deadline, self.shown
            assert self._read(), self.shown
        return self.shown

    def type(self, text: str) -> None:
        """Type into the terminal."""
        os.write(self._screen, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until it is heard: Python's prompt does not notice one that comes while it is being drawn."""
        while self.process.poll() is None:
            self.type("\x03")
            while select.select([self._screen], [], [], 5)[0] and self._read():
                pass

    def end(self) -> int:
        """Wait until the command ends, and give its exit code."""
        while self._read():
            pass
        return self.process.wait(30)

    def _read(self) -> bool:
        if not select.select([self._screen], [], [], 30)[0]:
            return False
        try:
            part = os.read(self._screen, 65536)
        except OSError:  # how Linux says that nobody has the other end any more
            return False
        self.shown += part.decode(errors="replace")
        return bool(part)


@contextmanager
def terminal(folder: Path, *arguments: str, columns: int = 100) -> Generator[Terminal]:
    """Start the command at a terminal of so many columns."""
    screen, other = pty.openpty()
    process = opened(
        [str(PROGRAM), *arguments],
        cwd=folder,
        env={**plain_environment(), "COLUMNS": str(columns), "TERM": "xterm", "DISPLAY": "", "BROWSER": ""},
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        preexec_fn=own_terminal,
    )
    os.close(other)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def test_secrets_are_asked_for_and_not_shown(folder: Path, org: DemoOrg) -> None:
    with terminal(folder, "connect", "acme", "--flow", "refresh-token", "--login-url", org.url) as at:
        at.until(r"Client id.*: ")
        at.type(f"{org.client_id}\n")
        at.until(r"Client secret .*: ")
        at.type(f"{org.client_secret}\n")
        at.until(r"Refresh token: ")
        at.type(f"{org.refresh_token}\n")
        assert at.end() == 0, at.shown
    assert "acme is connected." in at.shown
    assert org.client_secret not in at.shown
    assert org.refresh_token not in at.shown


def test_a_refused_secret_that_was_typed_is_to_be_typed_again(folder: Path, org: DemoOrg) -> None:
    options = ("--login-url", org.url, "--client-id", org.client_id)
    with terminal(folder, "connect", "acme", "--flow", "client-credentials", *options, columns=1000) as at:
        at.until(r"Client secret .*: ")
        at.type("wrong\n")
        assert at.end() == 3, at.shown
    assert "came from what was typed. Type the app's consumer secret, whole and without blanks, as you " in at.shown
    assert "ORGSYNC_CLIENT_SECRET" not in at.shown


def test_the_file_of_a_private_key_is_asked_for(folder: Path, org: DemoOrg) -> None:
    (folder / "key.pem").write_text(org.private_key_pem)
    options = ("--login-url", org.url, "--client-id", org.client_id)
    with terminal(folder, "connect", "acme", "--flow", "jwt", *options) as at:
        at.until(r"Private key .*: ")
        at.type("key.pem\n")
        at.until(r"User name: ")
        at.type(f"{org.username}\n")
        assert at.end() == 0, at.shown


def test_a_question_that_is_left_open_ends_the_command(folder: Path, org: DemoOrg) -> None:
    with terminal(folder, "connect", "acme", "--flow", "client-credentials", "--login-url", org.url) as at:
        at.until(r"Client id.*: ")
        at.interrupt()
        assert at.end() == 130
    assert "Interrupted; nothing was connected." in at.shown


@pytest.mark.usefixtures("acme")
def test_a_yes_or_no_question_that_is_left_open_says_that_nothing_was_done(folder: Path, orgsync: Command) -> None:
    with terminal(folder, "connections", "remove", "acme") as at:
        at.until(r"Remove acme\?.*\[y/N\]: ")
        at.interrupt()
        assert at.end() == 130
    assert "Interrupted; nothing was done." in at.shown
    assert [each["name"] for each in orgsync("connections", "--json").objects()] == ["acme"]


@pytest.mark.parametrize("width", [60, 140])
def test_a_line_for_a_person_is_as_wide_as_the_terminal_where_stdout_is_a_pipe(tmp_path: Path, width: int) -> None:
    code = "from orgsync_cli.output import say; say('word ' * 60)"
    env = {name: value for name, value in plain_environment().items() if name not in ("COLUMNS", "LINES")}
    screen, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=other, check=True, timeout=120,
    )  # fmt: skip
    os.close(other)
    lines = os.read(screen, 4096).decode().splitlines()
    os.close(screen)
    assert max(map(len, lines)) in range(width - len(" word"), width + 1)


def test_a_refused_refresh_token_leads_a_person_to_the_browser(folder: Path, orgsync: Command, acme: DemoOrg) -> None:
    acme.revoke_refresh_tokens()
    with terminal(folder, "connect", "acme") as at:
        at.until(r"sign in with the browser")
        at.until(r"/services/oauth2/authorize\?")
        at.until("Waiting")
        at.type("\x03")
        assert at.end() == 130
    assert "Interrupted; nothing was connected." in at.shown
    assert "Traceback" not in at.shown


def test_a_person_sees_how_far_a_run_is(folder: Path, orgsync: Command, acme: DemoOrg) -> None:
    acme.page_size = 5
    acme.add_fault(Fault.delay(0.15), match="query", times=None)
    with terminal(folder, "run", "contacts") as at:
        at.until(r"contacts on acme.* of 25 rows.*API calls")
        assert at.end() == 0
    assert "contacts on acme: 25 added (" in at.shown


def test_a_question_says_what_it_expects_until_it_has_an_answer(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    assert orgsync("run", "contacts").code == 0
    with terminal(folder, "reset", "contacts") as at:
        at.until(r"\[y/N\]: ")
        at.type("maybe\n")
        at.until(r"Answer y or n; n is what Enter alone means\.\r\n.*\[y/N\]: ")
        at.type("Y\n")
        assert at.end() == 0, at.shown
    assert "Error" not in at.shown
    assert "25 rows in contact and 1 position discarded" in at.shown


def test_the_progress_of_a_write_fits_a_narrow_terminal(acme: DemoOrg, folder: Path) -> None:
    acme.add_fault(Fault.delay(1), match="composite", times=None)
    (folder / "a_rather_long_name_of_a_file.csv").write_text("LastName\n" + "Lovelace\n" * 500)
    call = ("write", "a_rather_long_name_of_a_file.csv", "--object", "Contact", "--operation", "insert")
    with terminal(folder, *call, columns=60) as at:
        assert at.end() == 0, at.shown
    assert "0 of 500 rows" in at.shown
    assert "…" not in at.shown


def test_the_result_of_an_interrupted_write_has_a_line_of_its_own(acme: DemoOrg, folder: Path) -> None:
    acme.add_fault(Fault.delay(1), match="composite", times=None)
    (folder / "leads.csv").write_text("LastName\n" + "Lovelace\n" * 500)
    with terminal(folder, "write", "leads.csv", "--object", "Contact", "--operation", "insert", columns=80) as at:
        at.until("0 of 500 rows")
        at.process.send_signal(signal.SIGINT)
        assert at.end() == 130, at.shown
    before, _, rest = at.shown.partition("leads.csv to Contact on acme: ")
    assert re.search(r"(\n|\x1b\[2K)(\x1b\[\?25h)?$", before), before[-80:]
    assert rest.startswith("200 rows written")


def test_the_progress_of_a_job_leaves_out_what_there_is_no_room_for() -> None:
    progress = WriteProgress(200, 1500, "750Dn000009AbcdIAF", "InProgress", 400)
    assert write_text(progress, 80) == "200 of 1,500 rows, 400 tried, job 750Dn000009AbcdIAF InProgress"
    assert write_text(progress, 30) == "200 of 1,500 rows, 400 tried"
    assert write_text(progress, 20) == "200 of 1,500 rows"


@pytest.mark.parametrize(("width", "columns"), [(60, 3), (120, 4)])
def test_a_bar_is_drawn_where_there_is_room_for_it(width: int, columns: int) -> None:
    console = Console(width=width)
    assert len(bar_columns(console)) == columns
    assert text_room(console, "a title") < width - len("a title")


def test_an_error_is_red_at_a_terminal(folder: Path) -> None:
    with terminal(folder, "run", "contacts") as at:
        assert at.end() == 2
    assert "\x1b[31m\x1b[1merror:\x1b[0m There is no connection yet." in at.shown


def test_ctrl_c_ends_a_run_at_a_terminal(folder: Path, orgsync: Command, acme: DemoOrg) -> None:
    acme.add_fault(Fault.hang(), match="query", times=None)
    with terminal(folder, "run", "contacts") as at:
        at.until("contacts on acme")
        while not orgsync("runs", "--json").objects():
            time.sleep(0.02)
        at.type("\x03")
        assert at.end() == 130
    assert "Traceback" not in at.shown
    assert orgsync("runs", "--json").objects()[0]["status"] == "stopped"


def test_a_second_ctrl_c_leaves_the_terminal_as_it_was(folder: Path, orgsync: Command, acme: DemoOrg) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "sleeper.py").write_text(SLEEPER)
    with terminal(folder, "run", "sleeper", columns=60) as at:
        at.until("sleeper on acme")
        while not (folder / "sleeping").exists():
            time.sleep(0.02)
        at.type("\x03")
        time.sleep(0.3)
        at.type("\x03")
        assert at.end() == 130
    drawn, _, said = at.shown.rpartition("\x1b[?25h")
    assert "\x1b[?25l" in drawn  # the cursor was hidden
    assert said == (
        "Stopped at once; what was committed is kept, and the next\r\n"
        "run resumes there. A run that had begun is shown as failed,\r\n"
        "as its end is not recorded.\r\n"
    )


@pytest.mark.parametrize("width", [60, 80])
def test_no_line_is_broken_inside_a_word(width: int, tmp_path: Path) -> None:
    with terminal(tmp_path, "init", "a-project", columns=width) as at:
        assert at.end() == 0
    too_long = [line for line in at.shown.splitlines() if len(line) > width]
    assert [line for line in too_long if "test_every_deal_arrives_and_then_only_what_changed.yaml" not in line] == []
    assert "whenever" in at.shown
    with terminal(tmp_path, "run", "contacts", columns=width) as at:
        assert at.end() == 2
    shown = re.sub(r"\x1b\[[0-9;]*m", "", at.shown).splitlines()
    assert shown[0].startswith("error: ")
    assert len(shown) > 2
    assert max(map(len, shown)) <= width


def test_a_long_question_is_broken_between_words(folder: Path, orgsync: Command, acme: DemoOrg) -> None:
    assert orgsync("run", "contacts").code == 0
    with terminal(folder, "reset", "contacts", columns=50) as at:
        at.until(r"\[y/N\]: ")
        at.type("n\n")
        assert at.end() == 1
    first, second, *_ = at.shown.splitlines()
    assert first == "Discard 25 rows in contact and 1 position?"
    assert second.startswith("The org is not touched. [y/N]: ")


def test_the_progress_of_a_run_fits_a_narrow_terminal(acme: DemoOrg, folder: Path) -> None:
    acme.page_size = 5
    acme.add_fault(Fault.delay(0.3), match="query", times=None)
    with terminal(folder, "run", "contacts", columns=60) as at:
        assert at.end() == 0, at.shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", at.shown)
    drawn = [line for line in re.split(r"[\r\n]+", plain) if "contacts on acme" in line]
    assert [line for line in drawn if re.search(r"\d of 25 rows", line)]
    assert "…" not in plain
    assert max(map(len, drawn)) <= 60


def test_a_progress_line_leaves_out_its_last_parts_where_there_is_no_room() -> None:
    parts = ["5 of 25 rows", ", 12/s", ", 1 API call"]
    assert fitting(parts, 40) == "5 of 25 rows, 12/s, 1 API call"
    assert fitting(parts, 20) == "5 of 25 rows, 12/s"
    assert fitting(parts, 3) == "5 of 25 rows"


def test_a_backup_that_is_refused_draws_no_progress(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    assert orgsync("run", "contacts").code == 0
    with terminal(folder, "backup", "kept.db") as at:
        assert at.end() == 0, at.shown
    assert "copying" in at.shown
    with terminal(folder, "backup", "kept.db") as at:
        assert at.end() == 2, at.shown
    assert "error:" in at.shown
    assert "copying" not in at.shown
    assert "\x1b[?25" not in at.shown  # nor is the cursor hidden and shown


def test_a_retry_is_announced_in_lines_that_fit_a_narrow_terminal(acme: DemoOrg, folder: Path) -> None:
    acme.add_fault(Fault.status(503), match="query", times=2)
    with terminal(folder, "run", "contacts", columns=50) as at:
        assert at.end() == 0, at.shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", at.shown)
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", plain)]
    first = next(n for n, line in enumerate(lines) if line.startswith("warning: "))
    assert lines[first + 1].startswith("         ")
    assert max(map(len, lines)) <= 50
    said = " ".join(line.strip() for line in lines[first:])
    assert re.match(r"warning: .*retrying in .* s: .* 503", said)
