"""What an object allows one user: which fields there are, and how it is read; a checkpoint keeps it for a day."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from orgsync.errors import ObjectNotFound
from orgsync.records import Column, FieldFacts
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import changed_since

from .steps import Step

__all__ = ["ObjectFacts", "is_behind", "refreshed"]

_KEPT_FOR = timedelta(days=1)


class ObjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one object allows one user.

    `cursor` is the field that changes can be read by, "" if there is none. `absent` are paths that the org lacks:
    optional fields, and IsDeleted if the object has none. `spelled` maps paths that the class writes in another case
    to Salesforce's spelling. `parents` are the relationships whose own changes have to be looked for; `judged_by`
    those that a condition looks through. `drifting` are the paths of the class's fields that get new values without a
    stamp that could be queried: formulas, and fields of a parent that may be of several kinds.
    `numbers`, `booleans`, `instants` and `any_type` are the paths of such fields, `wide` those of numbers with more
    digits than a double has, `compounds` the parts of addresses and locations; `undescribed` are paths of the class
    that no describe contains. `rest_only` says why Bulk cannot read the fields, `bulk_refused` why it refused the
    object; "" if it may.
    `delete_log` says that getDeleted covers the object, `log_refused` that Salesforce says otherwise. `steps_refused`
    are steps whose queries Salesforce refused. What was refused is tried again after a day. `described` maps each
    object to the time when its describe last changed, to check whether it has changed since.
    """

    cursor: str
    replicateable: bool
    absent: tuple[str, ...]
    parents: tuple[str, ...]
    judged_by: tuple[str, ...]
    inspected_at: datetime
    spelled: Mapping[str, str] = {}
    numbers: tuple[str, ...] = ()
    booleans: tuple[str, ...] = ()
    instants: tuple[str, ...] = ()
    any_type: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    undescribed: tuple[str, ...] = ()
    compounds: Mapping[str, Mapping[str, str]] = {}
    drifting: tuple[str, ...] = ()
    rest_only: str = ""
    delete_log: bool = False
    bulk_refused: str = ""
    log_refused: bool = False
    steps_refused: tuple[Step, ...] = ()
    described: Mapping[str, str | None] = {}

    def is_stale(self, now: datetime) -> bool:
        """Return whether to inspect the object again: a permission or a field may have been added."""
        return abs(now - self.inspected_at) > _KEPT_FOR  # a clock that was wrong then must not keep them for ever

    @property
    def not_by_bulk(self) -> str:
        """Why Bulk is not to be used; "" if it may be."""
        return self.rest_only or self.bulk_refused

    @property
    def has_recycle_bin(self) -> bool:
        """Whether deleted rows stay for a while. Only queryAll returns them, and archived rows, which are live."""
        return "IsDeleted" not in self.absent

    @property
    def live(self) -> str | None:
        """The condition that separates live rows from deleted ones in queryAll; None if all are live."""
        return "IsDeleted = false" if self.has_recycle_bin else None

    @property
    def fields(self) -> FieldFacts:
        """What decoding needs to know."""
        return FieldFacts(
            self.cursor,
            self.absent,
            self.numbers,
            self.compounds,
            self.instants,
            self.any_type,
            self.spelled,
            self.booleans,
        )

    def spelling(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return paths as Salesforce spells them, each once."""
        return tuple(dict.fromkeys(self.spelled.get(path, path) for path in paths))

    def in_parts(self, paths: Sequence[str]) -> list[str]:
        """Return paths with the parts of compound fields in place of these, as Bulk can read them."""
        found: list[str] = []
        for path in paths:
            found += self.compounds[path].values() if path in self.compounds else [path]
        return list(dict.fromkeys(found))

    def needs_digits(self, column: Column) -> bool:
        """Return whether a column stores digits that a double would lose, or write in another way."""
        path = self.fields.path(column)
        if column.type is int:
            return path in self.wide
        if column.extra:
            return path in self.numbers
        return column.type is Decimal or (column.type is str and path in {*self.numbers, *self.any_type})


async def refreshed(client: Client, facts: ObjectFacts) -> ObjectFacts | None:
    """Check whether the describes are unchanged; return None if one has changed or is missing, or has no date."""
    for sobject, last_modified in facts.described.items():
        try:
            if last_modified is None or await changed_since(client, sobject, last_modified) is not None:
                return None
        except ObjectNotFound:
            return None
    if facts.steps_refused:
        return None
    return msgspec.structs.replace(facts, inspected_at=client.now, bulk_refused="", log_refused=False)


def is_behind(path: str, relationships: Collection[str]) -> bool:
    """Return whether a path leads through one of these relationships."""
    return any(path.startswith(f"{each}.") for each in relationships)
