"""A consistent copy of a project's database in one file, made while syncs run."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orgsync.errors import FileUnusable
from orgsync.settings import Settings, load_settings

from .new_file import new_file, require_usable
from .view import open_view

__all__ = ["Backup", "back_up", "backup"]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup: the file, and its size in bytes."""

    path: Path
    size: int


def back_up(
    path: Path,
    settings: Settings,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda _copied, _total: None,
) -> Backup:
    """Write a copy of the database as it is now to a file, whole or not at all, that its owner alone can read.

    `progress` is told how much is copied, and of how much; what it raises ends the backup. Raises NameTaken where there
    is a file already and `overwrite` is not set, FileUnusable for a place where none can be made or where a database is
    in use, StoreUnavailable where there is no database or it is damaged.
    """
    with open_view(settings) as view:
        require_usable(path, view, settings, overwrite=overwrite)
        _require_unused(path)
        with new_file(path, overwrite=overwrite, private=True) as beside:
            view.back_up(beside, progress)
            size = beside.stat().st_size
            _require_unused(path)
    return Backup(path, size)


async def backup(path: Path | str, *, overwrite: bool = False, settings: Settings | None = None) -> Backup:
    """Write a copy of the database to a file, as `orgsync backup` does, while syncs run: one state of all of it.

    Credentials in it are encrypted as they are in the database; the key, the file `.orgsync/key`, is not in it. The
    file is whole or not there, and its owner alone can read it. Cancelling ends the backup and leaves no file.

    Raises NameTaken where there is a file already and `overwrite` is not set, FileUnusable for a place where none can
    be made or where a database is in use, StoreUnavailable where there is no database or it is damaged.
    """
    import anyio.from_thread
    import anyio.to_thread

    def copy() -> Backup:
        return back_up(
            Path(path),
            settings or load_settings(),
            overwrite=overwrite,
            progress=lambda _copied, _total: anyio.from_thread.check_cancelled(),
        )

    return await anyio.to_thread.run_sync(copy)


def _require_unused(path: Path) -> None:
    """Raise FileUnusable where SQLite keeps a log beside the file: it would be applied to what takes its place."""
    for suffix in ("-wal", "-journal"):
        if Path(f"{os.path.realpath(path)}{suffix}").exists():
            raise FileUnusable(
                f"{path} is a database that is in use: {path.name}{suffix} is beside it.",
                "Close what has it open, or name another file.",
            )
