"""`orgsync serve`, `orgsync proxy` and `orgsync tokens`."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from orgsync.demo_org import DemoOrg
from tests import plain_http
from tests.plain_http import NOBODY

from .commandline import Command, started

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the test's own server, for a second


@contextmanager
def serving(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Generator[tuple[str, "subprocess.Popen[str]"]]:
    """Start a command that serves, and give its address once it listens; it is stopped by SIGTERM."""
    process = started(folder, *arguments, "--port", "0", env=env)
    assert process.stderr is not None
    found = re.search(r"http://127\.0\.0\.[12]:\d+", process.stderr.readline())
    assert found, process.communicate()
    try:
        yield found[0], process
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, "Traceback" in err) == (0, "", False)


def test_the_api_is_served_until_sigterm_for_those_who_have_a_token(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    orgsync("run", "contacts", "-c", "acme")
    made = orgsync("tokens", "create", "dash", "--scope", "read")
    assert (made.code, made.err) == (0, "Keep the token where secrets are kept; it is not shown again.\n")
    with serving(folder, "serve") as (url, process):
        assert process.stderr is not None
        assert "a page there; sign in with a token" in process.stderr.readline()
        assert plain_http.get(f"{url}/health").json() == {"status": "alive"}
        assert plain_http.get(f"{url}/").headers["location"] == "/sign-in"
        headers = {"Authorization": f"Bearer {made.out.strip()}"}
        assert len(plain_http.get(f"{url}/api/v1/records/contact", headers=headers).json()["rows"]) == len(
            acme.rows("Contact")
        )
        assert orgsync("tokens", "revoke", "dash").err == "Revoked the token dash.\n"
        while plain_http.get(f"{url}/api/v1/records/contact", headers=headers).status_code == 200:
            pass  # for two seconds at most
        assert plain_http.get(f"{url}/api/v1/records/contact", headers=headers).status_code == 401


@pytest.mark.parametrize("arguments", [(), ("--up",)], ids=["alone", "with the scheduler"])
def test_a_database_that_cannot_be_opened_is_an_error_before_an_address_is_shown(
    folder: Path, arguments: tuple[str, ...]
) -> None:
    down = {"ORGSYNC_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}
    process = started(folder, "serve", "--port", "0", *arguments, env=down)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("error: The database server of postgresql://nobody@127.0.0.1:1/x is down")
    assert len(err.splitlines()) == 2


def test_where_all_addresses_are_listened_on_the_names_that_are_answered_are_said(acme: DemoOrg, folder: Path) -> None:
    env = {"ORGSYNC_PUBLIC_URL": "https://sync.example.com/orgsync"}
    arguments = ("serve", "--host", EVERYWHERE, "--allow-host", "orgsync.example.com")
    with serving(folder, *arguments, env=env) as (url, process):
        assert process.stderr is not None
        said = process.stderr.readline()
        names = ["127.0.0.1", "localhost", "::1", "sync.example.com", "orgsync.example.com"]
        assert said == (
            f"It listens on all addresses, and answers calls to these names: {', '.join(names)}. "
            "More: --allow-host NAME.\n"
        )
        for name, status in {**dict.fromkeys(names, 200), EVERYWHERE: 421, "evil.example": 421}.items():
            host = f"[{name}]:80" if ":" in name else name
            assert plain_http.get(f"{url}/health", headers={"Host": host}).status_code == status


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of every Linux, and of few others")
def test_the_address_that_is_shown_is_answered_also_where_another_name_of_it_was_given(
    acme: DemoOrg, folder: Path
) -> None:
    with serving(folder, "serve", "--host", "127.2") as (url, _):
        assert url.startswith("http://127.0.0.2:")
        assert plain_http.get(f"{url}/health").status_code == 200


def test_an_orgs_api_is_served_to_this_machines_clients_and_to_no_page(acme: DemoOrg, folder: Path) -> None:
    with serving(folder, "proxy", "acme") as (url, process):
        limits = f"{url}/services/data/v62.0/limits"
        assert "DailyApiRequests" in plain_http.get(limits).json()
        assert httpx.get(limits, headers={"Origin": "https://evil.example"}).status_code == 403
        assert httpx.get(limits, headers={"Host": "evil.example"}).status_code == 421
        with httpx.Client(verify=NOBODY) as client:
            elsewhere = {"target": b"http://evil.example/services/data/v62.0/limits"}
            assert client.get(limits, extensions=elsewhere).status_code == 421
        assert plain_http.get(f"{url}/services/oauth2/token").status_code == 400
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Stopping when the calls under way are answered;")
        process.wait(timeout=60)


def test_a_private_proxy_answers_the_token_that_it_has_printed_and_no_other(acme: DemoOrg, folder: Path) -> None:
    with serving(folder, "proxy", "acme", "--private") as (url, process):
        assert process.stdout is not None
        limits, token = f"{url}/services/data/v62.0/limits", process.stdout.readline().strip()
        assert "DailyApiRequests" in plain_http.get(limits, headers={"Authorization": f"Bearer {token}"}).json()
        for headers in ({}, {"Authorization": "Bearer other"}):
            refused = plain_http.get(limits, headers=headers)
            assert (refused.status_code, "that orgsync proxy has printed" in refused.json()["title"]) == (401, True)
            assert "orgsync tokens" not in refused.text


def test_tokens_are_listed_with_what_they_may_do(orgsync: Command, acme: DemoOrg) -> None:
    assert "There is no token yet" in orgsync("tokens", "list").err
    orgsync("tokens", "create", "dash", "--scope", "run", "--scope", "read", "-c", "acme", "--expires", "90d")
    [line] = [line for line in orgsync("tokens", "list").out.splitlines() if line.startswith("dash")]
    assert line.split()[:4] == ["dash", "read", "run", "acme"]
    assert [each["connections"] for each in orgsync("tokens", "list", "--json").objects()] == [["acme"]]


def test_a_wrong_token_is_refused_with_a_remedy(orgsync: Command, acme: DemoOrg) -> None:
    for arguments, cause in (
        (("create", "dash", "--scope", "reed"), "There is no scope 'reed'."),
        (("create", "a b", "--scope", "read"), "'a b' is not a name for a token."),
        (("create", "dash", "--scope", "read", "-c", "globex"), "There is no connection 'globex'."),
        (("create", "dash", "--scope", "read", "--expires", "soon"), "--expires 'soon' is not an interval."),
        (("revoke", "dash"), "There is no token 'dash'."),
    ):
        refused = orgsync("tokens", *arguments)
        assert (refused.code, refused.problem()[0]) == (2, cause)


@pytest.mark.parametrize("path", ["orgsync", "/orgsync/", "/", "https://example.com/orgsync", "//evil.example"])
def test_a_root_path_that_is_no_path_is_refused(path: str, orgsync: Command) -> None:
    refused = orgsync("serve", "--port", "0", "--root-path", path)
    assert refused.code == 2
    assert "begins with a slash" in refused.problem()[0]
    assert "--root-path /orgsync" in refused.problem()[1]


def test_an_address_of_another_machine_is_not_taken_for_a_port_in_use(orgsync: Command) -> None:
    refused = orgsync("serve", "--port", "0", "--host", "192.0.2.1")
    assert refused.code == 2
    assert refused.problem()[1] == "Give an address of this machine, or leave --host out."


def test_a_port_that_is_taken_is_named(orgsync: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = orgsync("serve", "--port", str(port))
    assert refused.code == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in refused.problem()[0]
    assert "orgsync serve --port 0" in refused.problem()[1]
