"""Deliveries: signed, in order, tried again, switched off; by one process at a time, and by the next where one died."""

import ssl
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
import trustme
from structlog.testing import capture_logs

from orgsync.settings import Settings
from orgsync.store import Store
from orgsync.webhooks import deliver_due
from orgsync.webhooks.deliverer import Deliverer
from tests.store.databases import ON_SQLITE_ALONE, Database

from .receiver import Answer, Got, Receiver, receiving

DUE_NOW = "UPDATE orgsync_webhook_delivery SET next_at = created_at"
NOT_PAUSED = "UPDATE orgsync_webhook SET resume_at = NULL"


async def endpoint(store: Store, url: str) -> tuple[str, str]:
    row, secret = await store.webhooks.add(url, events=[], connections=None, tags=[])
    return row.id, secret


async def tell(store: Store, *connections: str) -> None:
    for number, name in enumerate(connections):
        await store.webhooks.tell("run.finished", name, {"number": number})


async def state_of(store: Store) -> list[str]:
    return [each.state for each in reversed(await store.webhooks.deliveries())]


async def off_reason(store: Store) -> str | None:
    [row] = await store.webhooks.list()
    return row.off_reason


async def test_a_message_is_verified_by_the_public_library(
    store: Store, settings: Settings, receiver: Receiver
) -> None:
    _, secret = await endpoint(store, receiver.url)
    await tell(store, "acme")
    await deliver_due(store, settings)
    [got] = receiver.got
    message = got.verified_by(secret)
    assert message["type"] == "run.finished"
    assert message["data"] == {"number": 0}
    assert message["timestamp"].endswith("Z")
    assert got.headers["content-type"] == "application/json"
    [delivery] = await store.webhooks.deliveries()
    assert (delivery.state, delivery.status, delivery.attempts, got.id) == ("delivered", 204, 1, delivery.message)
    await deliver_due(store, settings)
    assert len(receiver.got) == 1


async def test_both_secrets_sign_while_they_overlap(store: Store, settings: Settings, receiver: Receiver) -> None:
    webhook, old = await endpoint(store, receiver.url)
    new = (await store.webhooks.rotate(webhook, overlap=timedelta(hours=1))).secret
    await tell(store, "acme")
    await deliver_due(store, settings)
    assert len(receiver.got[0].headers["webhook-signature"].split()) == 2
    assert receiver.got[0].verified_by(old) == receiver.got[0].verified_by(new)


async def test_order_is_kept_for_each_connection_past_a_failure(
    store: Store, settings: Settings, receiver: Receiver, database: Database
) -> None:
    await endpoint(store, receiver.url)
    await tell(store, "acme", "globex", "acme", "globex", "acme")
    failing = {0: 1}

    def answer(got: Got) -> Answer:
        left = failing.get(got.data["number"], 0)
        failing[got.data["number"]] = left - 1
        return Answer(500 if left > 0 else 200)

    receiver.answer = answer
    await deliver_due(store, settings)
    assert sorted(each.data["number"] for each in receiver.got) == [0, 1, 3]
    await deliver_due(store, settings)
    assert len(receiver.got) == 3  # the pause has not passed
    database.execute(DUE_NOW)
    await deliver_due(store, settings)
    assert [each.data["number"] for each in receiver.got][3:] == [0, 2, 4]
    assert receiver.got[3].id in {each.id for each in receiver.got[:3]}


@pytest.mark.parametrize("status", [302, 400, 404, 500])
@ON_SQLITE_ALONE
async def test_any_status_but_2xx_is_tried_again(
    store: Store, settings: Settings, receiver: Receiver, status: int
) -> None:
    await endpoint(store, receiver.url)
    await tell(store, "acme")
    receiver.answer = lambda got: Answer(status, {"Location": receiver.url})
    await deliver_due(store, settings)
    assert len(receiver.got) == 1  # no redirect is followed
    [delivery] = await store.webhooks.deliveries()
    assert (delivery.state, delivery.status) == ("pending", status)
    assert timedelta(seconds=3) < delivery.next_at - (delivery.tried_at or delivery.created_at) < timedelta(seconds=7)


@ON_SQLITE_ALONE
async def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks(
    store: Store, settings: Settings, receiver: Receiver, database: Database
) -> None:
    await endpoint(store, receiver.url)
    await tell(store, "acme")
    receiver.answer = lambda _: Answer(503, {"Retry-After": "3600"})
    await deliver_due(store, settings)
    await tell(store, "globex")
    await deliver_due(store, settings)
    assert len(receiver.got) == 1
    [_, delivery] = await store.webhooks.deliveries()
    assert delivery.next_at - (delivery.tried_at or delivery.created_at) == timedelta(hours=1)
    database.execute(DUE_NOW)
    database.execute(NOT_PAUSED)
    receiver.answer = lambda _: Answer()
    await deliver_due(store, settings)
    assert await state_of(store) == ["delivered", "delivered"]


