"""A job: one piece of work as a value that JSON carries both ways."""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from orgsync.errors import ArgumentInvalid

if TYPE_CHECKING:
    from orgsync.store import Owed

__all__ = ["Job", "JobKind"]

JobKind: TypeAlias = Literal["sync", "action"]


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to run, and where: `name` is the sync's or the action's, `connection` the one to run it on.

    `full` reads everything instead of what changed since the last run; `reconcile` compares the copy's Ids with the
    org's as well. Both are a sync's, and what of them a run has not begun when it ends is done by the next. `arguments`
    are an action's.
    """

    kind: JobKind
    name: str
    connection: str
    full: bool = False
    reconcile: bool = False
    arguments: dict[str, Any] = {}

    def __post_init__(self) -> None:
        """Raise ValueError for arguments that the work would never see."""
        if self.kind == "sync" and self.arguments:
            raise ValueError("a sync takes no arguments")
        if self.kind == "action" and (self.full or self.reconcile):
            raise ValueError("an action knows neither full nor reconcile")

    @property
    def asks(self) -> "Owed":
        """What is asked for beyond an ordinary run, and owed until it is done; `full` contains `reconcile`."""
        return "full" if self.full else "reconcile" if self.reconcile else ""

    def __hash__(self) -> int:
        return hash((self.kind, self.name, self.connection, self.full, self.reconcile))

    def to_json(self) -> bytes:
        """Return the job as a JSON object."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, document: bytes | str) -> "Job":
        """Read a job from a JSON object; raises ArgumentInvalid for anything else."""
        try:
            return msgspec.json.decode(document, type=cls)
        except msgspec.DecodeError as error:
            raise ArgumentInvalid(
                f"This is not a job: {error}.",
                'Write an object such as {"kind": "sync", "name": "contacts", "connection": "acme"}.',
            ) from error
