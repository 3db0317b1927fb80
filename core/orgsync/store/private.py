"""Files that only their owner can read: no symbolic links, no access for others."""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from orgsync.errors import StoreUnavailable

__all__ = ["GROUP_AND_OTHERS", "OTHERS", "require_no_link", "require_private", "temporary_folder"]

OTHERS = 0o007
GROUP_AND_OTHERS = 0o077


def require_private(path: Path, what: str, *, closed_to: int = OTHERS, instead: str) -> None:
    """Close what is there to others, and log that; a file that does not exist is accepted.

    `what` names the file in messages; `instead` is the remedy for a symbolic link. Raises StoreUnavailable for a
    link, which may lead to any file, and for a file that is open to others and cannot be closed by this user.
    """
    found = require_no_link(path, what, instead=instead)
    if found is None:
        return
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
    from orgsync.logs import (  # here: a command that only reads the database does not need it
        CLOSED_TO_OTHERS,
        get_logger,
    )

    get_logger().warning(CLOSED_TO_OTHERS, file=str(path))


def require_no_link(path: Path, what: str, *, instead: str) -> os.stat_result | None:
    """Return what is known of a file, None of one that is not there; raises StoreUnavailable for a symbolic link."""
    try:
        found = path.lstat()
    except OSError:  # absent or out of reach: opening it will fail with its own error
        return None
    if stat.S_ISLNK(found.st_mode):
        raise StoreUnavailable(f"{what} {path} is a symbolic link, which may lead to a file of others.", instead)
    return found


@contextmanager
def temporary_folder() -> Generator[Path]:
    """Make a folder that only its owner can read, and delete it with its content after the block."""
    try:
        folder = TemporaryDirectory(prefix="orgsync-copy-")
    except OSError as error:
        raise StoreUnavailable(
            f"No temporary folder can be created for a copy of the database: {error.strerror}.",
            "Set TMPDIR to a folder that this user may write to, with room for the database.",
        ) from error
    with folder as name:
        yield Path(name)
