"""Searching: SOSL, and parameterizedSearch, which expresses the same without it.

A search reads the rows as they are now; a real org's index lags behind them. The order of the results is that of the
ids, where nothing else is requested. MALFORMED_SEARCH without braces is recorded; its other texts are assumed.
"""

import random
import re
from collections.abc import Iterator, Sequence

from .database import Database
from .fields import Field, Row, Scope, SObject
from .query import run
from .refusal import Refusal, not_implemented
from .sosl import Returned, Search, parse_search, search_terms
from .view import View
from .wire import Call, Json, Response, json_response

MOST, MOST_OF_ONE = 2000, 250
_SEARCHED = frozenset({"string", "textarea", "phone", "email", "url", "combobox"})
_GROUPS = {"EMAIL": {"email"}, "PHONE": {"phone"}}
_NAMES = frozenset({"FirstName", "LastName", "Username", "Title"})
_PARAMETERS = frozenset({"q", "in", "fields", "sobject", "sobjects", "defaultLimit", "overallLimit", "spellCorrection"})
_OF_OBJECTS = frozenset({"name", "fields", "where", "orderBy", "limit"})


class Searches:
    """Answers search and parameterizedSearch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, call: Call, base: str) -> Response:
        """Run the SOSL in `q`."""
        text = call.query.get("q")
        if not text:
            raise Refusal(400, "MALFORMED_SEARCH", "A search string has to be specified")
        return self._response(parse_search(text), base)

    def parameterized_get(self, call: Call, base: str) -> Response:
        """Run the search that the query string describes: `sobject=Account&Account.fields=Id,Name`."""
        given = dict(call.query)
        names = [name for name in given.pop("sobject", "").split(",") if name]
        objects: list[Json] = []
        for name in names:
            own = {key.partition(".")[2]: given.pop(key) for key in list(given) if key.startswith(f"{name}.")}
            objects.append({"name": name, **own})
        request: dict[str, Json] = {**given}
        return self._response(_described({**request, "sobjects": objects}), base)

    def parameterized_post(self, call: Call, base: str) -> Response:
        """Run the search that the body describes."""
        content = call.json()
        if not isinstance(content, dict):
            raise Refusal(400, "JSON_PARSER_ERROR", "An object expected at [line:1, column:1]")
        return self._response(_described(content), base)

    def _response(self, search: Search, base: str) -> Response:
        returned = search.returned or tuple(
            Returned(sobject.name) for sobject in self._database.schema.sobjects() if sobject.searchable
        )
        most = min(MOST // len(returned), MOST_OF_ONE)
        records = [record for each in returned for record in self._found(search, each, base, most)]
        query_id = f"{random.getrandbits(60):x}"
        limit = MOST if search.limit is None else min(search.limit, MOST)
        return json_response({"searchRecords": records[:limit]}, headers=[("queryId", query_id)])

    def _found(self, search: Search, returned: Returned, base: str, most: int) -> list[dict[str, object]]:
        sobject = self._database.schema.sobject(returned.sobject)
        if sobject is None or not sobject.searchable:
            text = f"sObject type '{returned.sobject}' is not supported in search."
            raise Refusal(400, "INVALID_TYPE", text)
        fields = list(self._fields(sobject, search.group))
        order = "" if re.search(r"\bORDER\s+BY\b", returned.clauses, re.I) else "ORDER BY Id"
        soql = " ".join(("SELECT", returned.fields, "FROM", sobject.name, returned.clauses, order))
        found = run(soql, View.of(self._database, base, deleted_too=False))
        scope = Scope(self._database.find, self._database.clock.now.date())
        rows = [row for row in found.rows if _matches(row, fields, search, scope)]
        kept = rows[returned.offset :][: most if returned.limit is None else min(returned.limit, MOST)]
        return [found.render(row) for row in kept]

    def _fields(self, sobject: SObject, group: str) -> Iterator[Field]:
        for field in self._database.schema.fields(sobject).values():
            named = field.name_field or field.name in _NAMES
            if field.type in _GROUPS.get(group, _SEARCHED) and (group not in {"NAME", "SIDEBAR"} or named):
                yield field


def _matches(row: Row, fields: Sequence[Field], search: Search, scope: Scope) -> bool:
    values = (field.derive(row, scope) if field.derive else row.get(field.name) for field in fields)
    return search.match("\n".join(str(value) for value in values if value is not None))


def _described(request: dict[str, Json]) -> Search:
    """Return the search that parameters describe."""
    unknown = next((name for name in request if name not in _PARAMETERS), None)
    if unknown is not None:
        raise not_implemented(f"know {unknown} of a parameterized search")
    text, objects = request.get("q"), request.get("sobjects")
    if not isinstance(text, str) or not text:
        raise Refusal(400, "MALFORMED_SEARCH", "A search string has to be specified")
    default, overall = _number(request.get("defaultLimit")), _number(request.get("overallLimit"))
    shared = _listed(request.get("fields"))
    returned = [_object(each, shared, default) for each in objects] if isinstance(objects, list) else []
    group = str(request.get("in") or "ALL").upper().removesuffix(" FIELDS")
    return Search(search_terms(text), group, tuple(returned), overall)


def _object(request: Json, fields: str, limit: int | None) -> Returned:
    if not isinstance(request, dict) or not isinstance(request.get("name"), str):
        raise Refusal(400, "JSON_PARSER_ERROR", "sobjects must be objects with a name at [line:1, column:1]")
    unknown = next((name for name in request if name not in _OF_OBJECTS), None)
    if unknown is not None:
        raise not_implemented(f"know {unknown} of an object of a parameterized search")
    where, order = request.get("where"), request.get("orderBy")
    clauses = (f"WHERE {where} " if where else "") + (f"ORDER BY {order}" if order else "")
    own = _number(request.get("limit"))
    return Returned(
        str(request["name"]), _listed(request.get("fields")) or fields or "Id", clauses, limit if own is None else own
    )


def _listed(value: Json) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _number(value: Json) -> int | None:
    if value is None:
        return None
    if not str(value).isdecimal():
        raise Refusal(400, "INVALID_SEARCH", f"A limit must be a number: {value}")
    return int(str(value))
