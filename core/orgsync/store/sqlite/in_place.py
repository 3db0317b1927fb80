"""Whether there is a place for the database file, and whether the one that was opened is still there."""

from pathlib import Path

from orgsync.errors import StoreReplaced, StoreUnavailable

__all__ = ["file_at", "is_of_database", "require_folder", "require_same_file"]


def require_folder(path: Path, *, made_with_it: Path | None = None) -> None:
    """Raise StoreUnavailable where the file's folder is missing, unless it is the one that is made with the file."""
    parent = path.absolute().parent
    if parent.is_dir() or (made_with_it is not None and parent == made_with_it.absolute()):
        return
    raise StoreUnavailable(
        f"The database {path} cannot be created: there is no folder {parent}.",
        "Create the folder, or name another place: database_url in orgsync.toml, or ORGSYNC_DATABASE_URL.",
    )


def require_same_file(path: Path, opened: tuple[int, int] | None, shown: Path) -> None:
    """Raise StoreReplaced where the path no longer leads to the file that was opened; `shown` names it in messages."""
    if (there := file_at(path)) == opened:
        return
    what = "deleted" if there is None else "replaced by another file"
    raise StoreReplaced(
        f"The database {shown} was {what} while orgsync was working with it.",
        "Start orgsync again: it uses the database that is there then, or creates one (its connections have to "
        "be made again). Stop orgsync before a database is moved, restored or deleted.",
    )


def file_at(path: Path) -> tuple[int, int] | None:
    """Return the device and number of the file at a path; None where there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreUnavailable(
            f"The database {path} cannot be checked: {error.strerror}.", "Check the disk and who may read its folder."
        ) from error
    return found.st_dev, found.st_ino


def is_of_database(path: Path, database: Path) -> bool:
    """Return whether a path is that of the database, its log or the log's index."""
    own = database.resolve()
    return path.resolve() in (own, *(own.with_name(f"{own.name}{suffix}") for suffix in ("-wal", "-shm")))
