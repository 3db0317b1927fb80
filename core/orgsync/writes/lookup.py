"""Finding the rows of the org that external ids name, for a write that only updates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.query import records
from orgsync.soql import bind

from .row_result import RowResult, RowStatus
from .spool import Absent, Spool, Value
from .target import Target
from .values import NUMBER_TYPES, rest_value

__all__ = ["NOWHERE", "SEVERAL", "found_rows", "not_found", "unique_rows"]

NOWHERE = ""
"""In place of an Id: no row has the external id."""
SEVERAL = "?"
"""In place of an Id: several rows have it."""

_LONGEST_LIST = 8_000  # characters of keys in one query; an address may have 16,000, and encoding makes it longer
_MOST_KEYS = 200


async def found_rows(client: Client, target: Target, spool: Spool, places: Sequence[int]) -> dict[int, str]:
    """Return the Id of each row's counterpart in the org by the row's place, or why there is none."""
    external_id = target.external_id or ""
    kind = target.type_of(external_id)
    wanted: dict[str, list[int]] = {}
    key_values: dict[str | int | float, None] = {}
    for row in spool.at(places):
        key = _key(row.cells[spool.columns(row.group).index(external_id)], kind)
        if key is not None:
            wanted.setdefault(_folded(key), []).append(row.place)
            key_values[key] = None
    soql = f"SELECT Id, {external_id} FROM {target.sobject.name} WHERE {external_id} IN :keys"  # noqa: S608
    found = dict.fromkeys(places, NOWHERE)
    for keys in _lists(key_values):
        async for record in records(client, bind(soql, {"keys": keys})):
            for place in wanted.get(_folded(record.get(external_id)), ()):
                row_id = str(record["Id"])
                found[place] = row_id if found[place] in (NOWHERE, row_id) else SEVERAL
    return found


def unique_rows(found: Mapping[int, str]) -> dict[int, str]:
    """Return the Ids of the counterparts alone."""
    return {place: row_id for place, row_id in found.items() if row_id not in (NOWHERE, SEVERAL)}


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


def _key(value: Value, kind: str) -> str | int | float | None:
    """Return an external id as the row spells it; None where no row of the org can have it: a text for a number."""
    key = None if isinstance(value, Absent) else rest_value(value, kind)
    if kind in NUMBER_TYPES:
        return key if isinstance(key, int | float) and not isinstance(key, bool) else None
    return None if key is None else str(key)


def _folded(key: object) -> str:
    """Return a key as Salesforce compares it: without case, and numbers by what they are."""
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return str(key).casefold()


def _lists(keys: Iterable[str | int | float]) -> Iterator[list[object]]:
    held: list[object] = []
    length = 0
    for key in keys:
        size = 3 * len(str(key)) + 3
        if held and (len(held) >= _MOST_KEYS or length + size > _LONGEST_LIST):
            yield held
            held, length = [], 0
        held.append(key)
        length += size
    if held:
        yield held
