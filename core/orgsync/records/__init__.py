"""Record classes: at once the field list, the SOQL select list, the row type and the table."""

from .batch import Batch, Batches, Position, Record_co
from .decode import Reading, bare, decode, decode_csv
from .field import field
from .ids import long_id
from .instants import parse_instant, stored_instant, to_stored
from .record import Record
from .schema import Column, Row, Schema, StoredValue, schema_of
from .types import StoredDecimal, StoredTime, UtcDateTime, exact_name

__all__ = [
    "Batch",
    "Batches",
    "Column",
    "Position",
    "Reading",
    "Record",
    "Record_co",
    "Row",
    "Schema",
    "StoredDecimal",
    "StoredTime",
    "StoredValue",
    "UtcDateTime",
    "bare",
    "decode",
    "decode_csv",
    "exact_name",
    "field",
    "long_id",
    "parse_instant",
    "schema_of",
    "stored_instant",
    "to_stored",
]
