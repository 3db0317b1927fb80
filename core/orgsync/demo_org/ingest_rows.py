"""How an ingest job writes its rows: in batches of 10,000, which the org counts, and within them in chunks of 200."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from .database import Database
from .fields import SObject
from .ingest_csv import BadBatch, IngestColumn, read_csv, read_header
from .ingest_jobs import IngestJob, RowResult
from .refusal import Refusal
from .row_index import key_of
from .settings import Settings
from .transaction import Transaction
from .writer import Writer

CHUNK = 200
LOST, LOST_BUT_WRITTEN, COUNTED = "lost", "written", "counted"
_DELETES = frozenset({"delete", "hardDelete"})


class IngestRows:
    """Writes the rows of jobs; `lost` has the fates of the next batches that no file will list."""

    def __init__(self, database: Database, settings: Settings, writer: Writer) -> None:
        self.lost: list[str] = []
        self._database = database
        self._settings = settings
        self._writer = writer

    def prepare(self, job: IngestJob) -> None:
        """Read a job's upload; nothing is written yet.

        Raises:
            BadBatch: the whole job fails.
        """
        job.header, job.rows = read_csv(job.upload or b"", job.dialect)
        if job.operation in _DELETES and [name.lower() for name in job.header] != ["id"]:
            raise BadBatch(f"InvalidBatch : The '{job.operation}' batch must contain only ids")
        columns = read_header(job.header, self._sobject(job), self._database, self._writer)
        unknown = next((name for name, column in zip(job.header, columns, strict=True) if column is None), None)
        if unknown is not None and not self._settings.bulk_unknown_columns_ignored:
            raise BadBatch(f"InvalidBatch : Field name not found : {unknown}")
        if any(column is not None and column.field.type == "base64" for column in columns):
            raise BadBatch("FeatureNotEnabled : Binary field not supported")
        job.columns = columns

    def write(self, job: IngestJob, end: int) -> None:
        """Write a job's rows up to one, chunk by chunk; what was written before stays."""
        size = self._settings.bulk_batch_size
        while job.done < end:
            if job.done % size == 0:
                job.batch = self._next_batch()
            stop = min(end, (job.done // size + 1) * size, job.done + CHUNK)
            if job.batch != LOST:
                results = list(self._chunk(job, range(job.done, stop)))
                job.processed += len(results)
                job.results += results if job.batch == COUNTED else []
            job.done = stop

    def _next_batch(self) -> str:
        settings = self._settings
        if settings.bulk_batches_used >= settings.bulk_batches_limit:
            return LOST
        settings.bulk_batches_used += 1
        return self.lost.pop(0) if self.lost else COUNTED

    def _sobject(self, job: IngestJob) -> SObject:
        sobject = self._database.schema.sobject(job.sobject)
        if sobject is None:
            raise BadBatch(f"InvalidBatch : Unable to find object: {job.sobject}")
        return sobject

    def _chunk(self, job: IngestJob, places: Sequence[int]) -> Iterator[RowResult]:
        """Write the rows of a chunk, each for itself: one that is refused does not keep the others out."""
        sobject = self._sobject(job)
        columns = [column for column in job.columns or [] if column is not None]
        key = next((column for column in columns if _is_key(column, job.external_id)), None)
        seen = Counter(key_of(job.rows[place][key.position]) for place in places) if key else Counter[str]()
        for place in places:
            row = job.rows[place]
            work = partial(self._row, job, sobject, columns, row)
            text = row[key.position] if key else ""
            try:
                if text and seen[key_of(text)] > 1:
                    message = f"Duplicate external id specified: {text}"
                    raise Refusal(400, "DUPLICATE_VALUE", message, [job.external_id or ""])
                with Transaction(self._database) as transaction:
                    record_id, created = work(transaction)
                yield RowResult(place, record_id, created)
            except Refusal as refusal:
                yield RowResult(place, _given_id(columns, row), error=error_text(refusal))

    def _row(
        self, job: IngestJob, sobject: SObject, columns: list[IngestColumn], row: list[str], transaction: Transaction
    ) -> tuple[str, bool]:
        """Write one row; return its id, and whether it is new."""
        writer, given = self._writer, _given_id(columns, row)
        if job.operation in _DELETES:
            return writer.delete(transaction, sobject, _present(given), hard=job.operation == "hardDelete"), False
        fields = {
            column.field.name: column.value(row[column.position], writer) for column in columns if row[column.position]
        }
        if job.operation == "insert":
            if given:
                raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
            return writer.insert(transaction, sobject, fields), True
        if job.operation == "update":
            fields.pop("Id", None)
            return writer.update(transaction, sobject, _present(given), fields), False
        return self._upsert(job, sobject, fields, transaction)

    def _upsert(
        self, job: IngestJob, sobject: SObject, fields: dict[str, object], transaction: Transaction
    ) -> tuple[str, bool]:
        key = self._writer.key(sobject, job.external_id or "")
        value = fields.get(key.name)
        if key.name == "Id":
            fields.pop("Id", None)
            if value is None:
                return self._writer.insert(transaction, sobject, fields), True
            return self._writer.update(transaction, sobject, str(value), fields), False
        if value is None:
            raise Refusal(400, "MISSING_ARGUMENT", f"{key.name} not specified", [])
        if "Id" in fields:
            message = "The Id field should not be specified in the sobject data."
            raise Refusal(400, "INVALID_FIELD", message, [])
        return self._writer.upsert(transaction, sobject, key, str(value), fields)


def error_text(refusal: Refusal) -> str:
    """Write a refusal as results have it: `REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --`."""
    named = f"{', '.join(refusal.fields)} --" if refusal.fields else "--"
    return f"{refusal.code}:{refusal.message}:{named}"


def _present(record_id: str) -> str:
    if not record_id:
        raise Refusal(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
    return record_id


def _given_id(columns: list[IngestColumn], row: list[str]) -> str:
    return next((row[column.position] for column in columns if column.field.name == "Id"), "")


def _is_key(column: IngestColumn, external_id: str | None) -> bool:
    return external_id is not None and column.parent is None and column.field.name.lower() == external_id.lower()
