"""What the source of a script says of its syncs, where that is certain: importing a script costs most of a second.

A script in the usual form is read and not imported: imports from orgsync, the scripts that come with it and the
standard library, record classes of plain fields, constants, functions, and syncs whose options are written out. Where
a script does anything else when it is imported, or anything in it might be refused, the answer is None, and only
importing it shows what it has.
"""

import ast
import builtins
import importlib
import sys
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from pathlib import Path
from types import CodeType, ModuleType, UnionType
from typing import Any

from orgsync.errors import OrgsyncError

from .action_outline import ActionOutline, action_of, is_action
from .outline_classes import table_of
from .outline_names import PUBLIC, FromOrgsync, Names, Table, Undecided, is_annotation, literal, tables_in
from .schedule import Every, Interval, parse_every, parse_interval

__all__ = ["ActionOutline", "SyncOutline", "outline_of", "outlines_of", "script_paths"]

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_ANYWHERE = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.FunctionDef, ast.ClassDef)
_READS = ("changes", "snapshot")
_SHIPPED = "orgsync_syncs"


_OPTIONS = frozenset({"every", "reconcile", "formulas", "name"})


@dataclass(frozen=True, slots=True)
class SyncOutline:
    """A sync as its source declares it; `function` is the function's name, `summary` its docstring's first line."""

    name: str
    function: str
    every: Every | None
    reconcile: Interval | None
    formulas: Interval | None
    summary: str
    tables: tuple[str, ...]


def script_paths(folder: Path) -> list[Path]:
    """Return the scripts of a folder in the order of their names, without those that begin with _."""
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def outlines_of(path: Path) -> list[SyncOutline] | None:
    """Return the syncs that a script would define or import; None where only importing it shows them."""
    outline = outline_of(path)
    return None if outline is None else outline.syncs


def outline_of(path: Path) -> "Outline | None":
    """Read a script; return None where only importing it shows what it has."""
    try:
        return _read(path)
    except (Undecided, OrgsyncError, OSError, SyntaxError, ValueError, Warning, RecursionError, MemoryError):
        return None  # the parser's own stack overflows as a MemoryError


def _read(path: Path) -> "Outline":
    tree = ast.parse(path.read_bytes(), str(path))
    outline = Outline(compile(tree, str(path), "exec", dont_inherit=True))
    for statement in tree.body:
        outline.read(statement)
    return outline


