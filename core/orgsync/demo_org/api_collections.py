"""sObject Collections: up to 200 writes or 2,000 reads in one call."""

from collections import Counter
from collections.abc import Callable

from .api_records import Records
from .database import Database
from .fields import SObject
from .refusal import Refusal
from .row_index import key_of
from .transaction import Transaction
from .wire import Call, Json, Response, json_response
from .writer import Writer

MOST_WRITES = 200
MOST_READS = 2000
Item = dict[str, Json]
Result = dict[str, object]
Work = Callable[[Transaction, Item], Result]
_ROLLED_BACK = Refusal(
    400,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    [],
)


class Collections:
    """Answers composite/sobjects and composite/sobjects/X."""

    def __init__(self, database: Database, records: Records, writer: Writer) -> None:
        self._database = database
        self._records = records
        self._writer = writer

    def create(self, call: Call, base: str) -> Response:
        """Insert records."""

        def insert(transaction: Transaction, item: Item) -> Result:
            sobject, fields = self._target(item)
            return _success(self._writer.insert(transaction, sobject, fields))

        items, all_or_none = _items(call)
        return self._each(items, insert, all_or_none=all_or_none)

    def change(self, call: Call, base: str) -> Response:
        """Update records; each item names its id."""

        def update(transaction: Transaction, item: Item) -> Result:
            sobject, fields = self._target(item)
            record_id = str(next((fields.pop(name) for name in ("id", "Id") if name in fields), ""))
            if not record_id:
                raise Refusal(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
            return _success(self._writer.update(transaction, sobject, record_id, fields))

        items, all_or_none = _items(call)
        return self._each(items, update, all_or_none=all_or_none)

    def upsert(self, call: Call, base: str, name: str, key: str) -> Response:
        """Update the records that an external id names, and create the others."""
        wanted = self._records.sobject(name)
        field = self._writer.key(wanted, key)
        items, all_or_none = _items(call)
        given = Counter(key_of(value) for item in items if (value := _value_of(item, key)) not in {None, ""})

        def upsert(transaction: Transaction, item: Item) -> Result:
            sobject, fields = self._target(item)
            if sobject.name != wanted.name:
                text = f"An item of type {sobject.name} in a collection of {wanted.name}"
                raise Refusal(400, "INVALID_TYPE", text, [])
            value = _value_of(fields, key)
            if field.name == "Id":
                return self._upsert_by_id(transaction, sobject, fields)
            if value in {None, ""}:
                raise Refusal(400, "MISSING_ARGUMENT", f"{field.name} not specified", [])
            if given[key_of(value)] > 1:
                raise Refusal(400, "DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [field.name])
            record_id, created = self._writer.upsert(transaction, sobject, field, str(value), fields)
            return {**_success(record_id), "created": created}

        return self._each(items, upsert, all_or_none=all_or_none)

    def remove(self, call: Call, base: str) -> Response:
        """Delete records by their ids."""
        ids = [record_id for record_id in call.query.get("ids", "").split(",") if record_id]
        _require_count(len(ids), MOST_WRITES)

        def delete(transaction: Transaction, item: Item) -> Result:
            record_id = str(item["id"])
            sobject = next((s for s in self._database.schema.sobjects() if record_id.startswith(s.prefix)), None)
            if sobject is None:
                raise Refusal(400, "MALFORMED_ID", f"malformed id {record_id}", ["Id"])
            return _success(self._writer.delete(transaction, sobject, record_id))

        all_or_none = call.query.get("allOrNone", "false").lower() == "true"
        return self._each([{"id": record_id} for record_id in ids], delete, all_or_none=all_or_none)

    def retrieve(self, call: Call, base: str, name: str) -> Response:
        """Read records by their ids; null stands for what is absent, deleted or invisible."""
        sobject = self._records.sobject(name)
        ids, names = _asked(call)
        _require_count(len(ids), MOST_READS)
        fields = [self._records.field(sobject, field) for field in names]

        def one(record_id: str) -> object:
            try:
                return self._records.written(sobject, self._records.live(sobject, record_id), fields, base)
            except Refusal:
                return None

        return json_response([one(record_id) for record_id in ids])

    def _target(self, item: Item) -> tuple[SObject, Item]:
        attributes = item.get("attributes")
        kind = attributes.get("type") if isinstance(attributes, dict) else None
        sobject = self._database.schema.sobject(str(kind))
        if sobject is None:
            raise Refusal(400, "INVALID_TYPE", f"sObject type '{kind}' is not supported.", [])
        return sobject, {name: value for name, value in item.items() if name != "attributes"}

    def _upsert_by_id(self, transaction: Transaction, sobject: SObject, fields: Item) -> Result:
        record_id = _value_of(fields, "id")
        others = {name: value for name, value in fields.items() if name.lower() != "id"}
        if record_id:
            return {**_success(self._writer.update(transaction, sobject, str(record_id), others)), "created": False}
        return {**_success(self._writer.insert(transaction, sobject, others)), "created": True}

    def _each(self, items: list[Item], work: Work, *, all_or_none: bool) -> Response:
        """Do each item in a transaction of its own, or all in one."""
        results: list[Result] = []
        if not all_or_none:
            for item in items:
                with _One(results), Transaction(self._database) as transaction:
                    results.append(work(transaction, item))
            return json_response(results)
        try:
            with Transaction(self._database) as transaction:
                for item in items:
                    with _One(results):
                        results.append(work(transaction, item))
                if not all(result["success"] for result in results):
                    raise _ROLLED_BACK
        except Refusal as rolled_back:
            failed = [result if not result["success"] else _failure(rolled_back) for result in results]
            return json_response(failed)
        return json_response(results)


class _One:
    """Turns the refusal of one item into its result."""

    def __init__(self, results: list[Result]) -> None:
        self._results = results

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Refusal):
            return False
        self._results.append(_failure(error))
        return True


def _success(record_id: str) -> Result:
    return {"id": record_id, "success": True, "errors": []}


def _failure(refusal: Refusal) -> Result:
    return {"success": False, "errors": [refusal.item()]}


def _value_of(fields: Item, name: str) -> str | int | float | None:
    value = next((fields[given] for given in fields if given.lower() == name.lower()), None)
    return None if isinstance(value, dict | list) else value


def _items(call: Call) -> tuple[list[Item], bool]:
    content = call.json()
    records = content.get("records") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(records, list):
        raise Refusal(400, "JSON_PARSER_ERROR", "records expected at [line:1, column:1]")
    items: list[Item] = [{**item} for item in records if isinstance(item, dict)]
    if len(items) < len(records):
        message = "Cannot deserialize instance of SObject from a value that is no object at [line:1, column:1]"
        raise Refusal(400, "JSON_PARSER_ERROR", message)
    _require_count(len(items), MOST_WRITES)
    return items, content.get("allOrNone") is True


def _asked(call: Call) -> tuple[list[str], list[str]]:
    if call.method == "GET":
        ids, fields = (call.query.get(name, "").split(",") for name in ("ids", "fields"))
        return ids, fields
    content = call.json()
    if not isinstance(content, dict):
        raise Refusal(400, "JSON_PARSER_ERROR", "ids and fields expected at [line:1, column:1]")
    return _texts(content.get("ids")), _texts(content.get("fields"))


def _texts(values: Json) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _require_count(count: int, most: int) -> None:
    if count == 0:
        raise Refusal(400, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if count > most:
        raise Refusal(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records in this request"
        )
