"""What the names of a script mean, as far as its source says."""

import ast
from collections import abc
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["PUBLIC", "FromOrgsync", "Names", "Table", "Undecided", "is_annotation", "literal", "tables_in"]

Names: TypeAlias = dict[str, object]
"""What each name means: `FromOrgsync`, a `Table`, a constant, a thing of the standard library, None for a function."""

PUBLIC = frozenset(
    {
        *("Batch", "Batches", "ConnectionInfo", "Context", "Credentials", "Org", "OrgsyncError", "Record", "Sync"),
        *("ActionResult", "action"),
        *("connections", "field", "open", "reset", "run", "sync"),
    }
)
"""Names that a script can certainly import from orgsync."""

_BUILTIN = frozenset({"str", "bool", "int", "float", "bytes", "object", "dict", "list", "tuple", "set", "frozenset"})
_GENERIC = frozenset({"dict", "list", "tuple", "set", "frozenset"})
_CLASSES = frozenset({"ActionResult", "Batch", "Context", "Org", "Record", "Sync", "Credentials", "ConnectionInfo"})
_BATCH, _BATCHES = "Batch", "Batches"


class Undecided(Exception):
    """The source alone does not decide it."""


@dataclass(frozen=True, slots=True)
class FromOrgsync:
    """A name of orgsync's own."""

    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """A record class, by its table."""

    name: str


def literal(value: ast.expr) -> Any:
    """Return the value of a constant expression; raises Undecided for any other."""
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise Undecided from None


def is_annotation(node: ast.expr, names: Names) -> bool:
    """Return whether evaluating an annotation certainly succeeds: classes, alternatives of them, and generics."""
    match node:
        case ast.Constant(value=None):
            return True
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            several = [side for side in (left, right) if not isinstance(side, ast.Constant)]
            return bool(several) and is_annotation(left, names) and is_annotation(right, names)
        case ast.Name(id=name):
            return name in _BUILTIN or _is_class(names.get(name))
        case ast.Subscript(value=ast.Name(id=name), slice=inside):
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            return _takes(name, len(parts), names) and all(is_annotation(each, names) for each in parts)
        case _:
            return False


def tables_in(annotation: ast.expr | None, names: Names) -> tuple[str, ...]:
    """Return the tables in `Batches[A | B]` or `AsyncIterator[Batch[A]]`; raises Undecided for other annotations."""
    match annotation:
        case ast.Subscript(value=ast.Name(id=name), slice=inside) if names.get(name) == FromOrgsync(_BATCHES):
            return _alternatives(inside, names)
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Subscript(value=ast.Name(id=batch), slice=inside)) if (
            names.get(name) is abc.AsyncIterator and names.get(batch) == FromOrgsync(_BATCH)
        ):
            return _alternatives(inside, names)
        case _:
            raise Undecided


def _alternatives(node: ast.expr, names: Names) -> tuple[str, ...]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return tuple(dict.fromkeys((*_alternatives(left, names), *_alternatives(right, names))))
        case ast.Name(id=name) if isinstance(found := names.get(name), Table):
            return (found.name,)
        case _:
            raise Undecided


def _is_class(meaning: object) -> bool:
    if isinstance(meaning, FromOrgsync):
        return meaning.name in _CLASSES
    return isinstance(meaning, Table | type) or meaning is Any


def _takes(name: str, parameters: int, names: Names) -> bool:
    """Return whether a generic takes so many parameters."""
    meaning = names.get(name)
    if meaning in (FromOrgsync(_BATCH), FromOrgsync(_BATCHES)):
        return parameters == 1
    if name in _GENERIC:
        return meaning is None
    if not isinstance(meaning, type) or not hasattr(meaning, "__class_getitem__"):
        return False  # as Sized and Hashable are
    return meaning.__module__ == "collections.abc" and meaning.__name__ != "Callable"