class Outline:
    """The reading of one module: what its names mean, and the syncs and actions among them, in their order."""

    def __init__(self, code: CodeType) -> None:
        self._functions = {each.co_name: each for each in code.co_consts if isinstance(each, CodeType)}
        self._names: Names = {}

    @property
    def syncs(self) -> list[SyncOutline]:
        """The syncs, each once, whatever names it has."""
        return [*dict.fromkeys(each for each in self._names.values() if isinstance(each, SyncOutline))]

    @property
    def actions(self) -> list[ActionOutline]:
        """The actions, each once, whatever names it has."""
        return [*dict.fromkeys(each for each in self._names.values() if isinstance(each, ActionOutline))]

    def value(self, name: str) -> object:
        """Return what a name of the module means to a script that imports it."""
        if not isinstance(self._names.get(name), Table | SyncOutline | ActionOutline):
            raise Undecided
        return self._names[name]

    def read(self, statement: ast.stmt) -> None:
        """Take in a statement; raise Undecided for one that does anything out of the usual."""
        match statement:
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Import():
                for each in statement.names:
                    module = _imported(each.name)
                    if "." in each.name and each.asname is None:
                        raise Undecided
                    self._bind(each.asname or each.name, module)
            case ast.ImportFrom(module="__future__", level=0):
                pass
            case ast.ImportFrom(module=str(module), level=0):
                for each in statement.names:
                    self._bind(each.asname or each.name, _attribute(module, each.name))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._bind(name, self._constant(value))
            case ast.ClassDef():
                self._bind(statement.name, table_of(statement, self._names))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._bind(statement.name, self._function(statement))
            case _:
                raise Undecided

    def _bind(self, name: str, value: object) -> None:
        """Give a name its only meaning; what is named again, or named as Python's own, might mean either."""
        own = name in self._names or hasattr(builtins, name)
        if own or (name.startswith("__") and name != "__all__"):
            raise Undecided
        self._names[name] = value

    def _constant(self, value: ast.expr) -> object:
        """Return what an expression means that has a value for certain: a literal, a length of time, classes with |."""
        match value:
            case ast.Call(func=ast.Name(id=name)) if self._names.get(name) is timedelta:
                options = {each.arg or "": literal(each.value) for each in value.keywords}
                try:
                    return timedelta(*map(literal, value.args), **options)
                except (TypeError, OverflowError):
                    raise Undecided from None
            case ast.BinOp(op=ast.BitOr()) if is_annotation(value, self._names):
                return UnionType
            case _:
                return literal(value)

    def _function(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> SyncOutline | ActionOutline | None:
        """Return the sync or the action that a function is, None for any other."""
        arguments = function.args
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                literal(default)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        annotations = [function.returns, *(each.annotation for each in every if each is not None)]
        if not all(is_annotation(each, self._names) for each in annotations if each is not None):
            raise Undecided
        if is_action(function, self._names):
            return action_of(function)
        return self._sync(function) if function.decorator_list else None

    def _sync(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> SyncOutline:
        """Read a sync; what the decorator or a run would refuse is left to them."""
        if len(function.decorator_list) > 1:
            raise Undecided
        options = self._options(function.decorator_list[0])
        context = self._context(function)
        compiled = self._functions.get(function.name)
        flags = compiled.co_flags if compiled else CO_COROUTINE
        if bool(flags & CO_ASYNC_GENERATOR) != isinstance(function, ast.AsyncFunctionDef):
            raise Undecided
        if flags & (CO_GENERATOR | CO_COROUTINE):
            raise Undecided
        self._require_single_reads(function, context)
        tables = tables_in(function.returns, self._names)
        if not tables:
            raise Undecided
        every, reconcile, formulas = (options.get(name) for name in ("every", "reconcile", "formulas"))
        return SyncOutline(
            options.get("name") or function.name,
            function.name,
            None if every is None else parse_every(every),
            None if reconcile is None else parse_interval(reconcile, of="reconcile"),
            None if formulas is None else parse_interval(formulas, of="formulas"),
            (ast.get_docstring(function, clean=False) or "").strip().partition("\n")[0],
            tables,
        )

    def _options(self, decorator: ast.expr) -> dict[str, str]:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        if not (isinstance(named, ast.Name) and self._names.get(named.id) == FromOrgsync("sync")):
            raise Undecided
        if not isinstance(decorator, ast.Call):
            return {}
        found = {each.arg or "": literal(each.value) for each in decorator.keywords}
        given = {name: value for name, value in found.items() if isinstance(value, str)}
        if decorator.args or len(given) < len(decorator.keywords) or not given.keys() <= _OPTIONS:
            raise Undecided
        return given

    def _context(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        """Return the name of the one parameter."""
        given = function.args
        places = [*given.posonlyargs, *given.args]
        if len(places) != 1 or given.kwonlyargs or given.vararg or given.kwarg or given.defaults:
            raise Undecided
        return places[0].arg

    def _require_single_reads(self, function: ast.FunctionDef | ast.AsyncFunctionDef, context: str) -> None:
        """Require that each table is read by one call that no loop repeats: twice might be refused."""
        repeated = [each for node in ast.walk(function) for each in _repeated(node, function)]
        if any(_is_read(each, context) for part in repeated for each in ast.walk(part)):
            raise Undecided
        seen = set[str]()
        for call in (each for each in ast.walk(function) if _is_read(each, context)):
            model = call.args[0] if isinstance(call, ast.Call) and call.args else None
            if (
                isinstance(model, ast.Attribute)
                and isinstance(model.value, ast.Name)
                and model.value.id not in self._names
            ):
                continue  # of a variable of the function: which class it is shows when it runs
            table = self._names.get(model.id) if isinstance(model, ast.Name) else None
            if not isinstance(table, Table) or table.name.lower() in seen:
                raise Undecided
            seen.add(table.name.lower())


def _repeated(node: ast.AST, function: ast.AST) -> list[ast.AST]:
    """Return what of a node may run more than once."""
    if isinstance(node, _LOOPS):
        return [*node.body, *node.orelse, *([node.test] if isinstance(node, ast.While) else [])]
    return [node] if isinstance(node, (*_ANYWHERE, ast.AsyncFunctionDef)) and node is not function else []


def _is_read(node: ast.AST, context: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=attr, value=ast.Name(id=name))):
            return name == context and attr in _READS
        case _:
            return False


def _imported(name: str) -> ModuleType:
    """Import a module of the standard library, as the script would."""
    if name.partition(".")[0] not in sys.stdlib_module_names:
        raise Undecided
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit):  # whatever it is, importing the script reports it
        raise Undecided from None


def _shipped_script(module: str) -> Path:
    """Find a script that comes with orgsync; its package, which holds nothing, is imported."""
    try:
        spec = find_spec(module)
    except ImportError:
        raise Undecided from None
    if spec is None or spec.origin is None:
        raise Undecided
    return Path(spec.origin)


def _attribute(module: str, name: str) -> Any:
    """Return what a script would import from a module: of orgsync's own names, which one it is."""
    if module == "orgsync":
        if name not in PUBLIC:
            raise Undecided
        return FromOrgsync(name)
    if module.startswith(f"{_SHIPPED}."):
        return _read(_shipped_script(module)).value(name)
    found = _imported(module)
    if name == "*" or not hasattr(found, name):
        raise Undecided
    return getattr(found, name)
