"""SOSL as a tree: what to find, in which kinds of fields, and what to return of which objects."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .refusal import Refusal, not_implemented

LONGEST = 100_000
_WORD = re.compile(r"\w+")
_HEAD = re.compile(r"\s*FIND\s*\{((?:[^\\}]|\\.)*)\}\s*", re.I | re.S)
_IN = re.compile(r"IN\s+(ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS\b\s*", re.I)
_OBJECT = re.compile(r"\s*([A-Za-z]\w*)\s*(\()?")
_LIMIT = re.compile(r"LIMIT\s+(\d+)\s*\Z", re.I)
_CUT = re.compile(r"\b(LIMIT|OFFSET)\s+(\d+)\s*", re.I)
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\(|\)|(?:[^\s()"\\]|\\.)+)')
Match = Callable[[str], bool]
"""Whether a text holds what is searched for."""


@dataclass(frozen=True, slots=True)
class Returned:
    """An object that a search returns, with its fields and the clauses of SOQL that narrow and order it."""

    sobject: str
    fields: str = "Id"
    clauses: str = ""
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Search:
    """A search; without objects it returns the ids of all kinds of records."""

    match: Match
    group: str = "ALL"
    returned: tuple[Returned, ...] = ()
    limit: int | None = None


def parse_search(text: str) -> Search:
    """Return a search as SOSL writes it.

    Raises:
        Refusal: MALFORMED_SEARCH; NOT_IMPLEMENTED for clauses that the demo org does not know.
    """
    if len(text) > LONGEST:
        raise malformed(f"SOSL query string is too long: {len(text)} characters")
    head = _HEAD.match(text)
    if head is None:
        raise malformed("No search term found. The search term must be enclosed in braces.")
    rest, group = text[head.end() :], "ALL"
    inside = _IN.match(rest)
    if inside:
        rest, group = rest[inside.end() :], inside[1].upper()
    returned: tuple[Returned, ...] = ()
    if rest[:10].upper().startswith("RETURNING "):
        objects, rest = _returning(rest[10:])
        returned = tuple(objects)
    limit = _LIMIT.match(rest.strip())
    if rest.strip() and limit is None:
        if re.match(r"\s*(WITH|UPDATE|USING)\b", rest, re.I):
            raise not_implemented(f"know the SOSL clause {rest.split()[0].upper()}")
        raise malformed(f"unexpected token: {rest.split()[0]}")
    return Search(search_terms(head[1]), group, returned, int(limit[1]) if limit else None)


def search_terms(text: str) -> Match:
    """Return a test whether a text holds the words, phrases and wildcards of a search.

    Raises:
        Refusal: MALFORMED_SEARCH.
    """
    tokens = [match[1] for match in _TOKEN.finditer(text)]
    if len("".join(_WORD.findall(text))) < 2:
        raise malformed("search term must be longer than one character")
    match, rest = _any_of(tokens)
    if rest:
        raise malformed(f"unexpected token: {rest[0]}")
    return match


def malformed(message: str) -> Refusal:
    """Return the refusal of what is no SOSL."""
    return Refusal(400, "MALFORMED_SEARCH", message)


def _returning(text: str) -> tuple[list[Returned], str]:
    """Read the objects of RETURNING; return them and what follows."""
    found: list[Returned] = []
    while True:
        name = _OBJECT.match(text)
        if name is None:
            raise malformed("unexpected end of RETURNING")
        text, inside = text[name.end() :], ""
        if name[2]:
            inside, text = _parenthesized(text)
        found.append(_returned(name[1], inside))
        if not text.lstrip().startswith(","):
            return found, text
        text = text.lstrip()[1:]


def _returned(name: str, inside: str) -> Returned:
    fields, clauses = inside, ""
    clause = re.search(r"\b(?:WHERE|ORDER\s+BY|LIMIT|OFFSET|USING)\b", inside, re.I)
    if clause:
        fields, clauses = inside[: clause.start()], inside[clause.start() :]
    if re.match(r"USING\b", clauses, re.I):
        raise not_implemented("know list views in SOSL")
    cuts = {match[1].upper(): int(match[2]) for match in _CUT.finditer(clauses)}
    return Returned(name, fields.strip() or "Id", _CUT.sub("", clauses), cuts.get("LIMIT"), cuts.get("OFFSET", 0))


def _parenthesized(text: str) -> tuple[str, str]:
    depth, quoted = 1, False
    for place, letter in enumerate(text):
        if letter == "'" and (place == 0 or text[place - 1] != "\\"):
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[:place], text[place + 1 :]
    raise malformed("unexpected end of RETURNING")


def _any_of(tokens: list[str]) -> tuple[Match, list[str]]:
    first, rest = _all_of(tokens)
    matches = [first]
    while rest and rest[0].upper() == "OR":
        following, rest = _all_of(rest[1:])
        matches.append(following)
    return (lambda text: any(match(text) for match in matches)), rest


def _all_of(tokens: list[str]) -> tuple[Match, list[str]]:
    first, rest = _one(tokens)
    matches = [first]
    while rest and rest[0] != ")" and rest[0].upper() != "OR":
        rest = rest[1:] if rest[0].upper() == "AND" else rest
        negated = bool(rest) and rest[0].upper() == "NOT"
        following, rest = _one(rest[1:] if negated else rest)
        matches.append(_not(following) if negated else following)
    return (lambda text: all(match(text) for match in matches)), rest


def _one(tokens: list[str]) -> tuple[Match, list[str]]:
    if not tokens or tokens[0] == ")" or tokens[0].upper() in {"AND", "OR"}:
        raise malformed("unexpected end of the search term")
    if tokens[0] != "(":
        return _words(tokens[0]), tokens[1:]
    match, rest = _any_of(tokens[1:])
    if not rest or rest[0] != ")":
        raise malformed("missing ) in the search term")
    return match, rest[1:]


def _not(match: Match) -> Match:
    return lambda text: not match(text)


def _words(token: str) -> Match:
    """Return the match of words that follow each other; each is a whole word, but for wildcards."""
    pattern = r"\W+".join(_patterns(token.strip('"')))
    words = re.compile(rf"(?<!\w){pattern}(?!\w)", re.I)
    return lambda text: bool(pattern) and words.search(text) is not None


def _patterns(text: str) -> Iterator[str]:
    plain = re.sub(r"\\(.)", lambda match: match[1] if match[1].isalnum() else " ", text)
    for word in re.findall(r"[\w*?]+", plain):
        if word[0] in "*?":
            raise malformed("A wildcard cannot be the first character of a search term")
        yield re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w")
