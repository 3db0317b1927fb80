"""The OpenAPI document as a page shows it: operations by tag, with what they take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Field", "Operation", "operations"]

_METHODS = ("get", "post", "put", "patch", "delete", "head")


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of an operation, or a field of its body; `place` is path, query, header or body."""

    name: str
    place: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: what it does in a sentence and in full, and what it takes."""

    method: str
    path: str
    summary: str
    about: str
    fields: tuple[Field, ...]
    answers: str


def operations(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Return the operations of a document by their first tag, in its order; those of several methods once for each."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                tag = (operation.get("tags") or ["other"])[0]
                found.setdefault(tag, []).append(_operation(document, method, path, operation))
    return found


def _operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    summary, _, about = str(operation.get("description", operation.get("summary", ""))).partition("\n\n")
    answers = ", ".join(f"{status}" for status in operation.get("responses", {}) if str(status).startswith("2"))
    fields = (*_parameters(document, operation), *_body(document, operation))
    return Operation(method.upper(), path, " ".join(summary.split()), about.strip(), fields, answers)


def _parameters(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[Field]:
    for each in operation.get("parameters", ()):
        schema = each.get("schema", {})
        about = str(each.get("description", schema.get("description", "")))
        yield Field(each["name"], each["in"], _kind(document, schema), bool(each.get("required")), about)


def _body(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[Field]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _resolved(document, content.get("schema", {}))
    for name, each in schema.get("properties", {}).items():
        is_required = name in schema.get("required", ())
        yield Field(name, "body", _kind(document, each), is_required, str(each.get("description", "")))


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return a schema in few words: `string`, `a or b`, `list of string`."""
    schema = _resolved(document, schema)
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        kinds = [_kind(document, each) for each in schema["anyOf"]]
        return " or ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Any = document
    for part in str(schema["$ref"]).removeprefix("#/").split("/"):
        found = found[part]
    return found  # type: ignore[no-any-return] # a schema of the same document
