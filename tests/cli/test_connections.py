"""Connections by the command: listed, shown, renamed, removed, tried."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault

from .commandline import Command


def rows(orgsync: Command, *more: str) -> int:
    return len(orgsync("records", "contact", "--format", "json", *more).objects())


def test_without_connections_the_list_says_how_to_make_one(orgsync: Command) -> None:
    assert "orgsync connect NAME" in orgsync("connections").err
    assert orgsync("connections", "--json").out == ""


def test_the_list_names_org_user_and_state(orgsync: Command, acme: DemoOrg) -> None:
    out = orgsync("connections").out
    for reported in ("acme", acme.org_id, acme.username, "refresh-token", "ready"):
        assert reported in out
    assert orgsync("connections", "--json").objects()[0]["org_id"] == acme.org_id


def test_an_unknown_connection_is_answered_with_the_nearest_name(orgsync: Command, acme: DemoOrg) -> None:
    for command in (["connections", "show"], ["connections", "test"], ["connections", "remove"], ["doctor"]):
        refused = orgsync(*command, "acne")
        assert refused.code == 2
        assert "acme" in refused.out + refused.err
    assert orgsync("connections", "rename", "acne", "x").code == 2


def test_a_renamed_connection_takes_its_rows_and_runs_along(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    assert orgsync("connections", "rename", "acme", "acme-eu").code == 0
    assert rows(orgsync, "-c", "acme-eu") == 25
    assert orgsync("run", "contacts", "-c", "acme-eu", "--json").objects()[0]["added"] == 0
    assert orgsync("connections", "rename", "acme-eu", "a b").code == 2


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("command", [("connections", "remove", "acme"), ("reset", "contacts")])
def test_without_anybody_to_confirm_it_nothing_is_removed_and_the_option_is_named(
    orgsync: Command, command: tuple[str, ...]
) -> None:
    orgsync("run", "contacts")
    outcome = orgsync(*command, "--json")
    cause, remedy = outcome.problem()
    assert (outcome.code, remedy) == (2, "Add --yes.")
    assert cause == json.loads(outcome.out)["error"]["cause"]
    assert rows(orgsync) == 25


def test_a_removed_connection_takes_its_rows_along_when_the_person_says_yes(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    kept = orgsync("connections", "remove", "acme", answers="n\n")
    assert (kept.code, kept.out) == (1, "Nothing was removed.\n")
    assert rows(orgsync) == 25
    assert orgsync("connections", "remove", "acme", answers="y\n").code == 0
    assert rows(orgsync) == 0
    assert orgsync("connections", "--json").out == ""


def test_rows_are_kept_where_that_is_asked_for(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    removed = orgsync("connections", "remove", "acme", "--keep-rows", "--yes")
    assert "rows are kept" in removed.out
    assert rows(orgsync) == 25


def test_a_connection_that_works_says_so(orgsync: Command, acme: DemoOrg) -> None:
    assert "acme works" in orgsync("connections", "test", "acme").out
    acme.expire_tokens()
    assert "with a new token" in orgsync("connections", "test", "acme").out


def test_an_object_that_is_hidden_does_not_make_a_connection_fail(orgsync: Command, acme: DemoOrg) -> None:
    acme.hide_object("User")
    assert orgsync("connections", "test", "acme").code == 0


def test_a_refused_connection_needs_sign_in_until_it_works_again(orgsync: Command, acme: DemoOrg) -> None:
    acme.expire_tokens()
    acme.add_fault(Fault.oauth_error("invalid_grant", "user hasn't approved this consumer"), match="token", times=None)
    refused = orgsync("connections", "test", "acme")
    assert refused.code == 3
    assert orgsync("connections", "--json").objects()[0]["status"] == "needs sign-in"
    assert orgsync("run", "contacts").code == 3
    assert "orgsync connect acme" in orgsync("run", "contacts").err
    acme.clear_faults()
    healed = orgsync("connections", "test", "acme")
    assert healed.code == 0, healed
    assert orgsync("run", "contacts").code == 0


def test_a_connection_whose_token_still_works_is_ready_again(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db", isolation_level=None)) as database:
        database.execute("UPDATE orgsync_connection SET status = 'needs sign-in'")
    assert orgsync("connections", "test", "acme").code == 0
    assert orgsync("connections", "--json").objects()[0]["status"] == "ready"


def test_tags_are_added_and_taken_away_and_shown_where_there_are_any(orgsync: Command, acme: DemoOrg) -> None:
    assert "tags" not in orgsync("connections").out
    tagged = orgsync("connections", "update", "acme", "--tag", "eu", "--tag", "trial", "--tag", "eu")
    assert (tagged.code, tagged.out) == (0, "acme is updated; its tags: eu, trial.\n")
    assert "eu, trial" in orgsync("connections").out
    more = ("--untag", "trial", "--tag", "plan:gold", "--metadata", '{"customer": 7}')
    assert orgsync("connections", "update", "acme", *more).code == 0
    [shown] = orgsync("connections", "--json").objects()
    assert (shown["tags"], shown["metadata"]) == (["eu", "plan:gold"], {"customer": 7})
    [updated] = orgsync("connections", "update", "acme", "--tag", "eu", "--json").objects()
    assert updated | {"updated_at": None} == shown | {"updated_at": None}
    assert orgsync("connections", "update", "acme", "--metadata", "{}").out == (
        "acme is updated; its tags: eu, plan:gold.\n"
    )


def test_what_cannot_be_updated_is_refused_with_what_is_meant(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("connections", "update", "acme", "--tag", "europe")
    for arguments, problem in (
        (["acme"], "nothing to change"),
        (["acme", "--untag", "eurpe"], "acme has no tag 'eurpe'; did you mean 'europe'?"),
        (["acne", "--tag", "eu"], "did you mean 'acme'"),
        (["acme", "--tag", "two words"], "'two words' is not a tag"),
        (["acme", "--metadata", "[]"], "not a JSON object"),
    ):
        refused = orgsync("connections", "update", *arguments)
        assert refused.code == 2
        assert problem in refused.problem()[0]
    assert orgsync("connections", "--json").objects()[0]["tags"] == ["europe"]


def test_a_removed_connection_is_revoked_on_request(orgsync: Command, acme: DemoOrg) -> None:
    removed = orgsync("connections", "remove", "acme", "--yes", "--revoke")
    assert (removed.code, removed.out) == (0, "acme is removed, and its rows with it; its token is revoked.\n")


def test_a_removal_that_is_forced_warns_of_what_failed(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    (folder / "syncs").mkdir()
    hook = (
        "from orgsync import Org, on_disconnect\n\n\n@on_disconnect\nasync def goodbye(org: Org) -> None:\n    1 / 0\n"
    )
    (folder / "syncs" / "hooks.py").write_text(hook)
    kept = orgsync("connections", "remove", "acme", "--yes")
    assert kept.code == 1
    assert "The hook goodbye raised ZeroDivisionError" in kept.err
    removed = orgsync("connections", "remove", "acme", "--yes", "--force", "--json")
    [shown] = removed.objects()
    assert (removed.code, shown["removed"], shown["revoked"]) == (0, True, None)
    assert [each["code"] for each in shown["problems"]] == ["script_raised"]
    assert "warning: The hook goodbye raised ZeroDivisionError" in removed.err
