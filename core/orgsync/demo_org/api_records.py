"""Single records: create, read, update, delete, and upsert by an external id."""

from collections.abc import Mapping
from dataclasses import replace

from .database import Database
from .fields import Field, Row, Scope, SObject
from .ids import to18
from .refusal import Refusal, not_found
from .render import encode
from .transaction import Transaction
from .wire import Answer, Call, json_answer
from .writes import no_such_column, require_writable


class Records:
    """Answers sobjects/X, sobjects/X/ID and sobjects/X/Field__c/VALUE."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, call: Call, base: str, name: str) -> Answer:
        """Insert a record."""
        sobject = self.sobject(name)
        record_id = self.insert(sobject, _object(call))
        location = [("Location", f"{base}/sobjects/{sobject.name}/{record_id}")]
        return json_answer({"id": record_id, "success": True, "errors": []}, 201, headers=location)

    def read(self, call: Call, base: str, name: str, record_id: str) -> Answer:
        """Answer a live record, all of its fields or those of `fields`."""
        sobject = self.sobject(name)
        row = self.live(sobject, record_id)
        asked = [field for field in call.query.get("fields", "").split(",") if field]
        fields = [self.field(sobject, field) for field in asked]
        return json_answer(self.written(sobject, row, fields, base))

    def change(self, call: Call, base: str, name: str, record_id: str) -> Answer:
        """Update a record."""
        sobject = self.sobject(name)
        self._require_shared(sobject, record_id)
        self.update(sobject, record_id, _object(call))
        return Answer(204)

    def remove(self, call: Call, base: str, name: str, record_id: str) -> Answer:
        """Delete a record into the recycle bin."""
        sobject = self.sobject(name)
        self._require_shared(sobject, record_id)
        with Transaction(self._database) as transaction:
            transaction.delete(sobject.name, record_id)
        return Answer(204)

    def read_by(self, call: Call, base: str, name: str, key: str, value: str) -> Answer:
        """Answer the record that an external id names."""
        sobject = self.sobject(name)
        matches = self.matches(sobject, key, value)
        if not matches:
            raise not_found()
        return self._several(sobject, matches, base) or json_answer(self.written(sobject, matches[0], [], base))

    def upsert(self, call: Call, base: str, name: str, key: str, value: str) -> Answer:
        """Update the record that an external id names, or create it."""
        sobject = self.sobject(name)
        matches = self.matches(sobject, key, value)
        several = self._several(sobject, matches, base)
        if several:
            return several
        fields = _object(call)
        if matches:
            record_id = str(matches[0]["Id"])
            self.update(sobject, record_id, fields)
        else:
            record_id = self.insert(sobject, {**fields, key: value})
        answer: dict[str, object] = {"id": record_id, "success": True, "errors": [], "created": not matches}
        return json_answer(answer, 200 if matches else 201)

    def insert(self, sobject: SObject, fields: Mapping[str, object]) -> str:
        """Insert what the API may write."""
        require_writable(self._visible(sobject), fields, creating=True)
        with Transaction(self._database) as transaction:
            return transaction.insert(sobject.name, **fields)

    def update(self, sobject: SObject, record_id: str, fields: Mapping[str, object]) -> None:
        """Update what the API may write."""
        require_writable(self._visible(sobject), fields, creating=False)
        with Transaction(self._database) as transaction:
            transaction.update(sobject.name, record_id, **fields)

    def sobject(self, name: str) -> SObject:
        """Return a visible object; 404 where there is none."""
        sobject = self._database.schema.sobject(name)
        if sobject is None:
            raise not_found()
        return sobject

    def field(self, sobject: SObject, name: str) -> Field:
        """Return a visible field; 400 INVALID_FIELD where there is none."""
        field = self._database.schema.fields(sobject).get(name.strip().lower())
        if field is None:
            raise no_such_column(sobject, name)
        return field

    def live(self, sobject: SObject, record_id: str) -> Row:
        """Return a live row; 404 where there is none."""
        whole = to18(record_id)
        if whole is None:
            raise not_found(f"Provided external ID field does not exist or is not accessible: {record_id}")
        row = self._database.find(sobject.name, whole)
        if row is None or row.get("IsDeleted") or not self._database.is_shared(sobject.name, whole):
            raise not_found()
        return row

    def written(self, sobject: SObject, row: Row, fields: list[Field], base: str) -> dict[str, object]:
        """Write a row; without fields, all of them."""
        scope = Scope(self._database.find, self._database.clock.now.date())
        url = f"{base}/sobjects/{sobject.name}/{row['Id']}"
        record: dict[str, object] = {"attributes": {"type": sobject.name, "url": url}}
        for field in fields or self._database.schema.fields(sobject).values():
            value = row.get(field.name) if field.derive is None else field.derive(row, scope)
            record[field.name] = encode(value)
        return record if not fields or "Id" in record else {**record, "Id": row["Id"]}

    def matches(self, sobject: SObject, key: str, value: str) -> list[Row]:
        """Return the live rows that have this external id; 404 where the field is none."""
        field = self._database.schema.fields(sobject).get(key.lower())
        if field is None or not (field.external_id or field.name == "Id"):
            raise not_found(f"Provided external ID field does not exist or is not accessible: {key}")
        return [
            row
            for row in self._database.having(sobject.name, field.name, value)
            if not row.get("IsDeleted") and self._database.is_shared(sobject.name, str(row["Id"]))
        ]

    def _visible(self, sobject: SObject) -> SObject:
        return replace(sobject, fields=tuple(self._database.schema.fields(sobject).values()))

    def _require_shared(self, sobject: SObject, record_id: str) -> None:
        if not self._database.is_shared(sobject.name, to18(record_id) or ""):
            raise not_found()

    def _several(self, sobject: SObject, matches: list[Row], base: str) -> Answer | None:
        if len(matches) < 2:
            return None
        return json_answer([f"{base}/sobjects/{sobject.name}/{row['Id']}" for row in matches], 300)


def _object(call: Call) -> dict[str, object]:
    content = call.json()
    if not isinstance(content, dict):
        message = "Cannot deserialize instance of SObject from START_ARRAY at [line:1, column:1]"
        raise Refusal(400, "JSON_PARSER_ERROR", message)
    return {name: value for name, value in content.items() if name != "attributes"}
