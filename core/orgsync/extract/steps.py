"""The steps of a pass."""

from enum import StrEnum

import msgspec

__all__ = [
    "ALL_ROWS",
    "CHANGED",
    "DELETIONS",
    "END",
    "LIST_IDS",
    "MISSING_IN_COPY",
    "MISSING_IN_ORG",
    "REFILL",
    "Kind",
    "Step",
]


class Kind(StrEnum):
    """What a step does. PARENT and UNMATCHED take a relationship as their argument."""

    ALL_ROWS = "all_rows"
    """Read every row: the first step of a snapshot."""

    CHANGED = "changed"
    """Read the rows whose own stamp is at or after the watermark, or all of them: the first step of a pass."""

    PARENT = "parent"
    """Read the rows whose parent through the relationship changed."""

    UNMATCHED = "unmatched"
    """Find rows that no longer match the condition, because they changed, or the parent through the relationship."""

    DELETIONS = "deletions"
    """Read getDeleted's log."""

    LIST_IDS = "list_ids"
    """List the Ids of all rows of the org, with the fields that change without a stamp if it is time for them."""

    MISSING_IN_ORG = "missing_in_org"
    """Mark the rows of the copy deleted that the org does not have."""

    MISSING_IN_COPY = "missing_in_copy"
    """Read the rows of the org that the copy does not have."""

    REFILL = "refill"
    """Read the columns alone that are filled from another field than before, of every row."""

    END = "end"
    """Move the watermark."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step, as it is saved in a checkpoint; `relationship` is "" for none."""

    kind: Kind
    relationship: str = ""


ALL_ROWS = Step(Kind.ALL_ROWS)
CHANGED = Step(Kind.CHANGED)
DELETIONS = Step(Kind.DELETIONS)
LIST_IDS = Step(Kind.LIST_IDS)
MISSING_IN_ORG = Step(Kind.MISSING_IN_ORG)
MISSING_IN_COPY = Step(Kind.MISSING_IN_COPY)
REFILL = Step(Kind.REFILL)
END = Step(Kind.END)
