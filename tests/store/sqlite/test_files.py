"""What can be read in the files without the key."""

from pathlib import Path

from orgsync.store import Store


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("orgsync.db*"))


async def test_neither_the_state_nor_the_verifier_is_in_the_file(store: Store, tmp_path: Path) -> None:
    await store.sign_ins.save("st4te", {"verifier": "ver1fier"})
    content = contents(tmp_path)
    assert b"orgsync_sign_in" in content
    assert b"st4te" not in content
    assert b"ver1fier" not in content
