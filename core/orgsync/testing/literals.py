"""The words that a script writes, read from its source: values that its conditions may be looking for."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Literals", "literals_of"]

_COMPARED = re.compile(r"(\w+)\s*(?:=|!=|<>|LIKE|IN\s*\()\s*'([^']*)'", re.IGNORECASE)
_BOUND = re.compile(r"(\w+)\s*(?:=|!=|<>|LIKE|IN)\s*:(\w+)", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']{1,80})'")
_LONGEST = 40

Word = str | int | float


@dataclass(frozen=True, slots=True)
class Literals:
    """Words by the field they are compared with, and all texts short enough to be a value."""

    by_field: dict[str, list[Word]] = field(default_factory=dict[str, "list[Word]"])
    any: tuple[str, ...] = ()

    def meant(self, names: Iterable[str]) -> list[Word]:
        """Return the words that a field, by any of its names, is compared with."""
        return [word for name in dict.fromkeys(each.lower() for each in names) for word in self.by_field.get(name, [])]


def literals_of(source: str) -> Literals:
    """Read a script's words; docstrings do not count."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    found: dict[str, list[Word]] = {}
    for name, word in [*_in_conditions(texts, _arguments(tree)), *_in_code(tree)]:
        found.setdefault(name.lower(), []).append(word)
    short = [text for text in texts if 0 < len(text) <= _LONGEST and not text.upper().startswith("SELECT")]
    quoted = [word for text in texts for word in _QUOTED.findall(text)]
    return Literals(found, tuple(dict.fromkeys([*quoted, *short])))


def _in_conditions(texts: Iterable[str], arguments: dict[str, Word]) -> list[tuple[str, Word]]:
    """Find `Status = 'New'`, and `Status = :status` where `status="New"` is an argument."""
    found: list[tuple[str, Word]] = []
    for text in texts:
        found += [(name, word.strip("%")) for name, word in _COMPARED.findall(text)]
        found += [(name, arguments[bind]) for name, bind in _BOUND.findall(text) if bind in arguments]
    return found


def _arguments(tree: ast.AST) -> dict[str, Word]:
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg]
    return {str(each.arg): word for each in keywords for word in _constants(each.value)[:1]}


def _in_code(tree: ast.AST) -> list[tuple[str, Word]]:
    """Find `row.status == "New"` and `row["Status"] in ("New", "Open")`."""
    found: list[tuple[str, Word]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            name = _named(node.left)
            found += [(name, word) for other in node.comparators for word in _constants(other) if name]
    return found


def _named(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return ""


def _constants(node: ast.expr) -> list[Word]:
    """Return the texts and numbers of an expression: one, or those of a tuple, list or set."""
    nodes = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return [
        each.value for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, str | int | float)
    ]
