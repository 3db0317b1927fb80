"""Syncs run by the command, and what it tells of them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.raw_database import execute

from .commandline import Command, finished, objects, variables_for

KEYS = [
    "kind", "sync", "action", "connection", "status", "added", "updated", "deleted", "unchanged",
    "api_calls", "seconds", "watermark", "error", "error_code", "plan",
]  # fmt: skip


def script(folder: Path, name: str, text: str) -> None:
    (folder / "syncs").mkdir(exist_ok=True)
    (folder / "syncs" / f"{name}.py").write_text(text)


def test_a_new_user_gets_the_rows_and_then_just_the_changes(folder: Path, org: DemoOrg) -> None:
    def run() -> dict[str, object]:
        outcome = finished(folder, "run", "contacts", "-c", "acme", "--json")
        assert (outcome.code, outcome.err) == (0, "")
        return objects(outcome.out)[0]

    assert finished(folder, "init", ".").code == 0
    options = ("--flow", "refresh-token", "--login-url", org.url, "--client-id", org.client_id)
    connected = finished(folder, "connect", "acme", *options, env=variables_for(org))
    assert connected.code == 0, connected
    first = run()
    assert list(first) == KEYS
    assert (first["status"], first["added"], first["error"]) == ("done", 25, None)
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as database:
        copied = dict(database.execute("SELECT id, last_name FROM contact"))
    assert copied == {row["Id"]: row["LastName"] for row in org.rows("Contact")}
    one, other, *_ = org.rows("Contact")
    org.update("Contact", str(one["Id"]), LastName="Østergård")
    org.delete("Contact", str(other["Id"]))
    org.insert("Contact", LastName="New")
    second = run()
    assert [second[kind] for kind in ("added", "updated", "deleted")] == [1, 1, 1]
    third = run()
    assert [third[kind] for kind in ("added", "updated", "deleted")] == [0, 0, 0]
    assert str(third["watermark"]).endswith("Z")


def test_a_person_gets_one_line_a_run(orgsync: Command, acme: DemoOrg) -> None:
    assert orgsync("run", "contacts", "accounts").out.splitlines()[0].startswith("contacts on acme: 25 added (")
    assert orgsync("run", "contacts").out.startswith("contacts on acme: nothing new (")


def test_a_retry_names_the_sync_and_the_connection(orgsync: Command, acme: DemoOrg) -> None:
    acme.add_fault(Fault.maintenance(), match="query")
    ran = orgsync("run", "contacts")
    assert ran.code == 0, ran
    assert "warning: contacts on acme: retrying in " in ran.err
    assert "(acme)" not in ran.err  # which the line has named already


@pytest.mark.parametrize(("options", "lines"), [((), 2), (("--debug",), 4)])
def test_a_retry_with_the_error_of_the_one_before_it_is_shown_with_debug_alone(
    options: tuple[str, ...], lines: int, orgsync: Command, acme: DemoOrg
) -> None:
    acme.add_fault(Fault.status(503), match="query", times=2)
    acme.add_fault(Fault.status(502), match="query", times=2)
    ran = orgsync("run", "contacts", *options)
    assert (ran.code, ran.err.count("retrying in")) == (0, lines), ran


@pytest.mark.parametrize("command", [("run", "contacts"), ("connections", "test", "acme"), ("connect", "acme")])
def test_certificates_of_the_environment_that_are_none_are_to_blame_and_no_script(
    orgsync: Command, acme: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    for name, value in variables_for(acme).items():
        monkeypatch.setenv(name, value)
    secure = ", ".join(f"{url} = replace({url}, 'http:', 'https:')" for url in ("instance_url", "login_url"))
    execute(folder, f"UPDATE orgsync_connection SET {secure}")
    monkeypatch.setenv("SSL_CERT_FILE", "absent.pem")
    outcome = orgsync(*command)
    assert outcome.code == 2
    assert "SSL_CERT_FILE names absent.pem, which does not exist." in outcome.out + outcome.err
    assert "unexpected" not in outcome.out + outcome.err
    assert ".py" not in outcome.out + outcome.err


def test_full_reads_everything_and_changes_nothing(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    again = orgsync("run", "contacts", "--full", "--json").objects()[0]
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 25)


def test_syncs_and_connections_run_one_after_the_other(
    orgsync: Command, acme: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables_for(acme).items():
        monkeypatch.setenv(name, value)
    orgsync("connect", "beta", "--flow", "refresh-token", "--login-url", acme.url)
    both = orgsync("run", "contacts", "accounts", "--all", "--json").objects()
    assert [(run["connection"], run["sync"]) for run in both] == [
        ("acme", "contacts"), ("acme", "accounts"), ("beta", "contacts"), ("beta", "accounts"),
    ]  # fmt: skip
    named = orgsync("run", "contacts", "-c", "beta", "-c", "beta", "--json").objects()
    assert [run["connection"] for run in named] == ["beta"]


def test_which_connection_is_asked_where_there_are_several_or_none(
    orgsync: Command, secrets: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = orgsync("run", "contacts")
    assert (none.code, none.problem()[0]) == (2, "There is no connection yet.")
    for name in ("acme", "beta"):
        orgsync("connect", name, "--flow", "refresh-token", "--login-url", secrets.url)
    several = orgsync("run", "contacts")
    assert several.code == 2
    assert several.problem() == ("Which connection? Available: acme, beta.", "Name one: -c acme.")


def test_an_unknown_sync_or_connection_is_answered_with_the_nearest_name(orgsync: Command, acme: DemoOrg) -> None:
    unknown = orgsync("run", "contcts")
    assert unknown.code == 2
    assert "did you mean 'contacts'?" in unknown.problem()[0]
    assert "List them: orgsync syncs." in unknown.problem()[1]
    assert "acme" in " ".join(orgsync("run", "contacts", "-c", "acne").problem())
    assert [request for request in acme.requests if request.counted] == []


def test_a_script_that_does_not_import_is_named_with_its_line(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    script(folder, "broken", '"""Broken."""\n\nimport nowhere_to_be_found\n')
    refused = orgsync("run", "broken")
    assert refused.code == 2
    assert "broken.py, line 3" in refused.problem()[0]
    assert orgsync("run", "contacts").code == 0  # the others run


def test_two_record_classes_for_one_table_are_refused(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    text = (
        "from orgsync import Batches, Context, Record, sync\n\n"
        "class Contact(Record, table=True):\n    last_name: str\n\n"
        "@sync\ndef NAME(ctx: Context) -> Batches[Contact]:\n    return ctx.changes(Contact)\n"
    )
    script(folder, "one", text.replace("NAME", "one"))
    script(folder, "two", text.replace("NAME", "two"))
    refused = orgsync("run", "one")
    assert refused.code == 2
    assert "claim the table contact" in refused.problem()[0]


def test_a_hidden_field_and_a_hidden_object_end_the_run_with_their_names(orgsync: Command, acme: DemoOrg) -> None:
    acme.hide_field("Contact", "Email")
    refused = orgsync("run", "contacts")
    assert refused.code == 1
    assert "Contact has no field Email" in refused.problem()[0]
    acme.hide_object("Account")
    assert "Account" in orgsync("run", "accounts").problem()[0]


def test_a_script_that_raises_is_named_with_its_line_but_not_its_data(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    script(
        folder,
        "raising",
        "from orgsync import Batches, Context, Record, sync\n\n"
        "class Lead(Record, table=True):\n    last_name: str\n\n"
        "@sync\nasync def raising(ctx: Context) -> Batches[Lead]:\n    raise ValueError('Ms Private')\n    yield\n",
    )
    failed = orgsync("run", "raising")
    assert failed.code == 1
    cause, line, text, _remedy = failed.err.splitlines()
    assert "raised ValueError at" in cause
    assert "line 8" in cause
    assert "Private" not in cause + failed.out
    assert [line.strip(), text.strip()] == ["raise ValueError('Ms Private')", "ValueError: Ms Private"]
    assert "Traceback" in orgsync("run", "raising", "--debug").err


def test_a_log_line_of_a_script_reaches_the_person(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    script(
        folder,
        "logging_one",
        "from orgsync import Batches, Context, Record, sync\n\n"
        "class Account(Record, table=True):\n    name: str\n\n"
        "@sync\nasync def logging_one(ctx: Context) -> Batches[Account]:\n"
        "    ctx.log.warning('odd rows', count=3)\n    ctx.log.info('all is well')\n"
        "    ctx.log.debug('only with --debug')\n"
        "    async for batch in ctx.changes(Account):\n        yield batch\n",
    )
    assert orgsync("run", "logging_one").err == "warning: odd rows (acme, count=3)\ninfo: all is well (acme)\n"
    assert "only with --debug" in orgsync("--debug", "run", "logging_one").err


def test_a_dead_refresh_token_ends_the_run_with_the_exit_code_for_sign_in(orgsync: Command, acme: DemoOrg) -> None:
    acme.revoke_refresh_tokens()
    refused = orgsync("run", "contacts", "--json")
    assert refused.code == 3
    assert refused.objects()[0]["status"] == "failed"
    assert "orgsync connect" in refused.problem()[1]
    for value in (acme.client_secret, acme.refresh_token):
        assert value not in refused.err + refused.out


def test_a_spent_api_limit_stops_the_run_with_its_own_exit_code(orgsync: Command, acme: DemoOrg) -> None:
    acme.api_used = acme.api_limit
    stopped = orgsync("run", "contacts", "--json")
    assert stopped.code == 4
    assert stopped.objects()[0]["status"] == "stopped"


def test_the_worst_run_gives_the_exit_code(orgsync: Command, acme: DemoOrg) -> None:
    acme.hide_field("Account", "Website")
    both = orgsync("run", "accounts", "contacts", "--json")
    assert both.code == 1
    assert [run["status"] for run in both.objects()] == ["failed", "done"]


def test_html_where_json_is_due_is_reported_after_retries(orgsync: Command, acme: DemoOrg) -> None:
    acme.add_fault(Fault.status(200, "<html>a proxy's page</html>"), match="query", times=None)
    failed = orgsync("run", "contacts")
    assert failed.code == 1
    assert "HTML instead of JSON" in failed.err.splitlines()[-2]
    assert "proxy's page" not in failed.err


def test_no_network_is_reported(orgsync: Command, acme: DemoOrg) -> None:
    acme.stop()
    failed = orgsync("run", "contacts")
    assert failed.code == 1
    assert "Nothing listens at" in failed.err.splitlines()[-2]
    acme.start()


def test_a_setting_that_is_wrong_is_named(orgsync: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "orgsync.toml").write_text("api_limit_share = 7\n")
    refused = orgsync("run", "contacts")
    assert (refused.code, "api_limit_share" in refused.problem()[0]) == (2, True)
    (folder / "orgsync.toml").write_text("client_secret = 'hunter2'\n")
    assert "hunter2" not in orgsync("run", "contacts").err


def test_a_file_that_is_no_database_is_reported(orgsync: Command, folder: Path) -> None:
    (folder / ".orgsync").mkdir()
    path = folder / ".orgsync" / "orgsync.db"
    path.write_bytes(b"no database, but long enough to be read as one" * 30)
    path.chmod(0o600)
    refused = orgsync("runs")
    assert refused.code == 2
    assert "is not an SQLite database" in refused.problem()[0]


def test_a_database_that_another_program_holds_locked_is_reported(
    orgsync: Command, acme: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / ".orgsync" / "orgsync.db"
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", f"sqlite:///{path}?timeout=0.05")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = orgsync("run", "contacts")
    assert refused.code == 2
    assert "locked by another process" in refused.problem()[0]


def test_a_database_of_a_newer_version_is_reported_and_left_alone(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db", isolation_level=None)) as database:
        database.execute("UPDATE orgsync_version SET version_num = '9999'")
    refused = orgsync("run", "contacts")
    assert refused.code == 2
    assert "newer than this orgsync knows" in refused.problem()[0]


def test_a_table_of_the_users_own_in_the_way_is_reported(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db", isolation_level=None)) as database:
        database.execute("CREATE TABLE contact (mine TEXT)")
    refused = orgsync("run", "contacts", "--json")
    assert refused.code == 2
    assert refused.objects()[0]["status"] == "failed"
    assert "contact" in refused.problem()[0]


def test_a_tag_chooses_the_connections(orgsync: Command, acme: DemoOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    with DemoOrg(contacts=3, accounts=0, seed=2) as other:
        for name, value in variables_for(other).items():
            monkeypatch.setenv(name, value)
        connecting = ("--flow", "refresh-token", "--login-url", other.url)
        assert orgsync("connect", "globex", *connecting, "--tag", "us", "--tag", "gold").code == 0
        orgsync("connections", "update", "acme", "--tag", "eu")
        for tags, connections in ((["eu"], ["acme"]), (["gold"], ["globex"]), (["us", "eu"], ["acme", "globex"])):
            options = [option for tag in tags for option in ("--tag", tag)]
            ran = orgsync("run", "contacts", *options, "--json").objects()
            assert [each["connection"] for each in ran] == connections
    unknown = orgsync("run", "contacts", "--tag", "gild")
    assert unknown.code == 2
    assert unknown.problem() == (
        "There is no connection with the tag 'gild'; did you mean 'gold'?",
        "What exists: eu, gold, us. List them: orgsync connections.",
    )
    for choice in (["-c", "acme"], ["--all"]):
        refused = orgsync("run", "contacts", "--tag", "eu", *choice)
        assert (refused.code, refused.problem()[1]) == (2, "Give one of the three.")
