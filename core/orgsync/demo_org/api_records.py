"""Single records: create, read, update, delete, and upsert by an external id; their files."""

from dataclasses import replace

from .database import Database
from .fields import Field, Row, Scope, SObject
from .files import content_of, content_type_of
from .ids import to18
from .multipart import is_multipart, read_parts
from .refusal import Refusal, not_found, not_implemented
from .render import content_url, encode
from .transaction import Transaction
from .wire import Call, Response, json_response
from .writer import Writer
from .writes import no_such_column


class Records:
    """Answers sobjects/X, sobjects/X/ID and sobjects/X/Field__c/VALUE."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def create(self, call: Call, base: str, name: str) -> Response:
        """Insert a record."""
        sobject = self.sobject(name)
        with Transaction(self._database) as transaction:
            record_id = self._writer.insert(transaction, sobject, _object(call))
        location = [("Location", f"{base}/sobjects/{sobject.name}/{record_id}")]
        return json_response({"id": record_id, "success": True, "errors": []}, 201, headers=location)

    def read(self, call: Call, base: str, name: str, record_id: str) -> Response:
        """Return a live record, all of its fields or those of `fields`."""
        sobject = self.sobject(name)
        row = self.live(sobject, record_id)
        names = [field for field in call.query.get("fields", "").split(",") if field]
        fields = [self.field(sobject, field) for field in names]
        return json_response(self.written(sobject, row, fields, base))

    def download(self, call: Call, base: str, name: str, record_id: str, field_name: str) -> Response:
        """Return the bytes of a file; a Range is not looked at, as HTTP allows."""
        sobject = self.sobject(name)
        field = self._database.schema.fields(sobject).get(field_name.lower())
        content = content_of(sobject, self.live(sobject, record_id)) if field and field.type == "base64" else None
        if content is None:
            raise not_implemented(f"serve /sobjects/{name}/{record_id}/{field_name}")
        return Response(200, content, content_type_of(sobject, self.live(sobject, record_id)))

    def change(self, call: Call, base: str, name: str, record_id: str) -> Response:
        """Update a record."""
        sobject = self.sobject(name)
        with Transaction(self._database) as transaction:
            self._writer.update(transaction, sobject, record_id, _object(call))
        return Response(204)

    def remove(self, call: Call, base: str, name: str, record_id: str) -> Response:
        """Delete a record into the recycle bin."""
        sobject = self.sobject(name)
        with Transaction(self._database) as transaction:
            self._writer.delete(transaction, sobject, record_id)
        return Response(204)

    def read_by(self, call: Call, base: str, name: str, key: str, value: str) -> Response:
        """Return the record that an external id names."""
        sobject = self.sobject(name)
        matches = self._writer.having(sobject, self._writer.key(sobject, key), value)
        if not matches:
            raise not_found()
        return self._several(sobject, matches, base) or json_response(self.written(sobject, matches[0], [], base))

    def upsert(self, call: Call, base: str, name: str, key: str, value: str) -> Response:
        """Update the record that an external id names, or create it unless `updateOnly` forbids it."""
        sobject = self.sobject(name)
        field = self._writer.key(sobject, key)
        matches = self._writer.having(sobject, field, value)
        several = self._several(sobject, matches, base)
        if several:
            return several
        if not matches and (field.name == "Id" or call.query.get("updateOnly", "").lower() == "true"):
            raise not_found()
        fields = {name: given for name, given in _object(call).items() if name.lower() != key.lower()}
        if not matches:
            fields[field.name] = value
        with Transaction(self._database) as transaction:
            record_id, created = self._writer.upsert(transaction, sobject, field, value, fields)
        headers = [("Location", f"{base}/sobjects/{sobject.name}/{record_id}")] if created else []
        response: dict[str, object] = {"id": record_id, "success": True, "errors": [], "created": created}
        return json_response(response, 201 if created else 200, headers=headers)

    def remove_by(self, call: Call, base: str, name: str, key: str, value: str) -> Response:
        """Delete the record that an external id names."""
        sobject = self.sobject(name)
        matches = self._writer.having(sobject, self._writer.key(sobject, key), value)
        if not matches:
            raise not_found()
        several = self._several(sobject, matches, base)
        if several:
            return several
        with Transaction(self._database) as transaction:
            self._writer.delete(transaction, sobject, str(matches[0]["Id"]))
        return Response(204)

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
        """Return a row as JSON; without fields, all of them."""
        scope = Scope(self._database.find, self._database.clock.now.date())
        url = f"{base}/sobjects/{sobject.name}/{row['Id']}"
        record: dict[str, object] = {"attributes": {"type": sobject.name, "url": url}}
        for field in fields or self._database.schema.fields(sobject).values():
            value = row.get(field.name) if field.derive is None else field.derive(row, scope)
            record[field.name] = content_url(url, field.name, row) if field.type == "base64" else encode(value)
        return record if not fields or "Id" in record else {**record, "Id": row["Id"]}

    def _several(self, sobject: SObject, matches: list[Row], base: str) -> Response | None:
        if len(matches) < 2:
            return None
        return json_response([f"{base}/sobjects/{sobject.name}/{row['Id']}" for row in matches], 300)


def _object(call: Call) -> dict[str, object]:
    if is_multipart(call):
        return _object_with_files(call)
    content = call.json()
    if not isinstance(content, dict):
        message = "Cannot deserialize instance of SObject from START_ARRAY at [line:1, column:1]"
        raise Refusal(400, "JSON_PARSER_ERROR", message)
    return {name: value for name, value in content.items() if name != "attributes"}


def _object_with_files(call: Call) -> dict[str, object]:
    """Return the fields of a form: those of its part of JSON, and its files by the names of their fields."""
    fields: dict[str, object] | None = None
    files: dict[str, object] = {}
    for part in read_parts(call):
        if fields is None and part.content_type == "application/json":
            fields = _object(replace(call, headers={}, body=part.body))
        else:
            files[part.name] = part.body
    if fields is None:
        raise Refusal(400, "INVALID_MULTIPART_REQUEST", "The first part of a multipart request must be JSON")
    return {**fields, **files}
