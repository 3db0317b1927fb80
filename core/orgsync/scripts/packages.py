"""The syncs and actions that installed packages provide, by their entry points; none is imported."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

__all__ = ["ACTIONS", "SYNCS", "provided"]

SYNCS = "orgsync.syncs"
ACTIONS = "orgsync.actions"


@cache
def provided(group: str) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group by their names, in the order of these.

    All packages are looked through once a process, which takes some hundredths of a second: what is installed
    meanwhile could not be imported reliably either.
    """
    return MappingProxyType({each.name: each for each in sorted(entry_points(group=group), key=lambda each: each.name)})
