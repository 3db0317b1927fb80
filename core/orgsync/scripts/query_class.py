"""A record class made from a query that was written at run time, by the types that the org describes."""

import types
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from orgsync.errors import FieldNotFound
from orgsync.records import Record, field, schema_of
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe, describe
from orgsync.soql_query import FieldQuery, parse_field_query
from orgsync.suggest import nearest

__all__ = ["QueryClass", "query_class"]

_TYPES: dict[str, type] = {
    "boolean": bool,
    **dict.fromkeys(("int", "long"), int),
    **dict.fromkeys(("double", "currency", "percent"), float),
    **dict.fromkeys(("address", "location"), dict),
}
_KEPT = 32


@dataclass(frozen=True, slots=True)
class QueryClass:
    """The record class of a query, the object that it reads, and its condition, None for all rows.

    `ctx.changes(found.model, where=found.where)` follows the rows of the query.
    """

    model: type[Record]
    sobject: str
    where: str | None

    def values(self, record: Record) -> dict[str, Any]:
        """Return a record's fields by their paths as the query writes them: `Account.Name`."""
        return {column.path: getattr(record, column.name) for column in schema_of(self.model).fields}


async def query_class(client: Client, soql: str) -> QueryClass:
    """Make the class of a query, with one call for its object and one for each parent that it reads.

    Raises QueryRefused for what cannot be followed, ObjectNotFound and FieldNotFound for what the org does not have.
    """
    query = parse_field_query(soql)
    fields = await _Describes(client, {}).types_of(query)
    return QueryClass(_made(query.sobject, fields), query.sobject, query.where)


@dataclass(frozen=True, slots=True)
class _Describes:
    client: Client
    read: dict[str, ObjectDescribe]

    async def types_of(self, query: FieldQuery) -> tuple[tuple[str, type], ...]:
        """Return the Python type of each path."""
        found: list[tuple[str, type]] = []
        for path in query.paths:
            end = await self._end(query.sobject, path)
            found.append((path, str if end is None else _TYPES.get(end.type, str)))
        return tuple(found)

    async def _end(self, sobject: str, path: str) -> FieldDescribe | None:
        """Return the field at the end of a path; None behind a parent that may be of several kinds."""
        *relationships, name = path.split(".")
        for each in relationships:
            holder = await self._describe(sobject)
            reference = holder.parent(each)
            if reference is None:
                known = [one.relationship for one in holder.fields.values() if one.relationship]
                raise FieldNotFound(holder.name, each, reported_as="as a parent", near=nearest(each, known))
            if len(reference.refers_to) != 1:
                return None
            sobject = reference.refers_to[0]
        holder = await self._describe(sobject)
        found = holder.field(name)
        if found is None:
            near = nearest(name, [one.name for one in holder.fields.values()])
            raise FieldNotFound(holder.name, name, reported_as="in the query", near=near)
        return found

    async def _describe(self, sobject: str) -> ObjectDescribe:
        if sobject not in self.read:
            self.read[sobject] = await describe(self.client, sobject)
        return self.read[sobject]


@lru_cache(maxsize=_KEPT)
def _made(sobject: str, fields: tuple[tuple[str, type], ...]) -> type[Record]:
    names = {f"f_{path.lower().replace('.', '__')}": (path, kind) for path, kind in fields}
    body: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": f"Rows of {sobject}, as a query reads them.",
        "__sobject__": sobject,
        "__annotations__": {name: kind | None for name, (_, kind) in names.items()},
        **{name: field(path) for name, (path, _) in names.items()},
    }
    made = types.new_class("QueriedRecord", (Record,), {"table": True}, lambda namespace: namespace.update(body))
    return cast("type[Record]", made)
