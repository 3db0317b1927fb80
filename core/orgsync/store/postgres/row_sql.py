"""The statements that read record tables and change what is in them as a whole, in PostgreSQL's words."""
# ruff: noqa: S608 # every name is quoted and every value a parameter

from collections.abc import Iterable, Mapping

from .table_sql import quoted

__all__ = [
    "and_also",
    "count_rows",
    "delete_owner",
    "escaped",
    "held",
    "lacking",
    "listed",
    "live_among",
    "live_count",
    "not_copied",
    "owners",
    "rename_owner",
    "rows_after",
    "rows_of",
    "unseen",
]

_STORED_FORM = {
    "timestamp with time zone": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    "numeric": "{}::text",
    "date": "to_char({}, 'YYYY-MM-DD')",
    "time without time zone": "to_char(timestamp '2000-01-01' + {}, 'HH24:MI:SS.MS')",
}
"""How values are read in stored form, by the column's type; the driver reads the others so by itself."""


def live_among(table: str) -> str:
    """Return the query for those of many ids that have a live row, in their order."""
    return (
        f"SELECT copy.id FROM unnest(%s::text[]) WITH ORDINALITY AS given (id, place) JOIN {quoted(table)} AS copy "
        "ON copy.connection = %s AND copy.id = given.id WHERE NOT copy.is_deleted ORDER BY given.place"
    )


def listed(columns: Mapping[str, str], *, json_as_text: bool = False) -> str:
    """Return the select list of columns, given with their types, so that each is read in stored form.

    JSON is read as Python's, or as the text that it is.
    """
    forms = {**_STORED_FORM, **({"jsonb": "{}::text"} if json_as_text else {})}
    return ", ".join(
        f"{forms.get(kind, '{}').format(quoted(name))} AS {quoted(name)}" for name, kind in columns.items()
    )


def live_count(table: str) -> str:
    """Return the query for how many live rows a connection has."""
    return f"SELECT count(*) FROM {quoted(table)} WHERE connection = %s AND NOT is_deleted"


def unseen(table: str) -> str:
    """Return the query for a page of live Ids that a pass has not seen, among rows numbered up to a sequence.

    Its parameters: the connection, the id before, the sequence, the pass's owner, the limit.
    """
    return (
        f"SELECT copy.id FROM {quoted(table)} AS copy WHERE copy.connection = %s AND copy.id > %s "
        "AND NOT copy.is_deleted AND copy.sync_number <= %s AND NOT EXISTS (SELECT 1 FROM orgsync_seen_id AS seen "
        "WHERE seen.connection = copy.connection AND seen.owner = %s AND seen.id = copy.id) "
        "ORDER BY copy.id LIMIT %s"
    )


def not_copied(table: str) -> str:
    """Return the query for a page of Ids that a pass has seen and that have no live row.

    Its parameters: the connection, the pass's owner, the id before, the limit.
    """
    return (
        "SELECT seen.id FROM orgsync_seen_id AS seen WHERE seen.connection = %s AND seen.owner = %s AND seen.id > %s "
        f"AND NOT EXISTS (SELECT 1 FROM {quoted(table)} AS copy "
        "WHERE copy.connection = seen.connection AND copy.id = seen.id AND NOT copy.is_deleted) "
        "ORDER BY seen.id LIMIT %s"
    )


def rows_after(
    table: str, columns: Mapping[str, str], *, of_one: bool, condition: str = "", json_as_text: bool = False
) -> str:
    """Return the query for a page of live rows by key, of one connection or of all; `condition` is an expression.

    Values are brought to their stored form for the rows of the page alone, and not for all that the server may sort.
    """
    key = "connection = %s AND id > %s" if of_one else "(connection, id) > (%s, %s)"
    name, read = quoted(table), ", ".join(map(quoted, dict.fromkeys([*columns, "connection", "id"])))
    return (
        f"SELECT {listed(columns, json_as_text=json_as_text)} FROM (SELECT {read} FROM {name} "
        f"WHERE {key} AND NOT is_deleted {and_also(condition)}"
        f"ORDER BY {name}.connection, {name}.id LIMIT %s) AS page ORDER BY page.connection, page.id"
    )


def rows_of(table: str, columns: Mapping[str, str], by: str, kind: str) -> str:
    """Return the query for a connection's rows by the values of a column of some type, which are texts."""
    value = quoted(by) if kind == "text" else f"({_STORED_FORM.get(kind, '{}').format(quoted(by))})::text"
    name = quoted(table)
    return (
        f"SELECT {listed(columns)} FROM {name} WHERE connection = %s AND {value} = ANY(%s::text[]) ORDER BY {name}.id"
    )


def lacking(table: str, columns: Mapping[str, str], empty: Iterable[str], given: str) -> str:
    """Return the query for a page of a connection's live rows in which columns are NULL and another one is not.

    Its parameters: the connection, the id before, the limit.
    """
    missing = "".join(f"AND {quoted(each)} IS NULL " for each in empty)
    name = quoted(table)
    return (
        f"SELECT {listed(columns)} FROM {name} WHERE connection = %s AND id > %s AND NOT is_deleted "
        f"{missing}AND {quoted(given)} IS NOT NULL ORDER BY {name}.id LIMIT %s"
    )


def held(table: str, column: str) -> str:
    """Return the query for those of many values that a live row has in a column."""
    return (
        f"SELECT given.value FROM unnest(%s::text[]) AS given (value) WHERE EXISTS (SELECT 1 FROM {quoted(table)} "
        f"AS copy WHERE copy.{quoted(column)} = given.value AND NOT copy.is_deleted)"
    )


def escaped(condition: str) -> str:
    """Return an expression in which a percent sign is no parameter's."""
    return condition.replace("%", "%%")


def and_also(condition: str) -> str:
    """Return an expression as one more condition of a query; nothing for an empty one."""
    return f"AND (\n{escaped(condition)}\n) " if condition else ""


def rename_owner(table: str) -> str:
    """Return the statement that gives another connection's name to a page of rows, each with the next number.

    Its parameters: the new name, the number before, the time, the old name, the size of the page.
    """
    name = quoted(table)
    return (
        f"UPDATE {name} AS kept SET connection = %s, sync_number = %s + page.place, sync_changed_at = %s, "
        "sync_change = CASE WHEN is_deleted THEN 'deleted' ELSE 'added' END "
        f"FROM (SELECT ctid AS there, row_number() OVER (ORDER BY id) AS place FROM {name} "
        "WHERE connection = %s ORDER BY id LIMIT %s) AS page WHERE kept.ctid = page.there"
    )


def owners(table: str) -> str:
    """Return the query for the connections that have rows in a table, deleted ones too."""
    return f"SELECT DISTINCT connection FROM {quoted(table)} ORDER BY connection"


def count_rows(table: str) -> str:
    """Return the query for the number of rows, deleted ones too, of one connection or, for NULL, of all."""
    return f"SELECT count(*) FROM {quoted(table)} WHERE connection = coalesce(%s, connection)"


def delete_owner(table: str) -> str:
    """Return the statement that removes a connection's rows."""
    return f"DELETE FROM {quoted(table)} WHERE connection = %s"
