"""Cassettes recorded from a server of other habits, with one call in ten failing, replay and hold nothing of it."""

import random
from pathlib import Path
from typing import Any

import pytest

from orgsync import Batches, Context, Credentials, Record, Sync, field, sync
from orgsync.cassettes import RecordFrom, Recording, leaks, read_cassette, write_cassette
from orgsync.errors import NotRecorded
from orgsync.project import open_project
from tests.projects import settings_for
from tests.servers.plain_org import PlainOrg, Quirks
from tests.servers.plain_server import PlainServer, serving

from .recorded import replayed


class Contact(Record, table=True):
    """What the other server has of contacts."""

    last_name: str | None
    email: str | None
    score: float | None = field("Score__c")
    account_name: str | None = field("Account.Name")


@sync(every="15m")
def by_rest(ctx: Context) -> Batches[Contact]:
    """Read contacts page by page."""
    return ctx.changes(Contact, api="rest")


@sync(every="15m")
def by_bulk(ctx: Context) -> Batches[Contact]:
    """Read contacts by Bulk jobs."""
    return ctx.changes(Contact, api="bulk")


async def connected(folder: Path, server: PlainServer, org: PlainOrg) -> RecordFrom:
    """Connect a project to the other server, to record from it."""
    folder.mkdir()
    settings = settings_for(folder)
    app = Credentials(
        grant="refresh-token", login_url=server.url, client_id="x1", client_secret="y2", refresh_token="z3"
    )
    async with open_project(settings) as opened:
        await opened.connections.connect("acme", app)
    return RecordFrom(settings, "acme", lambda: org.now)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("read", [by_rest, by_bulk], ids=["rest", "bulk"])
async def test_three_runs_over_faults_replay_to_the_same_rows(read: Sync[Contact], seed: int, tmp_path: Path) -> None:
    org = PlainOrg(Quirks(page=7, bulk_page=11), dice=random.Random(seed))
    accounts = [org.insert("Account", Name=f"Company {number}") for number in range(3)]
    people = [
        org.insert(
            "Contact", LastName=f"Smith {n}", Email=f"p{n}@other.example", Score__c=n / 8, AccountId=accounts[n % 3]
        )
        for n in range(23)
    ]
    with serving(org) as server:
        source = await connected(tmp_path / "source", server, org)
        server.broken = True
        recording = Recording(source, tmp_path / "recording")
        with recording.capturing():
            heard = [await recording.sandbox.run(read)]
            org.advance(900)
            org.update("Contact", people[4], LastName="Jones", Score__c=-0.125)
            org.hard_delete("Contact", people[5])
            org.insert("Contact", LastName="Late")
            heard.append(await recording.sandbox.run(read))
            org.advance(900)
            server.token = "another"  # the one that is in use is dead
            heard.append(await recording.sandbox.run(read))
    file = tmp_path / "it.yaml"
    write_cassette(file, recording.cassette())
    cassette = read_cassette(file)
    assert leaks(cassette.interactions) == []
    text = file.read_text(encoding="utf-8")
    known = [
        server.url,
        server.url.rpartition(":")[2],
        "00D8w000000TEST",
        "other.example",
        "Smith",
        "Jones",
        "0058w00000User",
    ]
    assert [value for value in known if value in text] == []
    again = await replayed(cassette, read, tmp_path / "again", runs=3)
    for reported, was in zip(again, heard, strict=True):
        assert reported.changes == was.changes
        assert [plain(row) for row in reported.rows] == [plain(row) for row in was.rows]
    assert {change for ran in again for _, change in ran.changes} == {"added", "updated", "deleted"}


def plain(row: Any) -> tuple[object, ...]:
    """Give what nobody's stand-in takes the place of."""
    return row.id, row.score, row.account_name, row.system_modstamp, row.is_deleted, bool(row.email)


async def test_a_condition_on_a_personal_field_replays_with_the_authors_own_literals(tmp_path: Path) -> None:
    @sync
    def smiths(ctx: Context) -> Batches[Contact]:
        return ctx.changes(Contact, where="LastName = :name", name="Smith")

    @sync
    def others(ctx: Context) -> Batches[Contact]:
        return ctx.changes(Contact, where="LastName != :name", name="Smith")

    org = PlainOrg(Quirks())
    org.insert("Contact", LastName="Smith", Email="p@other.example")
    with serving(org) as server:
        recording = Recording(await connected(tmp_path / "source", server, org), tmp_path / "recording")
        with recording.capturing():
            assert (await recording.sandbox.run(smiths)).added == 1
    cassette = recording.cassette()
    assert "Smith" not in str(cassette)
    [ran] = await replayed(cassette, smiths, tmp_path / "again")
    assert len(ran.rows) == 1
    with pytest.raises(NotRecorded, match="the first difference in q"):
        await replayed(cassette, others, tmp_path / "other")
