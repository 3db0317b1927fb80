"""SOQL, forms and URLs, split into their texts and joined again."""

import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from .org_facts import object_of_query
from .pieces import Role, Visit

__all__ = ["rewritten_form", "rewritten_path", "rewritten_soql"]

_SOQL = re.compile(
    r"(?P<literal>'(?:[^'\\]|\\.)*')"
    r"|(?P<date>\b\d{4}-\d{2}-\d{2}\b(?!T))"
    r"|(?P<field>[A-Za-z_][\w.]*)(?=\s*(?:!=|<>|[<>]=?|=|\s(?:NOT\s+)?(?:IN|LIKE|INCLUDES|EXCLUDES)\b))",
    re.I | re.S,
)
_EXTERNAL_ID = re.compile(r"/sobjects/(?P<sobject>\w+)/(?P<field>[A-Za-z]\w*)/(?P<value>[^/?]+)$")
_RESOURCES = frozenset({"describe", "updated", "deleted", "listviews", "quickactions"})
_ESCAPED = re.compile(r"\\(.)", re.S)
_OPERATORS = frozenset({"not", "in", "like", "includes", "excludes"})


def rewritten_soql(text: str, role: Callable[[str, str], tuple[Role, str]], visit: Visit) -> str:
    """Visit the quoted literals and the dates, by the role of the field that each is compared with, and the rest."""
    sobject = object_of_query(text)
    compared: tuple[Role, str] = (Role.PROSE, "query")
    pieces: list[str] = []
    end = 0
    for found in _SOQL.finditer(text):
        if found["field"]:
            if found["field"].lower() not in _OPERATORS:
                compared = role(sobject, found["field"])
            continue
        if found["date"] and compared[0] not in (Role.DATE, Role.CHOSEN):
            continue
        pieces.append(visit(text[end : found.start()], Role.PLAIN, "query"))
        pieces.append(visit(found[0], Role.DATE, compared[1]) if found["date"] else _literal(found[0], compared, visit))
        end = found.end()
    return "".join(pieces) + visit(text[end:], Role.PLAIN, "query")


def _literal(quoted: str, compared: tuple[Role, str], visit: Visit) -> str:
    value = _ESCAPED.sub(r"\1", quoted[1:-1])
    new = visit(value, *compared)
    return quoted if new == value else "'" + new.replace("\\", "\\\\").replace("'", "\\'") + "'"


def rewritten_form(text: str, parameter: Callable[[str, str], str]) -> str:
    """Pass every value of a form to `parameter`, decoded, with its name; those that do not change stay as they are."""
    parts = text.split("&")
    for at, part in enumerate(parts):
        name, equals, raw = part.partition("=")
        value = unquote_plus(raw)
        new = parameter(unquote_plus(name), value)
        if new != value:
            parts[at] = f"{name}{equals}{quote_plus(new)}"
    return "&".join(parts)


def rewritten_path(path: str, role: Callable[[str, str], tuple[Role, str]], visit: Visit) -> str:
    """Visit a path, and the value of an external id at its end by the role of its field."""
    found = _EXTERNAL_ID.search(path)
    if found is None or found["field"].lower() in _RESOURCES:
        return visit(path, Role.PLAIN, "path")
    value = unquote(found["value"])
    new = visit(value, *role(found["sobject"], found["field"]))
    last = found["value"] if new == value else quote(new, safe="")
    return visit(path[: found.start("value")], Role.PLAIN, "path") + last
