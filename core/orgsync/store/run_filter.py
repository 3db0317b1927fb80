"""Which runs are looked for: all, those of one sync, or those of one action."""

from typing import Literal

from orgsync.errors import ArgumentInvalid

__all__ = ["run_filter"]


def run_filter(sync: str | None, action: str | None) -> tuple[str | None, Literal["sync", "action"] | None]:
    """Return the name and the kind of the runs that are looked for; raises ArgumentInvalid for two names."""
    if sync is not None and action is not None:
        raise ArgumentInvalid("A run is a sync's or an action's, not both.", "Name a sync or an action.")
    if sync is not None:
        return sync, "sync"
    return (action, "action") if action is not None else (None, None)
