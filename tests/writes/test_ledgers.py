"""What is kept of a write outlives the process, goes with its connection, and is found by its input alone."""

from datetime import timedelta
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import AlreadyRunning
from orgsync.writes import Ledgers, PartEntry, PartState, RowResult, RowStatus, key_of
from orgsync.writes.ledger import packed, unpacked
from tests.projects import project_at

ENTRY = PartEntry(3, "digest", PartState.DONE, retry=1, bulk=True, places=[1, 5], found={5: "x" * 18}, job="750")
RESULTS = [
    RowResult(1, RowStatus.WRITTEN, "003000000000001AAA", created=True),
    RowResult(5, RowStatus.REFUSED, code="A", fields=("B", "C"), message="ünwanted"),
]


async def test_what_is_kept_is_read_back(tmp_path: Path, org: DemoOrg) -> None:
    key = key_of("file", "digest")
    async with project_at(tmp_path, org) as project, Ledgers(project.opened.store, "acme").open(key, "x") as opened:
        await opened.ledger.save(PartEntry(3, "digest"))
        await opened.ledger.save(ENTRY, packed(RESULTS))
        assert (opened.begun_at, opened.finished_at) == (None, None)
    async with project_at(tmp_path, org) as project, Ledgers(project.opened.store, "acme").open(key, "x") as opened:
        assert opened.begun_at is not None
        assert await opened.ledger.entries() == {3: ENTRY}
        assert list(unpacked(await opened.ledger.outcomes(3))) == RESULTS


async def test_a_complete_write_is_begun_anew_only_when_that_is_asked_for(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        ledgers = Ledgers(project.opened.store, "acme")
        async with ledgers.open("key", "x") as opened:
            await opened.ledger.save(ENTRY)
            await opened.ledger.finish()
        async with ledgers.open("key", "x") as opened:
            assert opened.finished_at is not None
        async with ledgers.open("key", "x", again=True) as opened:
            assert await opened.ledger.entries() == {}
        async with ledgers.open("key", "x", again=True) as opened:
            assert opened.begun_at is not None  # what is not finished is resumed


async def test_a_renamed_connection_keeps_its_writes_and_a_removed_one_does_not(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        store = project.opened.store
        async with Ledgers(store, "acme").open("key", "x") as opened:
            await opened.ledger.save(ENTRY)
        await store.connections.rename("acme", "globex")
        assert await store.org_writes.last("acme", "key") is None
        kept = await store.org_writes.last("globex", "key")
        assert kept is not None
        assert len(await store.org_writes.parts(kept)) == 1
        await store.connections.remove("globex")
        assert await store.org_writes.last("globex", "key") is None
        assert not await store.org_writes.parts(kept)


async def test_two_connections_write_the_same_rows_at_once_and_one_connection_does_not(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with project_at(tmp_path, org) as project:
        acme, globex = (Ledgers(project.opened.store, name) for name in ("acme", "globex"))
        async with acme.open("key", "people.csv"), globex.open("key", "people.csv"):
            with pytest.raises(AlreadyRunning, match=r"people\.csv is being written to acme already"):
                async with acme.open("key", "people.csv"):
                    pass


async def test_what_is_kept_of_a_complete_write_goes_with_its_age_and_one_under_way_stays(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with project_at(tmp_path, org) as project:
        writes, ledgers = project.opened.store.org_writes, Ledgers(project.opened.store, "acme")
        for key in ("complete", "under way"):
            async with ledgers.open(key, "x") as opened:
                await opened.ledger.save(ENTRY, packed(RESULTS))
                if key == "complete":
                    await opened.ledger.finish()
        kept = await writes.last("acme", "complete")
        assert kept is not None
        assert kept.finished_at is not None
        await writes.remove_before(kept.finished_at)
        assert await writes.last("acme", "complete") == kept
        await writes.remove_before(kept.finished_at + timedelta(seconds=1))
        assert await writes.last("acme", "complete") is None
        assert not await writes.parts(kept)
        left = await writes.last("acme", "under way")
        assert left is not None
        assert len(await writes.parts(left)) == 1
