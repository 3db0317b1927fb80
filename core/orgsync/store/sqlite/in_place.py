"""Whether the database file that was opened is still the one at its path."""

from pathlib import Path

from orgsync.errors import StoreReplaced, StoreUnavailable

__all__ = ["file_at", "require_same_file"]


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
