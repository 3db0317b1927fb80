"""Which record classes a sync writes, as far as its annotation and its source tell."""

from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from orgsync.records import Record

__all__ = ["annotated_classes"]


def annotated_classes(function: Callable[..., Any]) -> list[type[Record]]:
    """Name the record classes that a sync says it yields; none where its annotation does not tell."""
    try:
        hints: dict[str, Any] = get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return []
    return list(dict.fromkeys(_record_classes(hints.get("return"))))


def _record_classes(annotation: Any) -> list[type[Record]]:
    """Look through `AsyncIterator[Batch[Contact | Account]]` for record classes."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return [annotation] if "__orgsync_schema__" in vars(annotation) else []
    parts: tuple[Any, ...] = get_args(annotation)
    return [model for part in parts for model in _record_classes(part)]
