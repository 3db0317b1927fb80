"""The rights that a database's role lacks, as the statements by which an administrator gives them."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MissingRights"]


@dataclass(frozen=True, slots=True)
class MissingRights:
    """The statements that give a role what it lacks: for its tables, for the queue of workers, for dry runs."""

    tables: Sequence[str]
    workers: Sequence[str]
    dry_runs: Sequence[str]

    @property
    def script(self) -> str:
        """All statements, as an administrator can run them; "" where nothing is lacking."""
        return " ".join([*self.tables, *self.optional])

    @property
    def optional(self) -> list[str]:
        """Those that not every project needs, each with a comment that says what for."""
        return [
            *(f"/* for workers: */ {each}" for each in self.workers),
            *(f"/* for dry runs: */ {each}" for each in self.dry_runs),
        ]
