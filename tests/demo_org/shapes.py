"""How two JSON answers differ in shape: their keys, the types and formats of their values, and their headers."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast

__all__ = ["differing", "header_formats"]

Shape: TypeAlias = dict[str, set[str]]

_TEXTS = {
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000",
    "instant in Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z",
    "date": r"\d{4}-\d\d-\d\d",
    "milliseconds": r"\d{13}",
    "id": r"[a-zA-Z0-9]{15}[A-Z0-5]{3}",
    "path of the API": r"/services/data/v\d\d\.0/?.*",
}

_HEADERS = {
    "date": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    "last-modified": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    "content-type": r"(application/json;charset=UTF-8|text/csv|text/html(;charset=UTF-8)?)",
    "sforce-limit-info": r"api-usage=\d+/\d+",
    "sforce-locator": r"\w+",
    "sforce-numberofrecords": r"\d+",
    "etag": r'"[0-9a-f]{5,8}(--gzip)?"',
    "location": r"/services/data/v\d\d\.0/sobjects/\w+/[a-zA-Z0-9]{18}",
    "www-authenticate": r"Token",
    "expires": r"Thu, 01 Jan 1970 00:00:00 GMT",
}
"""The formats of the headers that a client may read, as recorded and as documented."""


def differing(real: Any, ours: Any) -> dict[str, str]:
    """Say where two answers differ in shape, by path; what is null in one may be anything in the other."""
    theirs, own = _shape(real), _shape(ours)
    found: dict[str, str] = {}
    for path in sorted(theirs.keys() ^ own.keys()):
        holder = path.rpartition(".")[0].removesuffix("[]")
        if _is_known(holder, theirs) and _is_known(holder, own):
            found[path] = "only recorded" if path in theirs else "only the demo org's"
    for path in sorted(theirs.keys() & own.keys()):
        kinds, others = theirs[path] - {"null"}, own[path] - {"null"}
        if kinds and others and not others <= kinds:
            found[path] = f"{', '.join(sorted(others))} instead of {', '.join(sorted(kinds))}"
    return found


def header_formats(headers: Iterable[tuple[str, str]]) -> dict[str, bool]:
    """Tell of each header that a client may read whether it has the format that it must have."""
    return {
        name.lower(): re.fullmatch(_HEADERS[name.lower()], value) is not None
        for name, value in headers
        if name.lower() in _HEADERS
    }


def _is_known(path: str, shape: Shape) -> bool:
    """Tell whether an answer had an object or a list with something in it at a path."""
    return not path or bool(shape.get(path, set()) & {"object", "list"})


def _shape(value: Any, path: str = "", found: Shape | None = None) -> Shape:
    """Gather the kinds of value at every path; the elements of a list share one."""
    found = {} if found is None else found
    if path:
        found.setdefault(path, set()).add(_kind(value))
    if isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            _shape(inner, f"{path}.{name}" if path else name, found)
    elif _kind(value) == "list":
        for inner in value:
            _shape(inner, f"{path}[]", found)
    return found


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return next((name for name, pattern in _TEXTS.items() if re.fullmatch(pattern, value)), "text")
    if value is None:
        return "null"
    kinds = ((bool, "boolean"), (int, "integer"), (float, "decimal"), (list, "list"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")
