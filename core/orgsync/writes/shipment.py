"""A part as it is sent: its columns, its rows, and the CSV or the records that they make."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from orgsync.salesforce.http.http import JSON

from .lookup import unique_rows
from .operation import Operation
from .plan import Part
from .spool import Absent, Spool, Value
from .target import ID, Target
from .values import csv_text, rest_record, rest_value

__all__ = ["Shipment"]


class Shipment:
    """The rows of a part, read from the spool as often as they are needed.

    With `found`, Ids by place, rows are changed by their Ids in place of their external ids; those without stay out.
    """

    def __init__(self, spool: Spool, target: Target, part: Part, found: Mapping[int, str] | None = None) -> None:
        self._spool = spool
        self._target = target
        self._part = part
        self._found = None if found is None else unique_rows(found)
        given = spool.columns(part.group)
        self._key_at = given.index(target.external_id) if found is not None and target.external_id else None
        self.columns: Sequence[str] = [ID if at == self._key_at else name for at, name in enumerate(given)]
        self.sobject = target.sobject.name
        self.operation = target.operation if found is None else Operation.UPDATE
        self.external_id = target.external_id if found is None else None
        self.key = target.key if found is None else ID

    def places(self) -> Sequence[int]:
        """Return the places of the rows."""
        return self._part.places if self._found is None else [each for each in self._part.places if each in self._found]

    def rows(self) -> Iterator[tuple[int, Sequence[Value]]]:
        """Yield place and values of each row."""
        for row in self._spool.at(self.places()):
            if self._found is None or self._key_at is None:
                yield row.place, row.cells
            else:
                yield row.place, [self._found[row.place] if at == self._key_at else v for at, v in enumerate(row.cells)]

    def texts(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield place and CSV texts of each row."""
        for place, cells in self.rows():
            yield place, [csv_text(value) for value in cells]

    def csv(self) -> bytes:
        """Return all rows as a CSV with a header."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(texts for _, texts in self.texts())
        return out.getvalue().encode()

    def records(self) -> list[tuple[int, dict[str, JSON]]]:
        """Return place and record of each row, as collections take them."""
        types = [self._target.type_of(name) for name in self.columns]
        made: list[tuple[int, dict[str, JSON]]] = []
        for place, cells in self.rows():
            given = zip(self.columns, cells, types, strict=True)
            record = {name: rest_value(value, kind) for name, value, kind in given if not isinstance(value, Absent)}
            made.append((place, rest_record(record)))
        return made
