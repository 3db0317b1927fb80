"""Did you mean: the known name that is most like one that does not exist."""

from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

__all__ = ["folded", "nearest", "path_remedy"]


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Find the known name that is most like this one, if any is; `lastname`, `last_name` and `LastName` are equal.

    `cutoff` is how alike they have to be, from 0 to 1.
    """
    originals = {folded(each): each for each in known}
    return next((originals[each] for each in get_close_matches(folded(name), originals, n=1, cutoff=cutoff)), None)


def path_remedy(path: Path, *, otherwise: str = "Check the path.") -> str:
    """Return the remedy for a path that cannot be read: a file beside it whose name is most like the one given."""
    near = None
    with suppress(OSError):  # a folder that is not there has no files, and one that cannot be read shows none
        near = None if path.exists() else nearest(path.name, sorted(each.name for each in path.parent.iterdir()))
    return f"Did you mean {path.with_name(near)}?" if near else otherwise


def folded(name: str) -> str:
    """Return a name without case and underscores."""
    return name.replace("_", "").replace("-", "").lower()
