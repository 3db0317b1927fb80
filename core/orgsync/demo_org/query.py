"""Running a SOQL query over the rows that are visible at one instant."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from .aggregates import Groups
from .database import Database
from .fields import Derive, Derived, Row, Scope, SObject, Value
from .functions import DATE_FUNCTIONS, FOR_READING
from .grammar import at_place, malformed, parse
from .objects import NAME, shared_name
from .predicates import Predicate, Predicates
from .query_rules import Rules
from .refusal import Refusal
from .render import JSON, Shape
from .resolve import Column, Resolver, sort_key
from .schema import Schema
from .syntax import Aggregate, Call, FieldsOf, Operand, Ordering, Path, Query, Selected, SemiJoin, TypeOf, conditions

HIGHEST_OFFSET = 2000
_GROUPS = {"STANDARD": (False,), "CUSTOM": (True,), "ALL": (False, True)}
Tables = Mapping[str, Mapping[str, Row]]


@dataclass(frozen=True, slots=True)
class View:
    """What a query may see: the rows of one instant, the user's schema, and the day.

    `most_rows` is how many rows the query may match before it takes too long; None for any number. `nested` writes
    the answer of a sub-select, or its first page.
    """

    tables: Tables
    schema: Schema
    today: date
    base: str
    deleted_too: bool
    hidden: Mapping[str, frozenset[str]]
    user_id: str
    most_rows: int | None
    nested: "Callable[[Found], JSON]"

    @classmethod
    def of(
        cls,
        database: Database,
        base: str,
        *,
        deleted_too: bool,
        most_rows: int | None = None,
        nested: "Callable[[Found], JSON] | None" = None,
    ) -> Self:
        """Return what the user sees of the database now; it stays as it is while the database goes on."""
        tables = {name: dict(rows) for name, rows in database.tables.items()}
        today, hidden = database.clock.now.date(), dict(database.hidden)
        return cls(
            tables, database.schema, today, base, deleted_too, hidden, database.user_id, most_rows, nested or _whole
        )

    def rows(self, sobject: str) -> Iterable[Row]:
        """Give the rows of an object that are shared with the user."""
        hidden = self.hidden.get(sobject)
        table = self.tables[sobject]
        return [row for key, row in table.items() if key not in hidden] if hidden else table.values()

    def find(self, sobject: str, record_id: Value) -> Row | None:
        """Return a row, whoever may see it."""
        return self.tables[sobject].get(record_id) if isinstance(record_id, str) else None

    def visible(self, sobject: str, record_id: Value) -> Row | None:
        """Return a row that is shared with the user; what is assumed: a parent that is not reads as null.

        Asked for the object Name, it returns what the record's own object and Name share.
        """
        if sobject == NAME.name:
            return self._named(str(record_id or ""))
        return None if record_id in self.hidden.get(sobject, ()) else self.find(sobject, record_id)

    def _named(self, record_id: str) -> Row | None:
        kind = self.schema.of_id(record_id)
        row = self.visible(kind.name, record_id) if kind and self.schema.sobject(kind.name) else None
        return shared_name(kind, row, Scope(self.find, self.today)) if kind and row else None


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


def _whole(found: Found) -> JSON:
    return {"totalSize": found.total, "done": True, "records": found.page(0, found.total)}


@dataclass(frozen=True, slots=True)
class Table:
    """A query's rows and columns, not yet written; `chunkable` where no ORDER BY or LIMIT keeps the rows together."""

    sobject: SObject
    columns: dict[str, Column]
    rows: list[Row]
    chunkable: bool


def run(text: str, view: View) -> Found:
    """Return what a query finds.

    Raises:
        Refusal: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE and their kin, worded as Salesforce words them.
    """
    query = parse(text)
    if query.offset > HIGHEST_OFFSET:
        raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {HIGHEST_OFFSET}")
    return _Run(text, view).found(query)


def run_table(text: str, view: View) -> Table:
    """Return a query's rows with flat columns, named by their paths: `Id`, `Account.Name`.

    Raises:
        Refusal: as `run` does.
    """
    return _Run(text, view).table(parse(text))


