"""The parser that turns SOQL text into a tree."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Protocol, cast

from orgsync.errors import PackageMissing

from .refusal import Refusal, not_implemented
from .soql_grammar import GRAMMAR, UNKNOWN
from .syntax import (
    Aggregate,
    Boolean,
    Call,
    Comparison,
    Condition,
    Conjunction,
    Disjunction,
    FieldsOf,
    Literal,
    Moment,
    Named,
    Negation,
    Null,
    Number,
    Operand,
    Ordering,
    Path,
    Query,
    Selected,
    SemiJoin,
    Text,
    TypeOf,
)

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token] | Token | None

_WORD = re.compile(r"\w+|\S")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.S)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%"}
_WITHOUT_EFFECT = {"SELECT", "FROM", "AS", "WITH_MODE", "FOR_USE"}
_LITERAL = re.compile(r"'(?:\\.|[^'\\])*'", re.S)
LONGEST = 100_000


class _Parser(Protocol):
    def parse(self, text: str) -> "Node": ...


@cache
def parser() -> "_Parser":
    """Build the parser, once in a process."""
    try:
        from lark import Lark
    except ImportError as missing:
        raise PackageMissing("The demo org needs packages that are not installed.", extra="demo") from missing
    return cast("_Parser", Lark(GRAMMAR, start="query", parser="lalr", maybe_placeholders=True))


@lru_cache(maxsize=512)
def parse(text: str) -> Query:
    """Return the tree of a query.

    Raises:
        Refusal: MALFORMED_QUERY, with the place that cannot be read.
    """
    from lark.exceptions import UnexpectedInput

    if len(text) > LONGEST:
        raise Refusal(400, "QUERY_TOO_COMPLICATED", "SOQL statements cannot be longer than 100000 characters.")
    try:
        tree = parser().parse(text)
    except UnexpectedInput as unexpected:
        if (unknown := _unknown(text)) is not None:
            raise unknown from None
        found = getattr(unexpected, "token", None)  # absent where no token can be read at all
        at = len(text) if found == "" else unexpected.pos_in_stream or 0
        offender = str(found or _WORD.findall(text[at : at + 80])[0] if at < len(text) else "<EOF>")
        raise malformed(text, at, f"unexpected token: '{offender}'") from None
    return _query(text, tree)


def _unknown(text: str) -> Refusal | None:
    """Return the 501 of a query that holds what SOQL has and the grammar has not; None for one that is wrong."""
    bare = _LITERAL.sub("''", text)
    for pattern, what in UNKNOWN:
        if match := re.search(pattern, bare, re.I):
            return not_implemented(what.format(*(str(each).upper() for each in match.groups())))
    if re.search(r"\ball\s+rows\s*$", bare, re.I):
        return Refusal(400, "MALFORMED_QUERY", "ALL ROWS not allowed in this context")
    return None


def malformed(text: str, at: int, message: str) -> Refusal:
    """Return MALFORMED_QUERY at a place of the text."""
    return at_place(text, at, "MALFORMED_QUERY", message)


def at_place(text: str, at: int, code: str, message: str) -> Refusal:
    """Return an error that shows the line, a caret below the place, and what is wrong there."""
    before = text[:at]
    row, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
    line = text.split("\n")[row - 1]
    caret = " " * (column - 1) + "^"
    return Refusal(400, code, f"\n{line}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")


def unescape(text: str, literal: Text) -> str:
    """Return the text of a string literal."""

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code.startswith("u") and len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise malformed(text, literal.at, f"Illegal character sequence '\\{code}' in string literal")
        return _ESCAPES[code]

    return _ESCAPE.sub(one, literal.raw)


def like_pattern(text: str, literal: Text) -> re.Pattern[str]:
    """Return LIKE's pattern for case-folded text: % any characters, _ one, escaped ones themselves."""
    pieces: list[str] = []
    for match in re.finditer(r"\\u[0-9a-fA-F]{4}|\\.|.", literal.raw, re.S):
        piece = match[0]
        if piece in {"%", "_"}:
            pieces.append(".*" if piece == "%" else ".")
        else:
            pieces.append(re.escape(unescape(text, Text(piece, literal.at)).casefold()))
    return re.compile("".join(pieces), re.S)


def _children(node: "Node") -> Sequence["Node"]:
    return cast("Sequence[Node]", cast("Tree[Token]", node).children)


def _is(node: "Node", name: str) -> bool:
    return getattr(node, "data", None) == name


def _kind(node: "Node") -> str:
    return str(getattr(node, "type", ""))


def _position(node: "Node") -> int:
    return int(cast("Token", node).start_pos or 0)


