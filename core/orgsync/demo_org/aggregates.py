"""COUNT, MIN, MAX, SUM and AVG, over everything or over the groups of GROUP BY."""

from collections.abc import Callable, Sequence
from statistics import fmean

from .fields import Row, Value
from .grammar import malformed
from .render import encode
from .resolve import Column
from .syntax import Aggregate, Path, Query

Columns = Callable[[Path], Column]


def aggregate_rows(text: str, query: Query, rows: list[Row], column: Columns) -> list[Row]:
    """Return one object for each group, in the order of the grouped values."""
    keys = [column(path) for path in query.group]
    for path, key in zip(query.group, keys, strict=True):
        if not key.field.groupable:
            raise malformed(text, path.at, f"field '{key.field.name}' can not be grouped in a query call")
    groups: dict[tuple[Value, ...], list[Row]] = {} if keys else {(): rows}
    for row in rows if keys else ():
        groups.setdefault(tuple(_plain(key, row) for key in keys), []).append(row)
    writers = _writers(text, query, column)
    ordered = sorted(groups.items(), key=lambda group: [_rank(value) for value in group[0]])
    if query.order:
        ordered = _reordered(text, query, ordered)
    return [{name: write(key, members) for name, write in writers.items()} for key, members in ordered]


def _plain(column: Column, row: Row) -> Value:
    value = column.read(row)
    return None if isinstance(value, dict) else value


def _rank(value: Value) -> tuple[bool, str]:
    return value is not None, str(value).casefold()


Group = tuple[tuple[Value, ...], list[Row]]


def _reordered(text: str, query: Query, groups: list[Group]) -> list[Group]:
    for term in reversed(query.order):
        if term.path.parts not in [path.parts for path in query.group]:
            name = ".".join(term.path.parts)
            raise malformed(text, term.path.at, f"Ordered field must be grouped or aggregated: {name}")
        at = [path.parts for path in query.group].index(term.path.parts)
        absent = term.nulls_last == term.descending

        def key(group: Group, at: int = at, absent: bool = absent) -> tuple[int, str]:
            value = group[0][at]
            return (1, str(value).casefold()) if value is not None else (0 if absent else 2, "")

        groups = sorted(groups, key=key, reverse=term.descending)
    return groups


Writer = Callable[[tuple[Value, ...], list[Row]], Value]


def _writers(text: str, query: Query, column: Columns) -> dict[str, Writer]:
    writers: dict[str, Writer] = {}
    unnamed = 0
    grouped = [path.parts for path in query.group]
    for item in query.select:
        if isinstance(item, Aggregate):
            name = item.alias or f"expr{unnamed}"
            unnamed += item.alias is None
            writers[name] = _aggregate(text, item, column)
        elif isinstance(item, Path) and item.parts in grouped:
            writers[column(item).field.name] = _grouped(grouped.index(item.parts))
        else:
            name = ".".join(item.parts) if isinstance(item, Path) else "sub-select"
            at = item.at if isinstance(item, Path) else 0
            raise malformed(text, at, f"Field must be grouped or aggregated: {name}")
    return writers


def _grouped(at: int) -> Writer:
    return lambda key, rows: _written(key[at])


def _written(value: Value) -> Value:
    encoded = encode(value)
    return encoded if isinstance(encoded, str | int | float) else None


def _aggregate(text: str, item: Aggregate, column: Columns) -> Writer:
    if item.path is None:
        raise malformed(text, item.at, "Grouped query cannot use COUNT()")
    source = column(item.path)
    numeric = item.function in {"sum", "avg"}
    if not source.field.aggregatable or (numeric and source.field.type not in {"int", "double", "currency", "percent"}):
        raise malformed(text, item.at, f"field {source.field.name} does not support aggregate operator {item.function}")

    def write(key: tuple[Value, ...], rows: list[Row]) -> Value:
        values = [value for value in (_plain(source, row) for row in rows) if value is not None]
        return _result(item.function, values)

    return write


def _result(function: str, values: Sequence[Value]) -> Value:
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len({value.casefold() if isinstance(value, str) else value for value in values})
    if not values:
        return None
    if function in {"sum", "avg"}:
        numbers = [float(value) for value in values if isinstance(value, int | float)]
        return sum(numbers) if function == "sum" else fmean(numbers)
    ordered = sorted(values, key=_comparable)
    return _written(ordered[0] if function == "min" else ordered[-1])


def _comparable(value: Value) -> tuple[float, str]:
    return (value, "") if isinstance(value, int | float) else (0, str(value).casefold())
