"""How often a function reads each table in one run, and under which condition, as its source shows."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, cast

from orgsync.records import Record, schema_of

from .code_paths import most_calls

__all__ = ["conditions_of", "reads_of", "snapshots_of", "undeclared_reads_of"]

_METHODS = ("changes", "contents", "snapshot")


def reads_of(function: Callable[..., Any]) -> dict[type[Record], int]:
    """Count the calls of `ctx.changes(Name)` and `ctx.snapshot(Name)` on the path that makes most of them, by class.

    Names are resolved as the function does, through its closure and its module. A function without source, and a class
    that is chosen at run time, are not counted.
    """
    tree = _source_of(function)
    names = _names_in(function, tree)
    if tree is None or names is None:
        return {}
    model_of = names.model_of
    models = {model: schema_of(model).table.lower() for each in ast.walk(tree) if (model := model_of(each)) is not None}
    counts: dict[type[Record], int] = {}
    for model, table in models.items():

        def reads(node: ast.AST, table: str = table) -> bool:
            found = model_of(node)
            return found is not None and schema_of(found).table.lower() == table

        if most := most_calls(tree.body, reads):
            counts[model] = most
    return counts


def undeclared_reads_of(function: Callable[..., Any]) -> list[type[Record]]:
    """Find the record classes that are read and are not declared with table=True, which ends a run."""
    tree = _source_of(function)
    names = _names_in(function, tree)
    if tree is None or names is None:
        return []
    found = (names.class_of(node) for node in ast.walk(tree))
    return [model for model in found if model is not None and not _is_declared(model)]


def conditions_of(function: Callable[..., Any]) -> dict[type[Record], str]:
    """Return the conditions that record classes are read under, if written as a literal in the call: `where="..."`.

    They contain binds as they are written, `:name`.
    """
    tree = _source_of(function)
    names = _names_in(function, tree)
    found: dict[type[Record], str] = {}
    for node in ast.walk(tree) if tree is not None and names is not None else ():
        model = names.model_of(node) if names is not None else None
        for given in node.keywords if model is not None and isinstance(node, ast.Call) else ():
            if given.arg == "where" and isinstance(given.value, ast.Constant) and isinstance(given.value.value, str):
                found[cast("type[Record]", model)] = given.value.value
    return found


def snapshots_of(function: Callable[..., Any]) -> set[type[Record]]:
    """Return the declared record classes that are read by `ctx.snapshot`, as far as the source shows them."""
    tree = _source_of(function)
    names = _names_in(function, tree)
    if tree is None or names is None:
        return set()
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)]
    found = (names.model_of(each) for each in calls if getattr(each.func, "attr", "") == "snapshot")
    return {model for model in found if model is not None}


def _names_in(function: Callable[..., Any], tree: "ast.FunctionDef | ast.AsyncFunctionDef | None") -> "_Names | None":
    """Return what names mean in a function; None if its context parameter is assigned again."""
    if tree is None or not tree.args.args + tree.args.posonlyargs:
        return None
    context = (tree.args.posonlyargs + tree.args.args)[0].arg
    if any(isinstance(n, ast.Name) and n.id == context and not isinstance(n.ctx, ast.Load) for n in ast.walk(tree)):
        return None
    return _Names(cast("FunctionType", function), context)


def _source_of(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Parse the function's own source; return None if it cannot be read, or has changed to another function's."""
    if not isinstance(function, FunctionType):
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    found = tree.body[0] if tree.body else None
    if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) and found.name == function.__name__:
        return found
    return None


@dataclass(frozen=True, slots=True)
class _Names:
    """What the names in a function mean."""

    function: FunctionType
    context: str

    def model_of(self, node: ast.AST) -> type[Record] | None:
        """Return the declared record class that a call reads; None for any other node."""
        found = self.class_of(node)
        return found if found is not None and _is_declared(found) else None

    def class_of(self, node: ast.AST) -> type[Record] | None:
        """Return the record class that a call reads, declared with table=True or not; None for any other node."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS):
            return None
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == self.context):
            return None
        given = [*node.args, *(each.value for each in node.keywords if each.arg == "model")]
        found = self._value(given[0]) if given else None
        return found if isinstance(found, type) and issubclass(found, Record) else None

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Attribute):
            home = self._value(node.value)
            return getattr(home, node.attr, None) if isinstance(home, ModuleType) else None
        code = self.function.__code__
        if not isinstance(node, ast.Name) or node.id in (*code.co_varnames, *code.co_cellvars):
            return None
        if node.id in code.co_freevars:
            return _contents((self.function.__closure__ or ())[code.co_freevars.index(node.id)])
        return _globals(self.function).get(node.id)


def _is_declared(model: type[Record]) -> bool:
    return "__orgsync_schema__" in vars(model)


def _globals(function: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", function.__globals__)


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has no value yet
        return None
