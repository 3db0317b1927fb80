"""What a query may see of the database, and what it returns."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from .database import Database
from .fields import Row, Scope, Value
from .objects import NAME, shared_name
from .render import JSON
from .schema import Schema
from .syntax import Query

__all__ = ["QueryResult", "View", "limited"]

Tables = Mapping[str, Mapping[str, Row]]


@dataclass(frozen=True, slots=True)
class View:
    """What a query may see: the rows of one instant, the user's schema, and the day.

    `most_rows` is how many rows the query may match before it takes too long; None for any number. `nested` writes
    the result of a sub-select, or its first page.
    """

    tables: Tables
    schema: Schema
    today: date
    base: str
    deleted_too: bool
    hidden: Mapping[str, frozenset[str]]
    user_id: str
    most_rows: int | None
    nested: "Callable[[QueryResult], JSON]"

    @classmethod
    def of(
        cls,
        database: Database,
        base: str,
        *,
        deleted_too: bool,
        most_rows: int | None = None,
        nested: "Callable[[QueryResult], JSON] | None" = None,
    ) -> Self:
        """Return what the user sees of the database now; it does not change with the database."""
        tables = {name: dict(rows) for name, rows in database.tables.items()}
        today, hidden = database.clock.now.date(), dict(database.hidden)
        return cls(
            tables, database.schema, today, base, deleted_too, hidden, database.user_id, most_rows, nested or _complete
        )

    def rows(self, sobject: str) -> Iterable[Row]:
        """Return the rows of an object that are shared with the user."""
        hidden = self.hidden.get(sobject)
        table = self.tables[sobject]
        return [row for key, row in table.items() if key not in hidden] if hidden else table.values()

    def find(self, sobject: str, record_id: Value) -> Row | None:
        """Return a row, whoever may see it."""
        return self.tables[sobject].get(record_id) if isinstance(record_id, str) else None

    def visible(self, sobject: str, record_id: Value) -> Row | None:
        """Return a row that is shared with the user; what is assumed: a parent that is not reads as null.

        Of the object Name, it returns what the record's own object and Name share.
        """
        if sobject == NAME.name:
            return self._named(str(record_id or ""))
        return None if record_id in self.hidden.get(sobject, ()) else self.find(sobject, record_id)

    def _named(self, record_id: str) -> Row | None:
        kind = self.schema.of_id(record_id)
        row = self.visible(kind.name, record_id) if kind and self.schema.sobject(kind.name) else None
        return shared_name(kind, row, Scope(self.find, self.today)) if kind and row else None


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A query's rows, not yet rendered; `wide` where a long text is among the fields."""

    rows: list[Row]
    render: Callable[[Row], JSON]
    total: int
    wide: bool = False

    def page(self, start: int, size: int) -> list[JSON]:
        """Return some of the rows, rendered."""
        return [self.render(row) for row in self.rows[start : start + size]]


def _complete(found: QueryResult) -> JSON:
    return {"totalSize": found.total, "done": True, "records": found.page(0, found.total)}


def limited(rows: list[Row], query: Query) -> list[Row]:
    """Return the rows that OFFSET and LIMIT leave."""
    return rows[query.offset : None if query.limit is None else query.offset + query.limit]
