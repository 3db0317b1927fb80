"""Running a SOQL query over the rows that are visible at one instant."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from .aggregates import aggregate_rows
from .fields import Derived, Row, SObject, Value
from .grammar import at_place, malformed, parse
from .predicates import Predicates
from .refusal import Refusal
from .render import JSON, Shape
from .resolve import Column, Resolver
from .schema import Schema
from .syntax import Aggregate, FieldsOf, Ordering, Path, Query

HIGHEST_OFFSET = 2000
Tables = Mapping[str, Mapping[str, Row]]


@dataclass(frozen=True, slots=True)
class View:
    """What a query may see: the rows of one instant, the user's schema, and the day."""

    tables: Tables
    schema: Schema
    today: date
    base: str
    deleted_too: bool

    def lookup(self, sobject: str, record_id: Value) -> Row | None:
        """Return a parent's row."""
        return self.tables[sobject].get(record_id) if isinstance(record_id, str) else None


@dataclass(frozen=True, slots=True)
class Found:
    """A query's rows, not yet written; `wide` where a long text is among the fields."""

    rows: list[Row]
    render: Callable[[Row], JSON]
    total: int
    wide: bool = False

    def page(self, start: int, size: int) -> list[JSON]:
        """Write some of the rows."""
        return [self.render(row) for row in self.rows[start : start + size]]


def run(text: str, view: View) -> Found:
    """Return what a query finds.

    Raises:
        Refusal: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE and their kin, worded as Salesforce words them.
    """
    query = parse(text)
    if query.offset > HIGHEST_OFFSET:
        raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {HIGHEST_OFFSET}")
    return _Run(text, view).found(query)


class _Run:
    """One query's compilation and execution."""

    def __init__(self, text: str, view: View) -> None:
        self._text = text
        self._view = view
        self._resolver = Resolver(text, view.schema, view.lookup)
        self._predicates = Predicates(text, self._resolver, view.today)

    def found(self, query: Query) -> Found:
        sobject = self._resolver.sobject(query.source, query.source_at)
        aggregates = [item for item in query.select if isinstance(item, Aggregate)]
        if aggregates or query.group:
            return self._aggregated(query, sobject, aggregates)
        shape = self._shape(query, sobject)
        table = self._view.tables[sobject.name]
        rows = self._ordered(query, sobject, self._kept(query, sobject, table.values()))
        rows = _cut(rows, query)
        return Found(rows, shape.renderer(self._resolver), len(rows), _is_wide(shape))

    def _aggregated(self, query: Query, sobject: SObject, aggregates: list[Aggregate]) -> Found:
        rows = list(self._kept(query, sobject, self._view.tables[sobject.name].values()))
        if len(query.select) == 1 and aggregates and aggregates[0].path is None:
            total = len(_cut(rows, query))
            return Found([], lambda row: dict(row), total)

        def column(path: Path) -> Column:
            return self._resolver.column(sobject, path, query.alias)

        records = _cut(aggregate_rows(self._text, query, rows, column), query)
        return Found(records, lambda row: {"attributes": {"type": "AggregateResult"}, **row}, len(records))

    def _kept(self, query: Query, sobject: SObject, rows: Iterable[Row]) -> list[Row]:
        if not self._view.deleted_too and sobject.has_recycle_bin:
            rows = [row for row in rows if not row["IsDeleted"]]
        if query.where is None:
            return list(rows)
        wanted = self._predicates.compile(query.where, sobject, query.alias)
        return [row for row in rows if wanted(row)]

    def _ordered(self, query: Query, sobject: SObject, rows: list[Row]) -> list[Row]:
        """Sort rows; those that ORDER BY does not tell apart come in an order of their own, as in real orgs."""
        columns = [(self._sortable(query, sobject, term), term) for term in query.order]
        if not any(column.field.name == "Id" and not column.parents for column, _ in columns):
            salt = zlib.crc32(self._text.encode())
            if query.where is None and not columns:
                rows.sort(key=lambda row: str(row["Id"]))
            else:
                rows.sort(key=lambda row: zlib.crc32(str(row["Id"]).encode(), salt))
        for column, term in reversed(columns):
            rows.sort(key=_sort_key(column, term), reverse=term.descending)
        return rows

    def _sortable(self, query: Query, sobject: SObject, term: Ordering) -> Column:
        column = self._resolver.column(sobject, term.path, query.alias)
        if not column.field.sortable:
            message = f"field '{column.field.name}' can not be sorted in a query call"
            raise malformed(self._text, term.path.at, message)
        return column

    def _shape(self, query: Query, sobject: SObject) -> Shape:
        shape = Shape(sobject, self._view.base)
        for item in query.select:
            if isinstance(item, Path):
                self._add(shape, sobject, item, query.alias)
            elif isinstance(item, FieldsOf):
                self._add_all(shape, sobject, item, query)
            elif isinstance(item, Query):
                self._add_children(shape, sobject, item)
        return shape

    def _add(self, shape: Shape, sobject: SObject, path: Path, alias: str | None) -> None:
        column = self._resolver.column(sobject, path, alias)
        if not shape.add(column.parents, column.field, self._view.schema.everything):
            name = ".".join(path.parts)
            raise at_place(self._text, path.at, "INVALID_FIELD", f"duplicate field selected: {name}")

    def _add_all(self, shape: Shape, sobject: SObject, item: FieldsOf, query: Query) -> None:
        groups = {"STANDARD": (False,), "CUSTOM": (True,), "ALL": (False, True)}
        if item.group not in groups:
            raise malformed(self._text, item.at, f"unexpected token: '{item.group}'")
        if item.group != "STANDARD" and (query.limit is None or query.limit > 200):
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise malformed(self._text, item.at, message)
        for field in self._view.schema.fields(sobject).values():
            if field.custom in groups[item.group]:
                shape.add((), field, self._view.schema.everything)

    def _add_children(self, shape: Shape, sobject: SObject, query: Query) -> None:
        child, reference = self._resolver.child(sobject, query.source, query.source_at)
        render = self._shape(query, child).renderer(self._resolver)
        by_parent: dict[Value, list[Row]] = {}
        rows = self._kept(query, child, self._view.tables[child.name].values())
        for row in self._ordered(query, child, rows):
            by_parent.setdefault(row[reference.name], []).append(row)

        def children(row: Row) -> list[JSON]:
            return [render(child_row) for child_row in _cut(by_parent.get(row["Id"], []), query)]

        shape.parts[reference.child_relationship or query.source] = children


def _cut(rows: list[Row], query: Query) -> list[Row]:
    return rows[query.offset : None if query.limit is None else query.offset + query.limit]


def _is_wide(shape: Shape) -> bool:
    return any(getattr(part, "is_long_text", False) for part in shape.parts.values())


def _sort_key(column: Column, term: Ordering) -> Callable[[Row], tuple[int, Derived]]:
    read, folded = column.read, column.field.is_text
    absent = 0 if term.nulls_last == term.descending else 2

    def key(row: Row) -> tuple[int, Derived]:
        value = read(row)
        if value is None:
            return absent, 0
        return 1, value.casefold() if folded and isinstance(value, str) else value

    return key
