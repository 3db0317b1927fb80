"""Record classes: at once the field list, the SOQL select list, the row type and the table.

A name is imported when it is first used: what only decodes does without SQLAlchemy.
"""

from typing import TYPE_CHECKING

from orgsync.lazy import importer

if TYPE_CHECKING:
    from .batch import Batch, Batches, PartialBatch, Position, Record_co
    from .columns import bare
    from .convert import as_stored
    from .declaration import is_path
    from .decoding import FieldFacts, decode, decode_csv
    from .encoded_rows import EncodedRows, RowEncoding, has_nulls, ids_of, joined, live_ids
    from .field_options import field
    from .field_values import DecodedRecords, FieldValues, values_of
    from .mapping import mapped, require_mappable
    from .masking import fingerprint, masked
    from .record import Record, schema_of, table_columns, undeclared_class, unseen_class
    from .scalars import long_id, parse_instant, stored_instant, stored_instants, stored_number, to_stored
    from .schema import Column, Row, Schema, StoredValue
    from .types import StoredDecimal, StoredTime, UtcDateTime, exact_name

__all__ = [
    "Batch",
    "Batches",
    "Column",
    "DecodedRecords",
    "EncodedRows",
    "FieldFacts",
    "FieldValues",
    "PartialBatch",
    "Position",
    "Record",
    "Record_co",
    "Row",
    "RowEncoding",
    "Schema",
    "StoredDecimal",
    "StoredTime",
    "StoredValue",
    "UtcDateTime",
    "as_stored",
    "bare",
    "decode",
    "decode_csv",
    "exact_name",
    "field",
    "fingerprint",
    "has_nulls",
    "ids_of",
    "is_path",
    "joined",
    "live_ids",
    "long_id",
    "mapped",
    "masked",
    "parse_instant",
    "require_mappable",
    "schema_of",
    "stored_instant",
    "stored_instants",
    "stored_number",
    "table_columns",
    "to_stored",
    "undeclared_class",
    "unseen_class",
    "values_of",
]

__getattr__ = importer(
    __name__,
    {
        **dict.fromkeys(("Batch", "Batches", "PartialBatch", "Position", "Record_co"), "batch"),
        "bare": "columns",
        "as_stored": "convert",
        "is_path": "declaration",
        **dict.fromkeys(("FieldFacts", "decode", "decode_csv"), "decoding"),
        **dict.fromkeys(("EncodedRows", "RowEncoding", "has_nulls", "ids_of", "joined", "live_ids"), "encoded_rows"),
        "field": "field_options",
        **dict.fromkeys(("DecodedRecords", "FieldValues", "values_of"), "field_values"),
        **dict.fromkeys(("mapped", "require_mappable"), "mapping"),
        **dict.fromkeys(("fingerprint", "masked"), "masking"),
        **dict.fromkeys(("Record", "schema_of", "table_columns", "undeclared_class", "unseen_class"), "record"),
        **dict.fromkeys(
            ("long_id", "parse_instant", "stored_instant", "stored_instants", "stored_number", "to_stored"), "scalars"
        ),
        **dict.fromkeys(("Column", "Row", "Schema", "StoredValue"), "schema"),
        **dict.fromkeys(("StoredDecimal", "StoredTime", "UtcDateTime", "exact_name"), "types"),
    },
)