class _Run:
    """One query's compilation and execution."""

    def __init__(self, text: str, view: View) -> None:
        self._text = text
        self._view = view
        self._resolver = Resolver(text, view.schema, view.visible, Scope(view.find, view.today))
        self._predicates = Predicates(text, self._resolver, view.today, self._inner)
        self._rules = Rules(text, self._resolver)

    def found(self, query: Query) -> Found:
        sobject = self._resolver.sobject(query.source, query.source_at)
        aggregates = [item for item in query.select if isinstance(item, Aggregate)]
        if aggregates or query.group or any(_is_grouping(item) for item in query.select):
            return self._aggregated(query, sobject)
        shape = self._shape(query, sobject)
        rows = _cut(self._ordered(query, sobject, self._matches(query, sobject)), query)
        return Found(rows, shape.renderer(self._resolver), len(rows), _is_wide(shape))

    def table(self, query: Query) -> Table:
        sobject = self._resolver.sobject(query.source, query.source_at)
        self._shape(query, sobject)  # refuses what cannot be selected, in the words of every query
        columns = {column.name: column for item in query.select for column in self._columns(query, sobject, item)}
        rows = self._ordered(query, sobject, self._matches(query, sobject))
        return Table(sobject, columns, _cut(rows, query), not query.order and query.limit is None)

    def _columns(self, query: Query, sobject: SObject, item: object) -> list[Column]:
        if isinstance(item, Path | Call):
            return [self._resolver.column(sobject, item, query.alias)]
        if not isinstance(item, FieldsOf):
            return []
        fields = self._view.schema.fields(sobject).values()
        chosen = [field for field in fields if field.custom in _GROUPS[item.group]]
        return [Column((), field, self._resolver.own_reader(field)) for field in chosen]

    def _aggregated(self, query: Query, sobject: SObject) -> Found:
        counted = query.select[0]
        overall = not query.group and not (isinstance(counted, Aggregate) and counted.path is None)
        if overall and query.limit is not None:
            message = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
            raise malformed(self._text, query.source_at, message)

        groups = Groups(self._text, query, lambda operand: self._resolver.column(sobject, operand, query.alias))
        rows = self._matches(query, sobject)
        if not query.group and not overall and len(query.select) == 1:
            for term in query.order:
                groups.column(term.path, "Ordered field")
            return Found([], lambda row: dict(row), len(_cut(rows, query)))

        records = _cut(groups.records(rows, self._having(query, sobject, groups)), query)
        return Found(records, lambda row: {"attributes": {"type": "AggregateResult"}, **row}, len(records))

    def _having(self, query: Query, sobject: SObject, groups: Groups) -> Predicate:
        if query.having is None:
            return lambda group: True
        for part in conditions(query.having):
            if isinstance(part, SemiJoin):
                raise malformed(self._text, part.path.at, "Semi join sub-selects are not allowed in HAVING")

        def column(sobject: SObject, operand: Operand, alias: str | None) -> Column:
            return groups.column(operand)

        predicates = Predicates(self._text, self._resolver, self._view.today, self._inner, column)
        return predicates.compile(query.having, sobject, query.alias)

    def _inner(self, query: Query) -> set[Value]:
        """Return what a semi-join's query finds; queryAll looks at deleted rows there, too (assumed)."""
        sobject = self._resolver.sobject(query.source, query.source_at)
        (column,) = self._columns(query, sobject, query.select[0])
        values = map(column.read, self._kept(query, sobject))
        return {value for value in values if not isinstance(value, dict)}

    def _matches(self, query: Query, sobject: SObject) -> list[Row]:
        """Return the rows that WHERE keeps; a LIMIT does not spare the org the search for them."""
        self._rules.require_query(query, sobject)
        rows = self._kept(query, sobject)
        if self._view.most_rows is not None and len(rows) > self._view.most_rows:
            raise Refusal(400, "QUERY_TIMEOUT", "Your query request was running for too long.")
        return rows

    def _kept(self, query: Query, sobject: SObject) -> list[Row]:
        rows = self._view.rows(sobject.name)
        if not self._view.deleted_too and (sobject.has_recycle_bin or sobject.archives):
            rows = [row for row in rows if sobject.is_current(row)]
        if query.scope == "mine":
            if "ownerid" not in sobject.stored:
                raise malformed(self._text, query.source_at, f"USING SCOPE mine is not supported for {sobject.name}")
            rows = [row for row in rows if row["OwnerId"] == self._view.user_id]
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
            key = sort_key(column, descending=term.descending, nulls_last=term.nulls_last)
            rows.sort(key=key, reverse=term.descending)
        return rows

    def _sortable(self, query: Query, sobject: SObject, term: Ordering) -> Column:
        column = self._resolver.column(sobject, term.path, query.alias)
        if isinstance(term.path, Call) and term.path.function in {*FOR_READING, "converttimezone"}:
            raise malformed(self._text, term.path.at, f"unexpected token: '{term.path.function}'")
        if not column.field.sortable:
            message = f"field '{column.field.name}' can not be sorted in a query call"
            raise malformed(self._text, term.path.at, message)
        return column

    def _shape(self, query: Query, sobject: SObject) -> Shape:
        shape = Shape(sobject, self._view.base)
        for item in query.select:
            if isinstance(item, Path | Call):
                self._add(shape, sobject, item, query.alias)
            elif isinstance(item, TypeOf):
                self._add_typeof(shape, sobject, item)
            elif isinstance(item, FieldsOf):
                self._add_all(shape, sobject, item, query)
            elif isinstance(item, Query):
                self._add_children(shape, sobject, item)
        return shape

    def _add(self, shape: Shape, sobject: SObject, item: Path | Call, alias: str | None) -> None:
        column = self._resolver.column(sobject, item, alias)
        parents, field = column.parents, column.field
        if item.alias is not None:
            parents, field = (), replace(field, name=item.alias, derive=_from(column))
        if not shape.add(parents, field, self._view.schema.everything):
            raise at_place(self._text, item.at, "INVALID_FIELD", f"duplicate field selected: {item.spelled}")

    def _add_typeof(self, shape: Shape, sobject: SObject, item: TypeOf) -> None:
        """Add the parent that a reference to several objects points to, with the fields that its own object gets."""
        reference = self._view.schema.relationship(sobject, item.path.spelled)
        if reference is None or len(reference.kinds) < 2:
            message = f"TYPEOF takes a relationship to several objects; '{item.path.spelled}' is none"
            raise malformed(self._text, item.path.at, message)
        renderers: dict[str, Callable[[Row], JSON]] = {}
        for name, paths in item.whens:
            kind = self._resolver.sobject(name, item.path.at)
            if kind.name not in reference.kinds:
                message = f"'{item.path.spelled}' does not refer to '{name}'"
                raise malformed(self._text, item.path.at, message)
            renderers[kind.name] = self._fields(kind, paths)
        otherwise = self._fields(NAME, item.otherwise or ())

        def parent(row: Row) -> JSON | None:
            pointed = row.get(reference.name)
            named = self._view.visible(NAME.name, pointed)
            if named is None:
                return None
            kind = str(named["Type"])
            found = self._view.visible(kind, pointed)
            return renderers[kind](found) if found and kind in renderers else otherwise(named)

        if shape.parts.setdefault(reference.relationship or "", parent) is not parent:
            message = f"duplicate field selected: {item.path.spelled}"
            raise at_place(self._text, item.path.at, "INVALID_FIELD", message)

    def _fields(self, sobject: SObject, paths: tuple[Path, ...]) -> Callable[[Row], JSON]:
        shape = Shape(sobject, self._view.base)
        for path in paths:
            self._add(shape, sobject, path, None)
        return shape.renderer(self._resolver)

    def _add_all(self, shape: Shape, sobject: SObject, item: FieldsOf, query: Query) -> None:
        if item.group not in _GROUPS:
            raise malformed(self._text, item.at, f"unexpected token: '{item.group}'")
        if item.group != "STANDARD" and (query.limit is None or query.limit > 200):
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise malformed(self._text, item.at, message)
        for field in self._view.schema.fields(sobject).values():
            if field.custom in _GROUPS[item.group]:
                shape.add((), field, self._view.schema.everything)

    def _add_children(self, shape: Shape, sobject: SObject, query: Query) -> None:
        child, reference = self._resolver.child(sobject, query.source, query.source_at)
        render = self._shape(query, child).renderer(self._resolver)
        by_parent: dict[Value, list[Row]] = {}
        for row in self._ordered(query, child, self._kept(query, child)):
            by_parent.setdefault(row[reference.name], []).append(row)

        def children(row: Row) -> JSON | None:
            rows = _cut(by_parent.get(row["Id"], []), query)
            return self._view.nested(Found(rows, render, len(rows))) if rows else None

        shape.parts[reference.child_relationship or query.source] = children


def _cut(rows: list[Row], query: Query) -> list[Row]:
    return rows[query.offset : None if query.limit is None else query.offset + query.limit]


def _is_wide(shape: Shape) -> bool:
    return any(getattr(part, "is_long_text", False) for part in shape.parts.values())


def _from(column: Column) -> Derive:
    def derive(row: Row, scope: Scope) -> Derived:
        return column.read(row)

    return derive


def _is_grouping(item: Selected) -> bool:
    """Tell whether what is selected makes the query one of groups: a date function, or FORMAT() of an aggregate."""
    return isinstance(item, Call) and (item.function in DATE_FUNCTIONS or isinstance(item.operand, Aggregate))
