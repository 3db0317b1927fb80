"""Did you mean: the known name that is most like one that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["folded", "nearest"]


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Find the known name that is most like this one, if any is; `lastname`, `last_name` and `LastName` are equal.

    `cutoff` is how alike they have to be, from 0 to 1.
    """
    originals = {folded(each): each for each in known}
    return next((originals[each] for each in get_close_matches(folded(name), originals, n=1, cutoff=cutoff)), None)


def folded(name: str) -> str:
    """Return a name without case and underscores."""
    return name.replace("_", "").replace("-", "").lower()
