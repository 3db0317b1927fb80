"""A copy of the database to try things on."""

import resource
import sqlite3
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import anyio.from_thread
import pytest

from orgsync.errors import StoreUnavailable
from orgsync.store import Run, Store
from orgsync.store.sqlite import sandbox
from tests.store.contacts import contact, deliver, names
from tests.store.running import running


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary folders are made in."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


def modes(place: Path) -> dict[str, str]:
    return {
        path.name.partition("orgsync-copy-")[0] or "folder": oct(path.stat().st_mode & 0o777) for path in each(place)
    }


def each(place: Path) -> list[Path]:
    [folder] = place.iterdir()
    return [folder, *(path for path in folder.iterdir() if path.name.startswith("orgsync.db"))]


async def test_a_copy_is_for_its_owner_alone_and_goes_whatever_happens(store: Store, run: Run, place: Path) -> None:
    async def fail() -> None:
        async with store.sandbox() as copy, running(copy) as other:
            await deliver(copy, other, [contact("b")])
            assert set(modes(place).values()) == {"0o700", "0o600"}
            assert {"orgsync.db", "orgsync.db-wal"} < modes(place).keys()
            raise ZeroDivisionError

    await deliver(store, run, [contact("a")])
    with pytest.raises(ZeroDivisionError):
        await fail()
    assert list(place.iterdir()) == []


async def test_a_copy_is_of_one_state_however_much_is_written_meanwhile(
    store: Store, run: Run, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deliver(store, run, [contact(f"{number:05}") for number in range(3000)])
    monkeypatch.setattr("orgsync.store.sqlite.state_copy._PAGES_A_STEP", 10)
    steps: list[int] = []

    def write(copied: int, _total: int) -> None:
        steps.append(copied)
        with closing(sqlite3.connect(tmp_path / "orgsync.db")) as other, other:
            other.execute("UPDATE contact SET name = 'Bo'")

    monkeypatch.setattr("orgsync.store.sqlite.sandbox._check_cancelled", write)
    async with store.sandbox() as copy:
        assert set((await names(copy)).values()) == {"Ann"}
    assert steps == sorted(set(steps))  # it never began anew
    assert set((await names(store)).values()) == {"Bo"}


async def test_a_copy_that_is_being_made_is_given_up_when_nobody_waits_for_it(
    store: Store, run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deliver(store, run, [contact(f"{number:05}") for number in range(3000)])
    monkeypatch.setattr("orgsync.store.sqlite.state_copy._PAGES_A_STEP", 1)
    go_on, steps = sandbox._check_cancelled, 0  # pyright: ignore[reportPrivateUsage]

    def count(copied: int, total: int) -> None:
        nonlocal steps
        steps += 1
        if steps == 5:
            anyio.from_thread.run_sync(scope.cancel)
        go_on(copied, total)

    monkeypatch.setattr(sandbox, "_check_cancelled", count)
    with anyio.CancelScope() as scope:
        async with store.sandbox():
            raise AssertionError("the copy was made to its end")
    assert scope.cancelled_caught
    assert steps == 5
    assert list(place.iterdir()) == []


@contextmanager
def files_up_to(size: int) -> Generator[None]:
    """Let no file of this process grow beyond a size, as a quota does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_no_room_for_a_copy_is_reported(store: Store, run: Run, place: Path) -> None:
    await deliver(store, run, [contact(f"{number:05}") for number in range(3000)])
    with files_up_to(100_000), pytest.raises(StoreUnavailable, match=r"no room in .*temporary") as caught:
        await store.sandbox().__aenter__()
    assert "TMPDIR" in caught.value.remedy
    assert list(place.iterdir()) == []
