"""What lies on disk is its owner's alone: no symbolic link in its place, and closed to others."""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from orgsync.errors import StoreUnavailable

__all__ = ["GROUP_AND_OTHERS", "OTHERS", "require_private", "sync_folder", "temporary_folder"]

OTHERS = 0o007
GROUP_AND_OTHERS = 0o077


def require_private(path: Path, what: str, *, closed_to: int = OTHERS, instead: str) -> None:
    """Close what is there to others, with a word; what is absent passes.

    `what` names it in messages, `instead` says what to do in place of a symbolic link. Raises StoreUnavailable for a
    link, which may lead to anybody's file, and for what is open to others and cannot be closed by this user.
    """
    try:
        found = path.lstat()
    except OSError:  # absent or out of reach, which whoever opens it tells
        return
    if stat.S_ISLNK(found.st_mode):
        raise StoreUnavailable(f"{what} {path} is a symbolic link, which may lead to a file of others.", instead)
    if os.name != "posix" or not found.st_mode & closed_to:
        return
    mode = stat.S_IMODE(found.st_mode) & ~closed_to
    try:
        path.chmod(mode)
    except OSError as error:
        raise StoreUnavailable(
            f"{what} {path} is open to others, and this user cannot close it: {error.strerror}.",
            f"Let its owner run: chmod {mode:o} {path}",
        ) from error
    from orgsync.logs import get_logger  # here, for what only looks at the database goes without it

    get_logger().warning(f"{what} {path} was open to other users of this machine; it is closed to them now.")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; where a system cannot open folders, it keeps them without."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def temporary_folder() -> Generator[Path]:
    """Make a folder for its owner alone, and take it away with all that is in it."""
    try:
        folder = TemporaryDirectory(prefix="orgsync-copy-")
    except OSError as error:
        raise StoreUnavailable(
            f"No temporary folder can be made for a copy of the database: {error.strerror}.",
            "Set TMPDIR to a folder that this user may write to, with room for the database.",
        ) from error
    with folder as name:
        yield Path(name)
