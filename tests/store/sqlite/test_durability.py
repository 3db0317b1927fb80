"""A refresh token that was renewed is on the disk before it is used: the old one is dead."""

import re
import shutil
import sys
from pathlib import Path

import anyio
import pytest

from orgsync.records import Row
from orgsync.store import Connection, Run, Store
from orgsync.store.sqlite.database import SqliteBackend
from tests.store.contacts import contact, deliver

ROOT = Path(__file__).parents[3]
FULL, NORMAL = 2, 1
traced = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there to watch the disk")


async def calls_of(folder: Path, *options: str) -> list[str]:
    """Run the process under strace, and give its writes to stderr and its waits for the disk, in their order.

    Another process has the database open and has written, so that the log is not begun, which waits for the disk too.
    """
    log = folder / "calls"
    watch = ["strace", "-f", "-y", "-e", "trace=write,fsync,fdatasync", *options, "-o", str(log)]
    command = [sys.executable, "-m", "tests.store.sqlite.renewing_process", str(folder)]
    async with Store.open(f"sqlite:///{folder}/orgsync.db", folder=folder) as store:
        await store.connections.save(Connection(name="acme"), {"refresh_token": "old"})
        done = await anyio.run_process([*watch, *command], cwd=ROOT, check=False)
    if b"ptrace" in done.stderr and not log.exists():
        pytest.skip("processes cannot be watched here")
    return re.findall(r"(?:RENEWED|USED|REFUSED|f(?:data)?sync\(.*)", log.read_text())


@traced
async def test_a_renewed_token_is_on_the_disk_before_it_is_used(tmp_path: Path) -> None:
    calls = await calls_of(tmp_path)
    between = calls[calls.index("RENEWED") + 1 : calls.index("USED")]
    assert [call for call in between if "orgsync.db-wal>" in call and "= 0" in call], calls


@traced
async def test_a_renewed_token_that_the_disk_does_not_take_is_not_used(tmp_path: Path) -> None:
    calls = await calls_of(tmp_path, "-e", "inject=fsync,fdatasync:error=EIO")
    assert "REFUSED" in calls
    assert "USED" not in calls


async def test_what_is_to_be_durable_is_and_rows_wait_for_no_disk(url: str, folder: Path) -> None:
    async with SqliteBackend.open(url, folder) as backend:
        for _ in range(2):  # whichever had the connection before
            async with backend.writing(durable=True) as on:
                assert await on.statements.fetch("PRAGMA synchronous") == [(FULL,)]
            async with backend.writing() as on:
                assert await on.statements.fetch("PRAGMA synchronous") == [(NORMAL,)]
            with pytest.raises(ZeroDivisionError):
                async with backend.writing(durable=True):
                    raise ZeroDivisionError
            async with backend.writing() as on:
                assert await on.statements.fetch("PRAGMA synchronous") == [(NORMAL,)]


async def test_rows_are_delivered_after_credentials_were_written(store: Store, run: Run) -> None:
    await store.connections.save(Connection(name="beta"), {"refresh_token": "x"})
    rows: list[Row] = [contact("a")]
    assert (await deliver(store, run, rows)).added == 1
