"""The record classes of a script, as far as its source says."""

import ast
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from orgsync.column_names import table_name

from .outline_names import FromOrgsync, Names, Table, Undecided, is_annotation, literal

__all__ = ["RESERVED", "table_of"]

_CLASS = re.compile(r"[A-Z][A-Za-z0-9_]*", re.ASCII)
_FIELD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_OBJECT = re.compile(r"[A-Za-z]\w*", re.ASCII)
_PATH = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", re.ASCII)

_PLAIN = frozenset({"str", "bool", "int", "float"})
_TYPES = _PLAIN | {"dict", "list", "object"}
_IMPORTED = (datetime, date, time, Decimal)
_OPTIONS = frozenset({"optional", "local", "index"})

RESERVED = frozenset(
    {
        *("connection", "id", "system_modstamp", "is_deleted"),
        *("sync_change", "sync_number", "sync_seq", "sync_changed_at", "sync_first_seen_at"),
        *("construct", "copy", "dict", "from_orm", "json", "metadata", "parse_file", "parse_obj", "parse_raw"),
        *("mro", "register", "registry", "schema", "schema_json", "update_forward_refs", "validate"),
    }
)
"""Names that a field may not have, but for those that begin with `model_` or `sqlmodel_`."""


def table_of(statement: ast.ClassDef, names: Names) -> Table:
    """Return the table of a record class in the usual form; raises Undecided for any other class."""
    match statement:
        case ast.ClassDef(
            name=name,
            bases=[ast.Name(id=base)],
            keywords=[ast.keyword(arg="table", value=ast.Constant(value=True))],
            decorator_list=[],
        ) if names.get(base) == FromOrgsync("Record") and _CLASS.fullmatch(name):
            return Table(_Body(names).read(statement.body) or table_name(name))
        case _:
            raise Undecided


class _Body:
    """The reading of one class."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._fields = set[str]()
        self._special = dict[str, object]()

    def read(self, statements: list[ast.stmt]) -> str:
        """Return the table's name, if the class gives one."""
        for statement in statements:
            match statement:
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value, simple=1):
                    self._read_field(name, annotation, value)
                case ast.Assign(
                    targets=[ast.Name(id="__sobject__" | "__tablename__" | "__optional__" as name)], value=value
                ):
                    self._special[name] = literal(value)
                case _:
                    raise Undecided
        return self._special_names()

    def _read_field(self, name: str, annotation: ast.expr, value: ast.expr | None) -> None:
        taken = name in self._names or name in _TYPES or name in RESERVED or name in self._fields
        if taken or not _FIELD.fullmatch(name) or name.startswith(("model_", "sqlmodel_")):
            raise Undecided
        if not self._is_column(annotation):
            raise Undecided
        self._fields.add(name)
        if value is not None:
            self._require_options(value)

    def _is_column(self, annotation: ast.expr) -> bool:
        match annotation:
            case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
                return self._is_column(left)
            case ast.Name(id=name):
                return name in _PLAIN or any(self._names.get(name) is each for each in _IMPORTED)
            case ast.Subscript(value=ast.Name(id="dict" | "list" as name), slice=inside):
                expected = 2 if name == "dict" else 1
                parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
                json = all(self._is_json(each) for each in parts)
                return len(parts) == expected and json and is_annotation(annotation, self._names)
            case _:
                return False

    def _is_json(self, inside: ast.expr) -> bool:
        """Return whether an annotation inside of a dict or a list is one of values that JSON has."""
        if isinstance(inside, ast.Name):
            return inside.id in {*_PLAIN, "object"} or self._names.get(inside.id) is Any
        return isinstance(inside, ast.Subscript) and self._is_column(inside)

    def _require_options(self, value: ast.expr) -> None:
        """Require `field("Account.Name", optional=True)` in one of the forms that are accepted."""
        match value:
            case ast.Call(func=ast.Name(id=name)) if self._names.get(name) == FromOrgsync("field"):
                paths = [literal(each) for each in value.args]
                options = {each.arg or "": literal(each.value) for each in value.keywords}
            case _:
                raise Undecided
        flags = all(isinstance(each, bool) for each in options.values()) and options.keys() <= _OPTIONS
        path = not paths or (len(paths) == 1 and isinstance(paths[0], str) and _PATH.fullmatch(paths[0]))
        if not flags or not path or (options.get("local") and (paths or options.get("optional"))):
            raise Undecided

    def _special_names(self) -> str:
        sobject, table = self._special.get("__sobject__"), self._special.get("__tablename__", "")
        if not isinstance(self._special.get("__optional__", False), bool):
            raise Undecided
        if sobject is not None and not (isinstance(sobject, str) and _OBJECT.fullmatch(sobject)):
            raise Undecided
        if not isinstance(table, str) or ("__tablename__" in self._special and not table.strip()):
            raise Undecided
        return table
