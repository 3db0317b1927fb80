"""Sign-ins that wait for a browser: encrypted, taken once, forgotten after a day."""

import sqlite3
from pathlib import Path

from orgsync.store import Store


def age_by(path: Path, moment: str) -> None:
    raw = sqlite3.connect(path)
    raw.execute("UPDATE orgsync_pending_sign_in SET begun_at = ?", (moment,))
    raw.commit()
    raw.close()


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("orgsync.db*"))


def kept(path: Path) -> int:
    raw = sqlite3.connect(path)
    [(count,)] = raw.execute("SELECT count(*) FROM orgsync_pending_sign_in").fetchall()
    raw.close()
    return int(count)


async def test_a_pending_sign_in_is_taken_once(store: Store) -> None:
    await store.sign_ins.save("st4te", {"verifier": "v"})
    await store.sign_ins.save("other", {"verifier": "w"})
    assert await store.sign_ins.take("st4te") == {"verifier": "v"}
    assert await store.sign_ins.take("st4te") is None
    assert await store.sign_ins.take("never") is None
    assert await store.sign_ins.take("other") == {"verifier": "w"}


async def test_neither_the_state_nor_the_verifier_is_in_the_file(store: Store, tmp_path: Path) -> None:
    await store.sign_ins.save("st4te", {"verifier": "ver1fier"})
    content = contents(tmp_path)
    assert b"orgsync_pending_sign_in" in content
    assert b"st4te" not in content
    assert b"ver1fier" not in content


async def test_after_a_day_it_is_refused_and_the_next_one_forgets_it(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "orgsync.db"
    await store.sign_ins.save("st4te", {"verifier": "v"})
    age_by(path, "2026-01-01T00:00:00.000Z")
    assert await store.sign_ins.take("st4te") is None
    await store.sign_ins.save("next", {})
    assert kept(path) == 1
