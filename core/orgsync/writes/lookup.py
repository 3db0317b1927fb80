"""Finding the rows of the org that external ids name, for a write that only updates."""

from collections.abc import Iterator, Mapping, Sequence

from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.query import records
from orgsync.soql import bind

from .row_result import RowResult, RowStatus
from .spool import Absent, Spool
from .target import Target
from .values import rest_value

__all__ = ["NOWHERE", "SEVERAL", "found_rows", "not_found"]

NOWHERE = ""
"""In place of an Id: no row has the external id."""
SEVERAL = "?"
"""In place of an Id: several rows have it."""

_LONGEST_LIST = 8_000  # characters of keys in one query; an address may have 16,000, and encoding makes it longer
_MOST_KEYS = 200


async def found_rows(client: Client, target: Target, spool: Spool, places: Sequence[int]) -> dict[int, str]:
    """Return the Id of each row's counterpart in the org by the row's place, or why there is none."""
    external_id = target.external_id or ""
    kind, at = target.type_of(external_id), -1
    wanted: dict[str, list[int]] = {}
    for row in spool.at(places):
        at = spool.columns(row.group).index(external_id) if at < 0 else at
        value = row.cells[at]
        key = _folded(None if isinstance(value, Absent) else rest_value(value, kind))
        wanted.setdefault(key, []).append(row.place)
    soql = f"SELECT Id, {external_id} FROM {target.sobject.name} WHERE {external_id} IN :keys"  # noqa: S608
    found = dict.fromkeys(places, NOWHERE)
    for keys in _lists(list(wanted), is_text=kind not in ("int", "double", "currency", "percent")):
        async for record in records(client, bind(soql, {"keys": keys})):
            for place in wanted.get(_folded(record.get(external_id)), ()):
                found[place] = str(record["Id"]) if found[place] == NOWHERE else SEVERAL
    return found


def not_found(found: Mapping[int, str], external_id: str) -> Iterator[RowResult]:
    """Yield the results of the rows that have no single counterpart."""
    for place, row_id in found.items():
        if row_id == NOWHERE:
            message = f"no row has this {external_id}, and none is made"
            yield RowResult(place, RowStatus.REFUSED, code="NOT_FOUND", fields=(external_id,), message=message)
        elif row_id == SEVERAL:
            message = f"several rows have this {external_id}"
            yield RowResult(
                place, RowStatus.REFUSED, code="DUPLICATE_EXTERNAL_ID", fields=(external_id,), message=message
            )


def _folded(value: object) -> str:
    """Return a key as Salesforce compares it: without case, and numbers by what they are."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).casefold()


def _lists(keys: Sequence[str], *, is_text: bool) -> Iterator[list[object]]:
    held: list[object] = []
    length = 0
    for key in keys:
        if held and (len(held) >= _MOST_KEYS or length + len(key) > _LONGEST_LIST):
            yield held
            held, length = [], 0
        held.append(key if is_text else float(key))
        length += 3 * len(key) + 3
    if held:
        yield held
