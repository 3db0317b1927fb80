"""SOQL's grammar, and the parser that turns text into a tree."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Protocol, cast

from orgsync.errors import ConfigurationInvalid

from .refusal import Refusal, not_implemented
from .syntax import (
    Aggregate,
    Boolean,
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
    Ordering,
    Path,
    Query,
    SemiJoin,
    Text,
)

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token] | Token | None

GRAMMAR = r"""
query: SELECT item ("," item)* FROM NAME [AS? NAME] [USING_SCOPE] _clauses
_clauses: [where] [WITH_MODE] [group] [order] [limit] [offset] [FOR_USE]
?item: path | fields_of | aggregate | "(" query ")"
path: NAME
fields_of: FIELDS "(" NAME ")"
aggregate: FUNCTION "(" [path] ")" [NAME]

where: WHERE condition
?condition: conjunction | disjunction | term
conjunction: term (AND term)+
disjunction: term (OR term)+
?term: NOT term -> negation | "(" condition ")" | comparison
comparison: path OPERATOR literal -> compare
          | path LIKE literal -> compare
          | path MEMBER "(" literal ("," literal)* ")" -> compare_many
          | path MEMBER "(" query ")" -> join

literal: STRING | DATETIME | DATE | NUMBER | BOOLEAN | NULL | NAMED_DATE

group: GROUP_BY path ("," path)*
order: ORDER_BY ordering ("," ordering)*
ordering: path [DIRECTION] [NULLS]
limit: LIMIT NUMBER
offset: OFFSET NUMBER

SELECT.3: /select\b/i
FROM.3: /from\b/i
AS.3: /as\b/i
WHERE.3: /where\b/i
AND.3: /and\b/i
OR.3: /or\b/i
NOT.3: /not\b/i
LIKE.3: /like\b/i
MEMBER.4: /(not\s+in|in|includes|excludes)\b/i
GROUP_BY.3: /group\s+by\b/i
ORDER_BY.3: /order\s+by\b/i
DIRECTION.3: /(asc|desc)\b/i
NULLS.3: /nulls\s+(first|last)\b/i
USING_SCOPE.4: /using\s+scope\s+everything\b/i
WITH_MODE.4: /with\s+(security_enforced|user_mode|system_mode)\b/i
FOR_USE.4: /for\s+(view|reference|update)\b/i
LIMIT.3: /limit\b/i
OFFSET.3: /offset\b/i
FIELDS.3: /fields(?=\s*\()/i
FUNCTION.3: /(count_distinct|count|min|max|sum|avg)(?=\s*\()/i
BOOLEAN.3: /(true|false)\b/i
NULL.3: /null\b/i
NAMED_DATE.2: /[a-z][a-z_0-9]*(:\d+)?\b/i
NAME: /(?!(select|from|where|and|or|not|in|like|limit|null)\b)[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*/i
OPERATOR: "<=" | ">=" | "!=" | "<>" | "=" | "<" | ">"
STRING: /'(\\.|[^'\\])*'/s
DATETIME.5: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/i
DATE.4: /\d{4}-\d\d-\d\d/
NUMBER.3: /[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i
%ignore /\s+/
"""

_WORD = re.compile(r"\w+|\S")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.S)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%"}
_WITHOUT_EFFECT = {"SELECT", "FROM", "AS", "USING_SCOPE", "WITH_MODE", "FOR_USE"}
_LITERAL = re.compile(r"'(?:\\.|[^'\\])*'", re.S)
_UNKNOWN = (
    (r"\btypeof\b", "know TYPEOF"),
    (r"\bhaving\b", "know HAVING"),
    (r"\bgroup\s+by\s+(rollup|cube)\b|\bgrouping\s*\(", "know GROUP BY ROLLUP and GROUP BY CUBE"),
    (r"\b(format|tolabel|convertcurrency|converttimezone|distance|geolocation)\s*\(", "know the function {0}()"),
    (
        r"\b((?:calendar|fiscal)_(?:month|quarter|year)|day_(?:in_\w+|only)|hour_in_day|week_in_\w+)\s*\(",
        "know the date function {0}()",
    ),
    (r"\b(?:using\s+scope\s+(\w+))", "know USING SCOPE {0}"),
    (r"\bwith\s+(data\s+category|\w+)", "know WITH {0}"),
    (r"\bupdate\s+(tracking|viewstat)\b", "know UPDATE {0}"),
    (r"\border\s+by\s+(?:[^)]*\W)?((?:count|count_distinct|min|max|sum|avg)\s*\()", "know aggregates in ORDER BY"),
)
"""What SOQL has and the grammar has not: a pattern, and what the demo org then says that it does not do."""
LONGEST = 100_000


class _Parser(Protocol):
    def parse(self, text: str) -> "Node": ...


@cache
def parser() -> "_Parser":
    """Build the parser, once in a process."""
    try:
        from lark import Lark
    except ImportError as missing:
        raise ConfigurationInvalid(
            "The demo org needs packages that are not installed.", "Install it: pip install 'orgsync[demo]'."
        ) from missing
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
    for pattern, what in _UNKNOWN:
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
    """Return what a string literal says."""

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
    clauses = {str(cast("Tree[Token]", child).data): _children(child)[1:] for child in children if not _kind(child)}
    items = children[: children.index(names[0])]
    limit, offset = clauses.get("limit"), clauses.get("offset")
    where = clauses.get("where")
    return Query(
        select=tuple(_item(text, item) for item in items),
        source=str(names[0]),
        source_at=_position(names[0]),
        alias=str(names[1]) if len(names) > 1 else None,
        where=_condition(text, where[0]) if where else None,
        group=tuple(_path(path) for path in clauses.get("group", ())),
        order=tuple(_ordering(term) for term in clauses.get("order", ())),
        limit=_whole(text, limit[0]) if limit else None,
        offset=_whole(text, offset[0]) if offset else 0,
    )


def _whole(text: str, node: "Node") -> int:
    number = str(node)
    if not number.isdigit():
        raise malformed(text, _position(node), f"unexpected token: '{number}'")
    return int(number)


def _item(text: str, node: "Node") -> Path | FieldsOf | Aggregate | Query:
    if _is(node, "query"):
        return _query(text, node)
    parts = _children(node)
    if _is(node, "fields_of"):
        return FieldsOf(str(parts[1]).upper(), _position(parts[0]))
    if _is(node, "aggregate"):
        path = _path(parts[1]) if parts[1] is not None else None
        alias = str(parts[2]) if parts[2] is not None else None
        return Aggregate(str(parts[0]).lower(), path, alias, _position(parts[0]))
    return _path(node)


def _path(node: "Node") -> Path:
    name = _children(node)[0]
    return Path(tuple(str(name).split(".")), _position(name))


def _ordering(node: "Node") -> Ordering:
    path, direction, nulls = _children(node)
    return Ordering(_path(path), str(direction).lower() == "desc", str(nulls).lower().endswith("last"))


def _condition(text: str, node: "Node") -> Condition:
    parts = _children(node)
    if _is(node, "compare"):
        return Comparison(_path(parts[0]), str(parts[1]).lower().replace("<>", "!="), (_literal(text, parts[2]),))
    if _is(node, "compare_many"):
        operator = " ".join(str(parts[1]).lower().split())
        return Comparison(_path(parts[0]), operator, tuple(_literal(text, part) for part in parts[2:]))
    if _is(node, "join"):
        return SemiJoin(_path(parts[0]), " ".join(str(parts[1]).lower().split()), _query(text, parts[2]))
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
