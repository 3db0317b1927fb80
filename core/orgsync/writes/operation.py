"""What a write does to the rows of an object."""

from enum import StrEnum
from typing import Literal, TypeAlias

from orgsync.errors import ArgumentInvalid
from orgsync.suggest import nearest

__all__ = ["Operation", "OperationName", "operation_named"]

OperationName: TypeAlias = Literal["insert", "update", "upsert", "delete", "hard_delete"]


class Operation(StrEnum):
    """What a write does; by its name in Python and at the command line."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    HARD_DELETE = "hard_delete"

    @property
    def is_idempotent(self) -> bool:
        """Whether carrying it out twice leaves what carrying it out once leaves."""
        return self is not Operation.INSERT

    @property
    def deletes(self) -> bool:
        """Whether it needs nothing but Ids."""
        return self in (Operation.DELETE, Operation.HARD_DELETE)

    @property
    def finds_by_id(self) -> bool:
        """Whether a row says by its Id which one it is."""
        return self is Operation.UPDATE or self.deletes


def operation_named(name: str) -> Operation:
    """Return the operation of a name; raise ArgumentInvalid, with the nearest, for another."""
    try:
        return Operation(name)
    except ValueError:
        near = nearest(name, list(Operation))
        known = ", ".join(Operation)
        raise ArgumentInvalid(
            f"There is no operation {name!r}." + (f" Did you mean {near}?" if near else ""), f"Use one of {known}."
        ) from None
