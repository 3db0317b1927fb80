"""Rows of the copy as a Parquet file, by arro3: the only module that knows it.

A column's type follows from the type that it has in its record class, never from the values, so that the files of two
days fit together. Arrow's own conversions write NULL for what they cannot convert, and round a number with too many
decimals; both are looked for, and end the export.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from orgsync.errors import ArgumentInvalid, PackageMissing

if TYPE_CHECKING:
    from arro3.core import Array, DataType, RecordBatch

__all__ = ["require_parquet", "write_parquet"]

ROWS_PER_GROUP = 131_072
_ROWS_AT_ONCE = 16_384
_DECIMALS = 18
"""How many a number has: Salesforce's numbers have at most 18 digits."""

_NUMBERS = ("NUMERIC", "numeric")
_NO_INTEGERS = ("interval", "point")
"""PostgreSQL's types that only look like integers, to SQLite's rule that those have INT in their names."""

_DIGITS = 38
_INSTANTS = ("system_modstamp", "sync_changed_at", "sync_first_seen_at")


def require_parquet() -> None:
    """Raise PackageMissing where the packages that write Parquet are not installed."""
    try:
        for name in ("arro3.core", "arro3.io"):
            import_module(name)
    except ImportError as missing:
        raise PackageMissing(
            "Parquet files need packages that are not installed.",
            extra="parquet",
            otherwise=", or write --to FILE.csv or FILE.jsonl",
        ) from missing


def write_parquet(
    path: Path, pages: Iterable[Sequence[tuple[Any, ...]]], kinds: Mapping[str, str], types: Mapping[str, str]
) -> None:
    """Write rows in stored form; `kinds` are the declared types of their columns, `types` the Python ones by name.

    Raises ArgumentInvalid for a value that the file cannot hold as it is.
    """
    from arro3.core import Field, RecordBatch, RecordBatchReader, Schema
    from arro3.io import write_parquet as write

    columns = {name: _type_of(name, kind, types) for name, kind in kinds.items()}
    schema = Schema([Field(name, column) for name, column in columns.items()])
    of_arrays = cast("Callable[..., RecordBatch]", RecordBatch.from_arrays)  # pyright: ignore[reportUnknownMemberType]
    failed: list[BaseException] = []

    def batches() -> "Iterator[RecordBatch]":
        start = 1
        try:
            for rows in _gathered(pages):
                values = zip(*rows, strict=True)
                arrays = [
                    _array(_Part(name, kinds[name], column, start), each)
                    for (name, column), each in zip(columns.items(), values, strict=True)
                ]
                yield of_arrays(arrays, schema=schema)
                start += len(rows)
        except BaseException as error:
            failed.append(error)  # arro3 reports it as a text alone
            raise

    try:
        write(
            RecordBatchReader.from_batches(schema, batches()),
            path,
            compression="zstd(1)",
            max_row_group_size=ROWS_PER_GROUP,
        )
    except Exception:
        if failed:
            raise failed[0] from None
        raise


def _gathered(pages: Iterable[Sequence[tuple[Any, ...]]]) -> Iterator[list[tuple[Any, ...]]]:
    held: list[tuple[Any, ...]] = []
    for page in pages:
        held += page
        if len(held) >= _ROWS_AT_ONCE:
            yield held
            held = []
    if held:
        yield held


def _type_of(name: str, kind: str, types: Mapping[str, str]) -> "DataType":
    """Return the type of a column in the file."""
    from arro3.core import DataType

    python = "datetime" if name in _INSTANTS else types.get(name)
    if kind == "VARCHAR" and python == "datetime":
        return DataType.timestamp("ms", tz="UTC")
    if kind == "VARCHAR" and python == "time":
        return DataType.time32("ms")
    known = {
        "BOOLEAN": DataType.bool(),
        "NUMERIC": DataType.decimal128(_DIGITS, _DECIMALS),
        "DATE": DataType.date32(),
        "TIMESTAMP WITH TIME ZONE": DataType.timestamp("ms", tz="UTC"),
        "TIME WITHOUT TIME ZONE": DataType.time32("ms"),
    }
    if kind.upper() in known:
        return known[kind.upper()]
    if "INT" in kind.upper() and kind not in _NO_INTEGERS:
        return DataType.int64()
    is_rough = any(part in kind.upper() for part in ("FLOA", "REAL", "DOUB"))
    return DataType.float64() if is_rough else DataType.utf8()


@dataclass(frozen=True, slots=True)
class _Part:
    """Some values of a column: its name, its declared type, that in the file, and the first one's row there."""

    name: str
    kind: str
    type: "DataType"
    row: int

    def unfit(self, at: int, what: str) -> ArgumentInvalid:
        """Return the error for one of the values, which is a customer's: its row in the file is named in its place."""
        return ArgumentInvalid(
            f"The column {self.name} has in row {self.row + at:,} {what}, which a Parquet file cannot hold as it is.",
            "Leave the column out with --columns, or write --to FILE.csv or FILE.jsonl, which hold it.",
        )


def _array(part: _Part, values: Sequence[Any]) -> "Array":
    """Return the values of a column, converted from their stored form."""
    from arro3.core import Array, DataType

    if part.type == DataType.bool():
        return Array([None if value is None else bool(value) for value in values], part.type)
    if part.type in (DataType.int64(), DataType.float64()):
        try:
            return Array(values, part.type)
        except (TypeError, OverflowError):
            wanted = int if part.type == DataType.int64() else (int, float)
            odd = (at for at, value in enumerate(values) if value is not None and not isinstance(value, wanted))
            raise part.unfit(next(odd, 0), f"a value that is not of type {part.kind}") from None
    texts = Array([_text(part, at, value) for at, value in enumerate(values)], DataType.utf8())
    if part.type == DataType.utf8():
        return texts
    if part.kind in _NUMBERS:
        _require_decimals(part, values)
    converted = texts.cast(part.type)
    if converted.null_count != texts.null_count:  # arrow makes NULL of what it cannot convert
        odd = (at for at, value in enumerate(values) if value is not None and converted[at].as_py() is None)
        too_long = f"a number of more than {_DIGITS - _DECIMALS} digits before the point"
        what = too_long if part.kind in _NUMBERS else "a text that is not an instant, date or time"
        raise part.unfit(next(odd, 0), what)
    return converted


def _text(part: _Part, at: int, value: Any) -> str | None:
    """Return a value as text; only a user's own columns hold anything else."""
    if isinstance(value, bytes):
        raise part.unfit(at, "bytes")
    return value if value is None or isinstance(value, str) else str(value)


def _require_decimals(part: _Part, values: Sequence[Any]) -> None:
    """Raise ArgumentInvalid for a number with more decimals than the file holds, which arrow would round."""
    for at, value in enumerate(values):
        if value is not None and len(value) > _DECIMALS + 1 and len(value.partition(".")[2]) > _DECIMALS:
            raise part.unfit(at, f"a number of more than {_DECIMALS} decimals")
