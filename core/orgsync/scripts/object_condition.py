"""The check of an object's condition against its describe, before anything is read."""

import re

from orgsync.errors import NameUnknown, QueryRefused
from orgsync.salesforce.api.describe import ObjectDescribe
from orgsync.soql import condition_of, require_condition, unbound
from orgsync.suggest import nearest

__all__ = ["require_fields_of"]

_FUNCTION = re.compile(r"\b([A-Za-z]\w*)\s*\(")
_AMOUNT = re.compile(r"[A-Za-z]{3}\d+(\.\d+)?")  # USD5000
_SELECT = re.compile(r"\s*(SELECT|WHERE)\b", re.IGNORECASE)


def require_fields_of(described: ObjectDescribe, where: str) -> None:
    """Raise NameUnknown for a field in a condition that the object does not have, with the nearest that it has.

    Raises QueryRefused for what is no condition, for a bind, and for a field that no condition can compare. The org
    itself says which fields parents have.
    """
    if found := _SELECT.match(where):
        raise QueryRefused(
            f"The condition of {described.name} begins with {found.group(1).upper()}.",
            "Write only what follows WHERE: where = \"Status__c = 'Open'\".",
        )
    require_condition(where)
    if name := unbound(where):
        raise QueryRefused(f"The condition of {described.name} has :{name}, and nothing gives it a value.", _LITERAL)
    condition = condition_of(where, described.name)
    functions = {name.lower() for name in _FUNCTION.findall(where)}
    for path in (*condition.paths, *(join.path for join in condition.semi_joins)):
        if path.lower() not in functions and not _AMOUNT.fullmatch(path):
            _require(described, path)


_LITERAL = "Write the value itself, text in single quotes: Status__c = 'Open'."


def _require(described: ObjectDescribe, path: str) -> None:
    first, _, rest = path.partition(".")
    if rest:
        known = [each.relationship for each in described.fields.values() if each.relationship]
        if described.parent(first) is None:
            raise _unknown(described, f"relationship {first}", nearest(first, known))
        return
    field = described.field(path)
    if field is None:
        near = nearest(path, [each.name for each in described.fields.values()])
        raise _unknown(described, f"field {path}", near)
    if not field.filterable:
        raise QueryRefused(
            f"The condition names {described.name}.{field.name}, which Salesforce does not filter by.",
            "Take it out of the condition.",
        )


def _unknown(described: ObjectDescribe, what: str, near: str | None) -> NameUnknown:
    return NameUnknown(
        f"The condition names the {what}, which {described.name} does not have, or the connection's user may not see.",
        f"Did you mean {near}?" if near else "Name fields by their API names, and put text in single quotes.",
    )
