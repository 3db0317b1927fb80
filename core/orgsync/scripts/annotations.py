"""The record classes that a sync writes, according to its annotation."""

from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from orgsync.records import Record

__all__ = ["annotated_classes"]


def annotated_classes(function: Callable[..., Any]) -> list[type[Record]]:
    """Return the record classes in a sync's return annotation; none if it names none."""
    try:
        hints: dict[str, Any] = get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return []
    return list(dict.fromkeys(_record_classes(hints.get("return"))))


def _record_classes(annotation: Any) -> list[type[Record]]:
    """Return the record classes inside an annotation such as `AsyncIterator[Batch[Contact | Account]]`."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return [annotation] if "__orgsync_schema__" in vars(annotation) else []
    parts: tuple[Any, ...] = get_args(annotation)
    return [model for part in parts for model in _record_classes(part)]
