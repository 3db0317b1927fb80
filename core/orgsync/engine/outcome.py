"""How a run ended."""

from dataclasses import dataclass
from typing import Any

from orgsync.errors import OrgsyncError
from orgsync.extract import Route
from orgsync.store import Run

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run's row in the store, the problem that ended it, if any, and the route of its last long read.

    An action also has a `result`, and the same as JSON in `document`; with a PartlyDone, beside the problem.
    """

    run: Run
    problem: OrgsyncError | None = None
    plan: Route | None = None
    result: Any = None
    document: Any = None
