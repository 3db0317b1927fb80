"""What all writes through the API share, whichever resource they arrive at."""

from collections.abc import Mapping
from typing import cast

from .database import Database
from .fields import Field, Row, Scope, SObject
from .ids import to18
from .refusal import Refusal, not_found
from .row_index import key_of
from .transaction import Transaction
from .write_rules import WriteRules
from .writes import no_such_column, require_writable

Fields = Mapping[str, object]


class Writer:
    """Writes rows with the user's rights, within a transaction that its caller opens."""

    def __init__(self, database: Database) -> None:
        self.rules = WriteRules()
        self._database = database

    def insert(self, transaction: Transaction, sobject: SObject, fields: Fields) -> str:
        """Create a record and return its id."""
        values = self._resolved(sobject, fields)
        require_writable(sobject, self._database.schema.fields(sobject), values, creating=True)
        self.rules.check(sobject.name, None, values)
        return transaction.insert(sobject.name, **values)

    def update(self, transaction: Transaction, sobject: SObject, record_id: str, fields: Fields) -> str:
        """Change a record and return its id."""
        whole = self._shared(sobject, record_id)
        values = self._resolved(sobject, fields)
        require_writable(sobject, self._database.schema.fields(sobject), values, creating=False)
        self.rules.check(sobject.name, whole, values)
        transaction.update(sobject.name, whole, **values)
        return whole

    def upsert(
        self, transaction: Transaction, sobject: SObject, key: Field, value: str, fields: Fields
    ) -> tuple[str, bool]:
        """Update the record that has a key, or create it; return its id, and whether it is new.

        Assumed, as no recording has it: a key that only the org writes, such as CaseNumber, finds a record, and is then
        not written.

        Raises:
            Refusal: DUPLICATE_EXTERNAL_ID, where several records have the key.
        """
        matches = self.having(sobject, key, value)
        if len(matches) > 1:
            found = ", ".join(str(row["Id"]) for row in matches)
            text = f"{key.name}: more than one record found for external id field: [{found}]"
            raise Refusal(400, "DUPLICATE_EXTERNAL_ID", text, [key.name])
        if not matches:
            return self.insert(transaction, sobject, fields), True
        if not key.updateable:
            fields = {name: given for name, given in fields.items() if name.lower() != key.name.lower()}
        return self.update(transaction, sobject, str(matches[0]["Id"]), fields), False

    def delete(self, transaction: Transaction, sobject: SObject, record_id: str, *, hard: bool = False) -> str:
        """Delete a record, for good with `hard`, and return its id."""
        whole = self._shared(sobject, record_id)
        self.rules.check(sobject.name, whole, {})
        if hard:
            transaction.hard_delete(sobject.name, whole)
        else:
            transaction.delete(sobject.name, whole)
        return whole

    def key(self, sobject: SObject, name: str) -> Field:
        """Return the field that names records for upserts: one that is idLookup, as external ids and Id are.

        Raises:
            Refusal: 404, as single records and collections have it.
        """
        field = self._database.schema.fields(sobject).get(name.lower())
        if field is None or not field.finds_rows:
            raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
        return field

    def having(self, sobject: SObject, key: Field, value: str) -> list[Row]:
        """Return the live rows that the user sees and that have this key."""
        wanted = (to18(value) or value) if key.is_id else value
        rows = self._database.having(sobject.name, key.name, wanted)
        if key.derive is not None:
            scope = Scope(self._database.find, self._database.clock.now.date())
            rows = [
                row
                for row in self._database.table(sobject.name).values()
                if key_of(key.derive(row, scope)) == key_of(wanted)
            ]
        return [
            row for row in rows if not row.get("IsDeleted") and self._database.is_shared(sobject.name, str(row["Id"]))
        ]

    def parent_of(self, sobject: SObject, relationship: str, kind: str | None = None) -> tuple[Field, SObject] | None:
        """Return the reference behind a parent's name, and the parent; `kind` names it where there are several."""
        reference = self._database.schema.relationship(sobject, relationship)
        if reference is None or bool(reference.kinds) != (kind is not None):
            return None
        parent = self._database.schema.sobject(kind or reference.targets[0])
        return (reference, parent) if parent is not None and parent.name in reference.targets else None

    def parent_id(self, parent: SObject, key: Field, value: str) -> str:
        """Return the id of the parent that an external id names.

        Raises:
            Refusal: INVALID_FIELD, where it names none or several.
        """
        found = self.having(parent, key, value)
        if len(found) != 1:
            text = f"Foreign key external ID: {value} not found for field {key.name} in entity {parent.name}"
            raise Refusal(400, "INVALID_FIELD", text, [])
        return str(found[0]["Id"])

    def _resolved(self, sobject: SObject, fields: Fields) -> dict[str, object]:
        """Return the fields with the ids of the parents that are named by their external ids."""
        values = dict(fields)
        for name, value in fields.items():
            if not isinstance(value, dict):
                continue
            named = cast(dict[str, object], {**value})
            attributes = cast(dict[str, object], named.pop("attributes", None) or {})
            kind = str(attributes.get("type"))
            several = self._database.schema.relationship(sobject, name)
            parent = self.parent_of(sobject, name, kind if several and several.kinds else None)
            if parent is None or len(named) != 1:
                raise no_such_column(sobject, name)
            (key, wanted), (reference, target) = next(iter(named.items())), parent
            field = self._database.schema.fields(target).get(key.lower())
            if field is None or not field.finds_rows:
                raise no_such_column(target, key)
            del values[name]
            values[reference.name] = self.parent_id(target, field, str(wanted))
        return values

    def _shared(self, sobject: SObject, record_id: str) -> str:
        whole = to18(record_id)
        if whole is None or not whole.startswith(sobject.prefix):
            raise Refusal(400, "MALFORMED_ID", f"malformed id {record_id}", ["Id"])
        if not self._database.is_shared(sobject.name, whole):
            raise not_found()
        return whole
