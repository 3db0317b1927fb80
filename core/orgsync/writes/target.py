"""What a write is aimed at: an object, an operation, and the columns that its rows may have."""

from dataclasses import dataclass, field

from orgsync.errors import ArgumentInvalid, ExternalIdNotFound, FieldNotFound
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.write_describe import WritableField, WritableObject, describe_writable
from orgsync.suggest import nearest

from .operation import Operation

__all__ = ["Target", "aim"]

ID = "Id"
_MOST_NAMED = 10


@dataclass(slots=True)
class Target:
    """An object as the connection's user may write it, and what is to be done with its rows.

    `external_id` is spelled as the org spells it. `update_only` makes no new rows.
    """

    sobject: WritableObject
    operation: Operation
    external_id: str | None = None
    update_only: bool = False
    parents: dict[str, WritableObject] = field(default_factory=dict[str, WritableObject])

    @property
    def key(self) -> str | None:
        """The column that says which row of the org is meant; None for new rows."""
        return ID if self.operation.finds_by_id else self.external_id

    def type_of(self, column: str) -> str:
        """Return Salesforce's type of a column; that of a parent's field is taken as text."""
        found = self.sobject.field(column)
        return found.type if found else "string"

    async def column(self, client: Client, name: str) -> str:
        """Return a column as the org spells it.

        Raises FieldNotFound for one that it does not have, with the nearest, and ArgumentInvalid for one that cannot be
        written.
        """
        if "." in name:
            return await self._parent_column(client, name)
        found = self.sobject.field(name)
        if found is None:
            raise self._unknown(name)
        self._require_writable(found)
        return found.name

    def require_key(self, columns: tuple[str, ...]) -> None:
        """Raise ArgumentInvalid for rows that do not say which row of the org they mean."""
        if self.key is not None and self.key not in columns:
            what = "the Id of each row" if self.key == ID else f"the external id {self.key} in each row"
            raise ArgumentInvalid(
                f"A row has no column {self.key}, and {self.operation} needs {what}.",
                f"Add the column {self.key}; "
                + (f"the columns are: {', '.join(columns)}." if columns else "it has none."),
            )

    def _require_writable(self, found: WritableField) -> None:
        if found.name in (self.key, self.external_id):
            return
        if found.name == ID:
            raise ArgumentInvalid(
                f"{self.operation} cannot set the Id of a row.",
                "Leave the column Id out" + (", or use update." if self.operation is Operation.INSERT else "."),
            )
        can = {
            Operation.INSERT: found.createable,
            Operation.UPDATE: found.updateable,
            Operation.UPSERT: found.createable or found.updateable,
        }
        if not can.get(self.operation, True):
            raise ArgumentInvalid(
                f"{self.sobject.name}.{found.name} cannot be written by {self.operation}: it is calculated, or the "
                "connection's user may not edit it.",
                "Leave the column out, or give a permission set of the user Edit on the field.",
            )

    async def _parent_column(self, client: Client, name: str) -> str:
        relation, _, path = name.rpartition(".")
        kind, _, relationship = relation.rpartition(":")
        reference = self.sobject.parent(relationship)
        if reference is None:
            raise self._unknown(name)
        self._require_writable(reference)
        if not kind and len(reference.targets) != 1:
            raise ArgumentInvalid(
                f"{relationship} may lead to several objects, so {name} does not say which.",
                f"Write the object before it: {(reference.targets or ('Account',))[0]}:{name}.",
            )
        parent = await self._described(client, kind or reference.targets[0])
        prefix = f"{parent.name}:" if kind else ""
        return f"{prefix}{reference.relationship}.{_external_id(parent, path)}"

    async def _described(self, client: Client, name: str) -> WritableObject:
        if name not in self.parents:
            self.parents[name] = await describe_writable(client, name)
        return self.parents[name]

    def _unknown(self, name: str) -> FieldNotFound:
        known = [each.name for each in self.sobject.fields.values()]
        near = nearest(
            name, [*known, *(each.relationship for each in self.sobject.fields.values() if each.relationship)]
        )
        return FieldNotFound(self.sobject.name, name, near=near, right="Edit")


async def aim(
    client: Client, sobject: str, operation: Operation, *, external_id: str | None = None, update_only: bool = False
) -> Target:
    """Check against describe what is to be written, and return it.

    Raises ArgumentInvalid for options that do not go together or for what the object does not allow, ObjectNotFound and
    FieldNotFound, with the nearest name, for what the org does not have.
    """
    _require_options(operation, external_id, update_only=update_only)
    described = await describe_writable(client, sobject)
    _require_allowed(described, operation)
    key = None if external_id is None else _external_id(described, external_id)
    return Target(described, operation, key, update_only)


def _require_options(operation: Operation, external_id: str | None, *, update_only: bool) -> None:
    if operation is Operation.UPSERT and not external_id:
        raise ArgumentInvalid(
            "upsert finds rows by an external id, and none is given.",
            'Name the field: external_id="Key__c", or at the command line --external-id Key__c.',
        )
    if operation is not Operation.UPSERT and external_id:
        raise ArgumentInvalid(
            f"{operation} does not use an external id.",
            "Leave external_id (--external-id) out, or use the operation upsert.",
        )
    if update_only and operation is not Operation.UPSERT:
        raise ArgumentInvalid(f"{operation} has no update_only.", "Leave it (--update-only) out; it is for upsert.")


def _require_allowed(described: WritableObject, operation: Operation) -> None:
    allowed = {
        Operation.INSERT: described.createable,
        Operation.UPDATE: described.updateable,
        Operation.UPSERT: described.createable or described.updateable,
        Operation.DELETE: described.deletable,
        Operation.HARD_DELETE: described.deletable,
    }
    if not allowed[operation]:
        raise ArgumentInvalid(
            f"{operation} is not allowed on {described.name}, or not to the connection's user.",
            f"Check the user's permissions on {described.name}.",
        )


def _external_id(described: WritableObject, name: str) -> str:
    """Return a field by which rows are found, as the org spells it; raise ExternalIdNotFound for any other."""
    found = described.field(name)
    if found is not None and (found.is_key or found.name == ID):
        return found.name
    keys = [each.name for each in described.fields.values() if each.is_key and each.name != ID]
    raise ExternalIdNotFound(
        described.name, name, exists=found is not None, known=keys[:_MOST_NAMED], near=nearest(name, keys)
    )
