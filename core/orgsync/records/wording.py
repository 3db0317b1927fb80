"""Words for errors: the nearest field name, and the type of a value with its article."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["kind_of", "nearest"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that is most like this one; `lastname`, `last_name` and `LastName` are alike."""
    folded = {_folded(each): each for each in known}
    return next((folded[each] for each in get_close_matches(_folded(name), folded, n=1)), None)


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def kind_of(value: object) -> str:
    """Name the type of a value: `a str`, `an int`."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
