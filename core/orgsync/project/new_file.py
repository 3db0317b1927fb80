"""A file that is whole or not there: written beside its place, and moved there when it is complete."""

import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from orgsync.drafts import flush_to_disk
from orgsync.errors import FileUnusable, NameTaken
from orgsync.settings import Settings
from orgsync.store.view import View

__all__ = ["new_file", "require_usable"]


@contextmanager
def new_file(path: Path, *, overwrite: bool = False, private: bool = False) -> Generator[Path]:
    """Yield a new, empty file beside `path` to write; it takes that place after the block, on the disk, or is removed.

    Only its owner can read it. One that takes the place of another file has that one's permissions, unless it must be
    `private`. A link is followed. Raises NameTaken where there is a file already and `overwrite` is not set,
    FileUnusable where none can be made.
    """
    place = Path(os.path.realpath(path))
    mode = _mode_there(place, path, overwrite=overwrite)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{place.name[:100]}.", suffix=".part", dir=place.parent)
    except OSError as error:
        raise _unusable(path, error) from error
    os.close(descriptor)
    beside = Path(name)
    try:
        yield beside
        flush_to_disk(beside)
        if not overwrite:
            _mode_there(place, path, overwrite=False)  # somebody may have made one meanwhile
        if mode is not None and not private:
            beside.chmod(mode)
        beside.replace(place)
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        beside.unlink(missing_ok=True)
    flush_to_disk(place.parent)


def require_usable(path: Path, view: View, settings: Settings, *, overwrite: bool) -> None:
    """Raise an error, before anything is read, for a place where no file of a user's can be made."""
    place = Path(os.path.realpath(path))
    if view.is_own(place):
        raise FileUnusable(f"{path} is the database itself.", "Name another file.")
    if place.is_relative_to(Path(os.path.realpath(settings.folder))):
        raise FileUnusable(
            f"{path} is in the folder {settings.folder}, which is orgsync's own.", "Name a file outside of it."
        )
    if not place.parent.is_dir():
        raise FileUnusable(f"{path} cannot be written: there is no folder {path.parent}.", "Create the folder first.")
    _mode_there(place, path, overwrite=overwrite)


def _mode_there(place: Path, path: Path, *, overwrite: bool) -> int | None:
    """Return the permissions of the file that is there, None where there is none; raises for one that must stay."""
    try:
        found = place.stat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    if not stat.S_ISREG(found):
        what = "a folder" if stat.S_ISDIR(found) else "not an ordinary file"
        raise FileUnusable(f"{path} is {what}.", "Name a file.")
    if not overwrite:
        raise NameTaken(f"There is a file {path} already.", "Name another one, or add --overwrite to replace it.")
    return stat.S_IMODE(found)


def _unusable(path: Path, error: OSError) -> FileUnusable:
    return FileUnusable(
        f"{path} cannot be written: {error.strerror or type(error).__name__}.",
        "Check its folder, the free space and who may write there.",
    )