def _query(text: str, tree: "Node") -> Query:
    children = [child for child in _children(tree) if child is not None and _kind(child) not in _WITHOUT_EFFECT]
    names = [child for child in children if _kind(child) == "NAME"]
    scope = next((str(child).split()[-1].lower() for child in children if _kind(child) == "USING_SCOPE"), "everything")
    clauses = {str(cast("Tree[Token]", child).data): _children(child)[1:] for child in children if not _kind(child)}
    items = children[: children.index(names[0])]
    limit, offset = clauses.get("limit"), clauses.get("offset")
    where, group = clauses.get("where"), [part for part in clauses.get("group", ()) if part is not None]
    having = group.pop() if group and _is(group[-1], "having") else None
    select = tuple(_item(text, item) for item in items)
    aliased = next((item for item in select if isinstance(item, Path) and item.alias is not None), None)
    if aliased is not None and not group:
        raise malformed(text, aliased.at, "only aggregate expressions use field aliasing")
    return Query(
        select=select,
        source=str(names[0]),
        source_at=_position(names[0]),
        alias=str(names[1]) if len(names) > 1 else None,
        where=_condition(text, where[0]) if where else None,
        scope=scope,
        group=tuple(_operand(part) for part in group),
        having=_condition(text, _children(having)[1]) if having else None,
        order=tuple(_ordering(term) for term in clauses.get("order", ())),
        limit=_whole(text, limit[0]) if limit else None,
        offset=_whole(text, offset[0]) if offset else 0,
    )


def _whole(text: str, node: "Node") -> int:
    number = str(node)
    if not number.isdigit():
        raise malformed(text, _position(node), f"unexpected token: '{number}'")
    return int(number)


def _item(text: str, node: "Node") -> Selected:
    if _is(node, "query"):
        return _query(text, node)
    parts = _children(node)
    if _is(node, "fields_of"):
        return FieldsOf(str(parts[1]).upper(), _position(parts[0]))
    if _is(node, "typeof"):
        return _typeof(parts)
    operand, alias = parts
    return replace(_operand(operand), alias=None if alias is None else str(alias))


def _typeof(parts: Sequence["Node"]) -> TypeOf:
    whens = {str(_children(part)[1]): _paths(_children(part)[3]) for part in parts if _is(part, "when")}
    otherwise = next((part for part in parts if _is(part, "paths")), None)
    return TypeOf(_path(parts[1]), tuple(whens.items()), None if otherwise is None else _paths(otherwise))


def _paths(node: "Node") -> tuple[Path, ...]:
    return tuple(_path(path) for path in _children(node))


def _operand(node: "Node") -> Operand:
    parts = _children(node)
    if _is(node, "aggregate"):
        path = _path(parts[1]) if parts[1] is not None else None
        return Aggregate(str(parts[0]).lower(), path, _position(parts[0]))
    if _is(node, "call"):
        return Call(str(parts[0]).lower(), _operand(parts[1]), _position(parts[0]))
    return _path(node)


def _path(node: "Node") -> Path:
    name = _children(node)[0]
    return Path(tuple(str(name).split(".")), _position(name))


def _ordering(node: "Node") -> Ordering:
    path, direction, nulls = _children(node)
    return Ordering(_operand(path), str(direction).lower() == "desc", str(nulls).lower().endswith("last"))


def _condition(text: str, node: "Node") -> Condition:
    parts = _children(node)
    if _is(node, "compare"):
        return Comparison(_operand(parts[0]), str(parts[1]).lower().replace("<>", "!="), (_literal(text, parts[2]),))
    if _is(node, "compare_many"):
        operator = " ".join(str(parts[1]).lower().split())
        return Comparison(_operand(parts[0]), operator, tuple(_literal(text, part) for part in parts[2:]))
    if _is(node, "join"):
        left = _operand(parts[0])
        if not isinstance(left, Path):
            raise malformed(text, left.at, f"unexpected token: '{left.function}'")
        return SemiJoin(left, " ".join(str(parts[1]).lower().split()), _query(text, parts[2]))
    conditions = [_condition(text, part) for part in parts if not _kind(part)]
    if _is(node, "negation"):
        return Negation(conditions[0])
    return Conjunction(tuple(conditions)) if _is(node, "conjunction") else Disjunction(tuple(conditions))


def _literal(text: str, node: "Node") -> Literal:
    token = _children(node)[0]
    raw, at, kind = str(token), _position(token), _kind(token)
    if kind == "STRING":
        return Text(raw[1:-1], at)
    if kind == "NUMBER":
        return Number(float(raw), raw.lstrip("+-").isdigit(), at)
    if kind == "BOOLEAN":
        return Boolean(raw.lower() == "true", at)
    if kind == "NULL":
        return Null(at)
    if kind == "NAMED_DATE":
        name, _, count = raw.upper().partition(":")
        return Named(name, int(count or 0), at)
    try:
        if kind == "DATE":
            return Moment(date.fromisoformat(raw), at)
        return Moment(datetime.fromisoformat(raw.upper()).astimezone(UTC), at)
    except (ValueError, OverflowError):
        raise malformed(text, at, f"unexpected token: '{raw}'") from None
