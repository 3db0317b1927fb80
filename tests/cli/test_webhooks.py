"""`orgsync webhooks`: made, listed, tested, rotated, switched on and removed at the command line."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from orgsync.demo_org import DemoOrg
from tests.webhooks.receiver import Answer, Receiver, receiving

from .commandline import Command


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Generator[Receiver]:
    monkeypatch.setenv("ORGSYNC_WEBHOOK_ALLOW_PRIVATE", "true")
    with receiving() as opened:
        yield opened


def add(orgsync: Command, url: str, *options: str) -> tuple[str, str]:
    made = json.loads(orgsync("webhooks", "add", url, "--json", *options).out)
    return made["webhook"]["id"], made["secret"]


def test_a_webhook_lives_from_add_to_remove(orgsync: Command, acme: DemoOrg, receiver: Receiver) -> None:
    assert "There is no webhook yet" in orgsync("webhooks", "list").err
    shown = orgsync("webhooks", "add", receiver.url, "--events", "run.finished, records.changed", "-c", "acme")
    assert shown.out.startswith("whsec_")
    assert "it is not shown again" in shown.err
    [listed] = map(json.loads, orgsync("webhooks", "list", "--json").out.splitlines())
    assert (listed["events"], listed["connections"]) == (["run.finished", "records.changed"], ["acme"])
    webhook = listed["id"]
    assert shown.out.strip() not in orgsync("webhooks", "list").out
    assert orgsync("webhooks", "test", webhook).code == 0
    assert receiver.got[0].verified_by(shown.out.strip())["type"] == "webhook.test"
    newer = orgsync("webhooks", "rotate", webhook, "--overlap", "0").out.strip()
    receiver.answer = lambda _: Answer(500)
    refused = orgsync("webhooks", "test", webhook)
    assert (refused.code, refused.problem()[0].split(" answered ")[1]) == (1, "with status 500.")
    assert receiver.got[1].verified_by(newer)
    assert orgsync("webhooks", "remove", webhook, "--yes").code == 0
    assert orgsync("webhooks", "remove", webhook).problem()[0].startswith(f"There is no webhook '{webhook}'")


def test_a_webhook_whose_secret_is_lost_gets_a_new_one_and_the_key_can_be_exchanged(
    orgsync: Command, acme: DemoOrg, folder: Path, receiver: Receiver
) -> None:
    webhook = add(orgsync, receiver.url)[0]
    (folder / ".orgsync" / "key").write_text(Fernet.generate_key().decode())
    assert orgsync("connections", "remove", "acme", "--yes").code == 0
    cause, remedy = orgsync("keys", "rotate").problem()
    assert webhook in cause
    assert f"orgsync webhooks rotate {webhook}" in remedy
    rotated = orgsync("webhooks", "rotate", webhook)
    assert f"warning: The secrets of the webhook {webhook} cannot be decrypted" in rotated.err
    assert rotated.out.startswith("whsec_")
    assert orgsync("keys", "rotate").code == 0


def test_ids_and_names_that_are_copied_stay_in_one_piece_in_a_narrow_terminal(
    orgsync: Command, acme: DemoOrg, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    path = "/orgsync/webhooks/of-the-production-environment/and-its-tenants"
    webhook, _ = add(orgsync, f"{receiver.url}{path}", "--events", "run.finished,records.changed")
    listed = orgsync("webhooks", "list")
    assert webhook in listed.out
    assert "events" not in listed.out
    assert "1 column is left out, too wide: events; --json shows all" in listed.err
    assert path in "".join(line[len(webhook) :].split("  all")[0].strip() for line in listed.out.splitlines()[2:])
    name = "the-dashboard-of-the-sales-department"
    assert orgsync("tokens", "create", name, "--scope", "read", "--scope", "run", "--scope", "connect").code == 0
    assert name in orgsync("tokens", "list").out
    assert max(map(len, [*listed.out.splitlines(), *orgsync("tokens", "list").out.splitlines()])) <= 60


def test_an_id_that_no_webhook_has_is_answered_with_those_that_there_are(
    orgsync: Command, acme: DemoOrg, receiver: Receiver
) -> None:
    webhook, _ = add(orgsync, receiver.url)
    cause, remedy = orgsync("webhooks", "test", "we_x").problem()
    assert (cause, remedy) == (
        "There is no webhook 'we_x'.",
        f"What exists: {webhook}. List them: orgsync webhooks list.",
    )


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(500, "receiver's log"), (302, "not followed"), (401, "has the webhook's secret"), (404, "POST")],
)
def test_a_test_message_that_is_not_accepted_is_an_error_with_its_address_and_a_remedy(
    orgsync: Command, acme: DemoOrg, receiver: Receiver, status: int, remedy: str
) -> None:
    webhook, _ = add(orgsync, f"{receiver.url}t0ken")
    receiver.answer = lambda _: Answer(status)
    refused = orgsync("webhooks", "test", webhook)
    assert refused.code == 1
    assert refused.problem()[0] == f"The receiver at 127.0.0.1:{receiver.port} answered with status {status}."
    assert remedy in refused.problem()[1]
    assert "t0ken" not in refused.err


def test_a_test_message_that_reaches_nobody_names_the_address_and_what_to_do(
    orgsync: Command, acme: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORGSYNC_WEBHOOK_ALLOW_PRIVATE", "true")
    with receiving() as closed:
        webhook, _ = add(orgsync, closed.url)
    alone = orgsync("webhooks", "test", webhook)
    assert alone.code == 1
    assert alone.problem() == (
        f"Nothing listens at 127.0.0.1:{closed.port} of this machine.",
        "Start the receiver, or correct the webhook's URL.",
    )
    monkeypatch.setenv("ORGSYNC_WEBHOOK_ALLOW_PRIVATE", "false")
    forbidden = orgsync("webhooks", "test", webhook)
    assert forbidden.code == 2
    assert "host 127.0.0.1 has an address of a private network" in forbidden.problem()[0]
    assert forbidden.problem()[1].startswith("Allow it in orgsync.toml: webhook_allow_private = true")


def test_a_webhook_is_removed_when_that_is_confirmed(orgsync: Command, acme: DemoOrg, receiver: Receiver) -> None:
    webhook, _ = add(orgsync, f"{receiver.url}t0ken")
    unasked = orgsync("webhooks", "remove", webhook)
    assert (unasked.code, unasked.problem()[1]) == (2, "Add --yes.")
    kept = orgsync("webhooks", "remove", webhook, answers="n\n")
    assert (kept.code, kept.out) == (1, "Nothing was removed.\n")
    assert f"Remove {webhook}, to 127.0.0.1? What is still to be delivered to it is discarded." in kept.err
    assert "t0ken" not in kept.err
    assert webhook in orgsync("webhooks", "list").out
    assert orgsync("webhooks", "remove", webhook, answers="y\n").code == 0
    assert "There is no webhook yet" in orgsync("webhooks", "list").err


def test_runs_are_delivered_by_up_once_and_again_by_hand(
    orgsync: Command, acme: DemoOrg, receiver: Receiver, folder: Path
) -> None:
    webhook, secret = add(orgsync, receiver.url)
    assert orgsync("run", "contacts", "-c", "acme").code == 0
    assert orgsync("up", "--once", "--sync", "contacts").code == 0
    told = [each.verified_by(secret)["type"] for each in receiver.got]
    assert told[:2] == ["records.changed", "run.finished"]
    deliveries = [*map(json.loads, orgsync("webhooks", "deliveries", webhook, "--json").out.splitlines())]
    assert {each["state"] for each in deliveries} == {"delivered"}
    assert "pending" in orgsync("webhooks", "redeliver", str(deliveries[0]["id"])).err
    assert "pending" in orgsync("webhooks", "deliveries").out
    before = len(receiver.got)
    orgsync("up", "--once", "--sync", "contacts")
    assert receiver.got[before].id == deliveries[0]["message"]


def test_status_says_that_a_webhook_is_off_and_it_is_switched_on(
    orgsync: Command, acme: DemoOrg, receiver: Receiver
) -> None:
    webhook, _ = add(orgsync, receiver.url)
    receiver.answer = lambda _: Answer(410)
    orgsync("run", "contacts", "-c", "acme")
    orgsync("up", "--once", "--sync", "contacts")
    status = orgsync("status")
    assert status.code == 1
    assert f"The webhook {webhook} is off: The receiver wants no more messages (status 410)." in status.err
    assert "off: The receiver" in orgsync("webhooks", "list").out
    assert orgsync("webhooks", "enable", webhook).code == 0
    assert "is off" not in orgsync("status").err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["https://10.0.0.1/"], "private network"),
        (["http://127.0.0.1:9000/"], "private network"),
        (["https://u:s3cret@example.com/"], "user name or a password"),
        (["ftp://example.com/"], "does not begin with https:"),
    ],
)
def test_what_may_not_be_sent_to_is_refused(orgsync: Command, acme: DemoOrg, arguments: list[str], says: str) -> None:
    refused = orgsync("webhooks", "add", *arguments)
    assert refused.code == 2
    assert says in refused.problem()[0]
    assert "s3cret" not in refused.err + refused.out


def test_an_unknown_event_names_the_nearest(orgsync: Command, acme: DemoOrg, receiver: Receiver) -> None:
    refused = orgsync("webhooks", "add", receiver.url, "--events", "run.finish")
    assert refused.problem() == ("There is no event 'run.finish'.", "Did you mean run.finished?")
    assert orgsync("webhooks", "rotate", "we_1", "--overlap", "400d").code == 2
    wrong = orgsync("webhooks", "rotate", "we_1", "--overlap", "7days")
    assert wrong.problem()[0] == "--overlap '7days' is not an interval."
