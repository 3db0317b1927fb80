"""What a run was asked to do beyond an ordinary one, kept until it is done: read everything, or compare the copy's Ids.

The transaction that begins such a run notes it in every checkpoint that its sync has on the connection, so that a run
which ends early, however it ends, leaves it to the next. The first position of the pass that does it replaces the
note. A stream without a checkpoint is read from the start in any case.
"""

from collections.abc import Mapping
from typing import Any

from .statuses import Owed

__all__ = ["owed_in", "with_owed", "without_owed"]

_KEY = "owed"
"""Where the state of a stream has it: `extract.state.StreamState.owed`."""

_OWN_KEY = "orgsync:owed"
"""Where an author's own checkpoint has it, whose other keys are the author's."""


def owed_in(stream: str, state: Mapping[str, Any]) -> Owed:
    """Return what the state of a checkpoint says is owed."""
    owed: Owed = state.get(_key(stream), "")
    return owed


def with_owed(stream: str, state: Mapping[str, Any], asked: Owed) -> dict[str, Any]:
    """Return the state of a checkpoint of which more is asked: "full" contains "reconcile"."""
    if owed_in(stream, state) == "full" or (not stream and asked != "full"):  # an author's own has no Ids to compare
        return dict(state)
    return {**state, _key(stream): asked}


def without_owed(stream: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a checkpoint of which nothing more is asked."""
    return {name: value for name, value in state.items() if name != _key(stream)}


def _key(stream: str) -> str:
    return _KEY if stream else _OWN_KEY
