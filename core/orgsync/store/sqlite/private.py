"""The database's files are their owner's alone."""

from pathlib import Path

from ..private import require_private

__all__ = ["require_private_database"]


def require_private_database(path: Path) -> None:
    """Close a database, and the log and index beside it, to others; raises as `require_private` does."""
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        require_private(
            each,
            "The database",
            instead="Name the file itself: database_url in orgsync.toml, or ORGSYNC_DATABASE_URL.",
        )