@ON_SQLITE_ALONE
async def test_410_switches_an_endpoint_off_at_once_with_a_word(
    store: Store, settings: Settings, receiver: Receiver
) -> None:
    webhook, secret = await endpoint(store, f"{receiver.url}?key=s3cret")
    await tell(store, "acme", "globex")
    receiver.answer = lambda _: Answer(410)
    with capture_logs() as logs:
        await deliver_due(store, settings)
    [log] = [each for each in logs if each["event"] == "webhook switched off"]
    assert (log["log_level"], log["webhook"]) == ("warning", webhook)
    assert "s3cret" not in str(logs)
    assert secret not in str(logs)
    assert await off_reason(store) == "The receiver wants no more messages (status 410)."
    before = len(receiver.got)
    await deliver_due(store, settings)
    assert len(receiver.got) == before
    receiver.answer = lambda _: Answer()
    await store.webhooks.switch_on(webhook)
    await deliver_due(store, settings)
    assert await state_of(store) == ["delivered", "delivered"]


async def test_an_endpoint_that_fails_for_a_day_is_switched_off(
    store: Store, settings: Settings, receiver: Receiver, database: Database
) -> None:
    await endpoint(store, receiver.url)
    await tell(store, "acme")
    receiver.answer = lambda _: Answer(500)
    with capture_logs() as logs:
        await deliver_due(store, settings)
        assert await off_reason(store) is None
        database.execute(DUE_NOW)
        a_day_ago = (await store.webhooks.now() - timedelta(hours=24, seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        database.execute("UPDATE orgsync_webhook_delivery SET first_tried_at = ?", a_day_ago)
        await deliver_due(store, settings)
    assert [each["event"] for each in logs] == ["webhook fails", "webhook switched off"]
    assert str(await off_reason(store)).startswith("A message could not be delivered for a day.")
    assert await state_of(store) == ["pending"]


@ON_SQLITE_ALONE
async def test_a_receiver_that_is_not_there_is_no_error_of_ours(store: Store, settings: Settings) -> None:
    with receiving() as gone:
        pass
    await endpoint(store, gone.url)
    await tell(store, "acme", "globex")
    with capture_logs() as logs:
        await deliver_due(store, settings)
    assert [each["event"] for each in logs] == ["webhook fails"]
    assert [each.status for each in await store.webhooks.deliveries()] == [None, None]


@ON_SQLITE_ALONE
async def test_an_endless_answer_is_not_read(store: Store, settings: Settings, receiver: Receiver) -> None:
    await endpoint(store, receiver.url)
    await tell(store, "acme", "acme")
    receiver.answer = lambda _: Answer(200, body=b"x" * 30_000_000)
    await deliver_due(store, settings)
    assert await state_of(store) == ["delivered", "delivered"]


async def test_several_deliverers_send_each_message_once(store: Store, settings: Settings, receiver: Receiver) -> None:
    await endpoint(store, receiver.url)
    await tell(store, *["acme", "globex", "initech"] * 10)
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(deliver_due, store, settings)
    await deliver_due(store, settings)
    assert len({each.id for each in receiver.got}) == len(receiver.got) == 30
    numbers = [each.data["number"] for each in receiver.got]
    for place in range(3):
        assert [number for number in numbers if number % 3 == place] == [*range(place, 30, 3)]


@ON_SQLITE_ALONE
async def test_more_messages_than_a_page_holds_are_delivered_in_one_go(
    store: Store, settings: Settings, receiver: Receiver
) -> None:
    await endpoint(store, receiver.url)
    await tell(store, *["acme", "globex"] * 60)
    await deliver_due(store, settings)
    assert len(receiver.got) == 120


@ON_SQLITE_ALONE
async def test_https_needs_a_certificate_for_the_urls_host_though_the_address_was_resolved_before(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.com").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    resolved: list[str] = []

    async def resolver(host: str, port: int) -> Sequence[str]:
        resolved.append(host)
        return ["127.0.0.1"]

    with receiving(tls=tls) as receiver:
        await endpoint(store, f"https://hooks.example.com:{receiver.port}/hook")
        await tell(store, "acme")
        await Deliverer(store, settings, resolver=resolver).run_due()
        assert [each.headers["host"] for each in receiver.got] == [f"hooks.example.com:{receiver.port}"]
        assert resolved == ["hooks.example.com"]  # once: what is connected to is what was checked
        other, _ = await endpoint(store, f"https://other.example.com:{receiver.port}/hook")
        await tell(store, "globex")
        await Deliverer(store, settings, resolver=resolver).run_due()
        [failed] = await store.webhooks.pending(other, limit=9) or await store.webhooks.deliveries(other)
        assert "certificate" in str(failed.problem)
