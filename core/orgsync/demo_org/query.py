"""Running a SOQL query over the rows that are visible at one instant."""

import zlib
from dataclasses import dataclass

from .aggregates import Groups
from .fields import Row, Scope, SObject, Value
from .functions import DATE_FUNCTIONS, FOR_READING
from .grammar import malformed, parse
from .predicates import Predicate, Predicates
from .query_rules import Rules
from .refusal import Refusal
from .render import Shape
from .resolve import Column, Resolver, sort_key
from .select_list import SelectList
from .syntax import Aggregate, Call, Operand, Ordering, Query, Selected, SemiJoin, conditions
from .view import QueryResult, View, limited

HIGHEST_OFFSET = 2000


@dataclass(frozen=True, slots=True)
class Table:
    """A query's rows and columns, not yet written; `chunkable` where no ORDER BY or LIMIT keeps the rows together."""

    sobject: SObject
    columns: dict[str, Column]
    rows: list[Row]
    chunkable: bool


def run(text: str, view: View) -> QueryResult:
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
        self._select = SelectList(text, view, self._resolver, self._child_rows)

    def found(self, query: Query) -> QueryResult:
        sobject = self._resolver.sobject(query.source, query.source_at)
        aggregates = [item for item in query.select if isinstance(item, Aggregate)]
        if aggregates or query.group or any(_is_grouping(item) for item in query.select):
            return self._aggregated(query, sobject)
        shape = self._select.shape(query, sobject)
        rows = limited(self._ordered(query, sobject, self._matches(query, sobject)), query)
        return QueryResult(rows, shape.renderer(self._resolver), len(rows), _is_wide(shape))

    def table(self, query: Query) -> Table:
        sobject = self._resolver.sobject(query.source, query.source_at)
        self._select.shape(query, sobject)  # refuses what cannot be selected, in the words of every query
        columns = {
            column.name: column for item in query.select for column in self._select.columns(query, sobject, item)
        }
        rows = self._ordered(query, sobject, self._matches(query, sobject))
        return Table(sobject, columns, limited(rows, query), not query.order and query.limit is None)

    def _aggregated(self, query: Query, sobject: SObject) -> QueryResult:
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
            return QueryResult([], lambda row: dict(row), len(limited(rows, query)))

        records = limited(groups.records(rows, self._having(query, sobject, groups)), query)
        return QueryResult(records, lambda row: {"attributes": {"type": "AggregateResult"}, **row}, len(records))

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
        (column,) = self._select.columns(query, sobject, query.select[0])
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

    def _child_rows(self, query: Query, sobject: SObject) -> list[Row]:
        return self._ordered(query, sobject, self._kept(query, sobject))

    def _ordered(self, query: Query, sobject: SObject, rows: list[Row]) -> list[Row]:
        """Return rows sorted; those that ORDER BY leaves equal are in an arbitrary order, as in real orgs."""
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


def _is_wide(shape: Shape) -> bool:
    return any(getattr(part, "is_long_text", False) for part in shape.parts.values())


def _is_grouping(item: Selected) -> bool:
    """Return whether an item makes the query one of groups: a date function, or FORMAT() of an aggregate."""
    return isinstance(item, Call) and (item.function in DATE_FUNCTIONS or isinstance(item.operand, Aggregate))
