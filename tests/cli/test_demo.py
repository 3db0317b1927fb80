"""The demo tells the whole story, and the demo org can be served."""

import re
import shlex
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from .commandline import Command, finished, started


@pytest.fixture
def folder(nowhere: Path) -> Path:
    """A folder that is no project's."""
    return nowhere


def test_the_story_is_told_from_start_to_end(
    orgsync: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", f"sqlite:///{elsewhere / 'work.db'}")  # must not be touched
    reported = orgsync("demo")
    assert reported.code == 0, reported
    runs = re.findall(r"contacts on demo: (.*?) \(", reported.out)
    assert runs[0] == "2,500 added"
    [people] = re.findall(r"an account is renamed, and (\d+) contacts should show it", reported.out)
    updated = 2 + int(people)  # with the two that get a new title
    assert runs[1] == f"1 added, {updated} updated, 2 deleted"
    assert re.findall(r"^ +(25\d\d)  ", reported.out, re.MULTILINE) == [str(2501 + each) for each in range(3 + updated)]
    assert "Grace Hopper" in reported.out
    assert "orgsync connect acme" in reported.out
    assert list(folder.iterdir()) == []
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("width", [50, 60, 80])
def test_what_the_table_of_the_story_shows_is_whole_in_a_narrow_terminal(
    orgsync: Command, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = orgsync("demo").out
    lines = shown.splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in shown
    assert re.search(r"^ +seq  change +name", shown, re.MULTILINE)
    changes = re.findall(r"^ +(25\d\d)  (added|updated|deleted) +\S", shown, re.MULTILINE)
    assert [number for number, _ in changes[:3]] == ["2501", "2502", "2503"]
    assert {kind for _, kind in changes} == {"added", "updated", "deleted"}
    commands = [line.split("$ ")[1] for line in lines if "$ " in line]
    assert commands[0] == "orgsync connect demo"
    if width >= 60:
        assert commands[-1] == "orgsync records contact --changes --after 2500"


def test_the_demos_copy_is_kept_where_that_is_asked_for(orgsync: Command, folder: Path) -> None:
    assert orgsync("demo", "--keep", "tryout").code == 0
    with closing(sqlite3.connect(folder / "tryout" / ".orgsync" / "orgsync.db")) as database:
        assert database.execute("SELECT count(*) FROM contact WHERE NOT is_deleted").fetchone() == (2499,)
    again = orgsync("demo", "--keep", "tryout")
    assert (again.code, "holds a copy already" in again.problem()[0]) == (2, True)
    (folder / "taken").write_text("a file")
    assert orgsync("demo", "--keep", "taken/below").code == 2
    assert orgsync("demo", "--keep", "x", "--serve").code == 2


def test_the_lines_that_a_served_demo_org_prints_connect_to_it(folder: Path) -> None:
    with started(folder, "demo", "--serve") as server:
        assert server.stdout is not None
        printed: list[str] = []
        while not any(line.startswith("orgsync run") for line in printed):
            printed.append(server.stdout.readline())
            assert printed[-1]
        exported = [shlex.split(line)[1] for line in printed if line.startswith("export ")]
        env = dict(pair.split("=", 1) for pair in exported)
        commands = [shlex.split(line)[1:] for line in printed if line.startswith("orgsync ")]
        assert [words[0] for words in commands] == ["init", "connect", "run"]
        assert finished(folder, "init", "demo-data").code == 0
        assert finished(folder / "demo-data", *commands[1], env=env).code == 0
        assert "2,500 added" in finished(folder / "demo-data", *commands[2]).out
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=120)
    assert server.returncode == 0
    assert "has stopped" in err


def test_a_port_that_is_taken_is_reported(folder: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = finished(folder, "demo", "--serve", "--port", str(taken.getsockname()[1]))
    assert refused.code == 2
    assert "cannot listen" in refused.problem()[0]


def test_an_application_signs_in_to_a_served_demo_org_and_comes_back_to_its_own_callback(folder: Path) -> None:
    mine, other = "http://127.0.0.1:8000/callback", "https://app.example.com/sf?tenant=1"
    with started(folder, "demo", "--serve", "--callback-url", mine, "--callback-url", other) as server:
        assert server.stdout is not None
        printed: list[str] = []
        while not printed or printed[-1].strip() != other:
            printed.append(server.stdout.readline())
            assert printed[-1]
        text = "".join(printed)
        (url,) = set(re.findall(r"http://127\.0\.0\.1:\d+(?!\d)(?!/)", text))
        client_id = re.findall(r"ORGSYNC_CLIENT_ID=(\S+)", text)[0]
        for callback, status in ((mine, 302), (other, 302), (mine + "/", 400)):
            asked = {"response_type": "code", "client_id": client_id, "redirect_uri": callback, "decision": "allow"}
            answer = httpx.get(f"{url}/services/oauth2/authorize", params=asked)
            assert answer.status_code == status
            if status == 302:
                assert answer.headers["location"].startswith(f"{callback}{'&' if '?' in callback else '?'}code=")
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=120)


@pytest.mark.parametrize("url", ["127.0.0.1:8000/callback", "ftp://x.example/", "http://x.example/#a", "http://[x/"])
def test_what_is_no_callback_url_is_refused(orgsync: Command, url: str) -> None:
    refused = orgsync("demo", "--serve", "--callback-url", url)
    assert refused.code == 2
    assert "not a callback URL" in " ".join(refused.err.split())


def test_a_callback_url_without_serve_is_refused(orgsync: Command) -> None:
    assert orgsync("demo", "--callback-url", "http://127.0.0.1:8000/callback").code == 2
