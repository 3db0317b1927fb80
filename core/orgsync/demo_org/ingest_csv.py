"""The CSV that ingest jobs take: how it is read, strictly, and what its header means."""

import csv
import io
import re
from dataclasses import dataclass

from .csv_text import DELIMITERS, Dialect
from .database import Database
from .fields import Field, SObject
from .refusal import Refusal
from .writer import Writer
from .writes import stored_value

LONGEST_HEADER, LONGEST_FIELD, LONGEST_RECORD = 32_000, 131_072, 400_000
_RELATION = re.compile(r"(?:([A-Za-z]\w*):)?([A-Za-z]\w*)\.([A-Za-z]\w*)\Z")
_NULL = "#N/A"
_TRUE, _FALSE = frozenset({"yes", "y", "true", "on", "1"}), frozenset({"no", "n", "false", "off", "0"})


class BadBatch(Exception):
    """What makes a whole job fail; its text is the job's errorMessage."""


@dataclass(frozen=True, slots=True)
class IngestColumn:
    """A column that matches a field, or a parent's field that names the parent."""

    position: int
    name: str
    field: Field
    parent: SObject | None = None
    key: Field | None = None

    def value(self, text: str, writer: Writer) -> object:
        """Return a cell's value as a write takes it; `#N/A` is null.

        Raises:
            Refusal: INVALID_FIELD, for a text that the field's type cannot hold.
        """
        if text == _NULL:
            return None
        if self.parent is not None and self.key is not None:
            return writer.parent_id(self.parent, self.key, text)
        if self.field.is_text or self.field.is_id or self.field.type == "anyType":
            return text
        if self.field.type == "boolean" and text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        try:
            return stored_value(self.field, text)
        except Refusal as refusal:
            if refusal.code != "JSON_PARSER_ERROR":
                raise
            kind = self.field.soap_type
            message = (
                f"Failed to deserialize field at col {self.position}. Due to, '{text}' is not a valid value for the "
                f"type {kind}"
            )
            raise Refusal(400, "INVALID_FIELD", message, [self.field.name]) from None


def read_csv(upload: bytes, dialect: Dialect) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of an upload.

    Raises:
        BadBatch: it is no CSV of this dialect.
    """
    text = upload.decode("utf-8", "replace")
    _require_line_ending(text, dialect)
    _require_quotes(text, dialect)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[dialect.delimiter], strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error as problem:
        raise BadBatch(f"InvalidBatch : Failed to parse CSV. {problem}") from None
    if not rows:
        raise BadBatch("InvalidBatch : Unable to parse CSV header")
    header = rows.pop(0)
    if sum(map(len, header)) + len(header) - 1 > LONGEST_HEADER:
        raise BadBatch(f"InvalidBatch : The header exceeds the maximum of {LONGEST_HEADER} characters")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            text = "The demo org does not know Salesforce's message for a row with more or fewer fields than the header"
            raise BadBatch(f"{text}: row {number} has {len(row)}, the header {len(header)}.")
    return header, rows


def read_header(header: list[str], sobject: SObject, database: Database, writer: Writer) -> list[IngestColumn | None]:
    """Return what each column is; None for one that matches no field."""
    fields = database.schema.fields(sobject)
    return [
        IngestColumn(position, name, fields[name.lower()])
        if name.lower() in fields
        else _relation(position, name, sobject, (database, writer))
        for position, name in enumerate(header)
    ]


def _relation(position: int, name: str, sobject: SObject, org: tuple[Database, Writer]) -> IngestColumn | None:
    """Return the column of a parent's key: `Account.Key__c`, or `Lead:Who.Email` where there are kinds of parents."""
    named = _RELATION.match(name)
    database, writer = org
    found = writer.parent_of(sobject, named[2], named[1]) if named else None
    if named is None or found is None:
        return None
    reference, parent = found
    key = database.schema.fields(parent).get(named[3].lower())
    if key is None or not key.finds_rows:
        return None
    return IngestColumn(position, name, reference, parent, key)


def _require_line_ending(text: str, dialect: Dialect) -> None:
    end = text.find("\n")
    given = "CRLF" if end > 0 and text[end - 1] == "\r" else "LF"
    if end >= 0 and given != dialect.line_ending:
        setting = f"Current LineEnding setting is {dialect.line_ending}"
        raise BadBatch(f"ClientInputError : LineEnding is invalid on user data. {setting}")


def _require_quotes(text: str, dialect: Dialect) -> None:
    if '"' not in text:
        return
    between = f"{re.escape(DELIMITERS[dialect.delimiter])}\\n"
    quoted = re.compile(rf'(?:\A|(?<=[{between}]))"[^"]*(?:""[^"]*)*"(?=[{between}\r]|\Z)')
    if '"' in quoted.sub("", text):
        message = "Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
        raise BadBatch(f"InvalidBatch : {message}")
