"""All that was recorded, in units that one client can go through from the beginning to the end."""

from functools import lru_cache

from .bodies import kept_alone
from .exchange import FOLDER, Exchange
from .formats import har, vcr, vcrpy

__all__ = ["all_exchanges", "units"]

_SHARED = FOLDER / "SFDO-Tooling+CumulusCI" / "cumulusci" / "tests" / "shared_cassettes"


@lru_cache
def units() -> dict[str, list[Exchange]]:
    """Give every recorded file of traffic, and the answers that were kept alone; nothing where the folder is absent."""
    if not FOLDER.is_dir():
        return {}
    read = {
        **{path: har(path) for path in sorted(FOLDER.rglob("*.har"))},
        **{path: vcr(path) for path in sorted(FOLDER.rglob("*.yml"))},
        **{path: vcrpy(path, _SHARED) for path in sorted(FOLDER.rglob("*.yaml"))},
    }
    return {path.relative_to(FOLDER).as_posix(): found for path, found in read.items()} | dict(kept_alone())


@lru_cache
def all_exchanges() -> list[Exchange]:
    """Give every recorded exchange once, though other recordings include some."""
    once = {(each.file, each.n): each for found in units().values() for each in found}
    return [once[key] for key in sorted(once)]
