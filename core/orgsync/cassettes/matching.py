"""Whether a request is the recorded one, and if not, where the two differ."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Any, cast
from urllib.parse import parse_qsl

from .interaction import RecordedRequest
from .multipart import is_multipart, parts_of_form
from .scrubbing import Kind, comparable, is_stand_in

__all__ = ["RequestKey", "difference", "likeness"]

_SECRET = frozenset(
    {
        "assertion",
        "client_assertion",
        "client_id",
        "client_secret",
        "code",
        "code_verifier",
        "password",
        "redirect_uri",
        "refresh_token",
        "token",
        "username",
    }
)
"""Parameters of the token endpoint whose values differ from one connection to the next."""

_LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\b17\d\d-\d\d-\d\d\b""")
"""A text in quotes, of SOQL or JSON, or a day that stands in for a date of birth."""

_ANYTHING = re.compile(".*", re.DOTALL)
_PHONE = 6  # digits that a telephone number has at least
_NAME = itemgetter(0)
_AROUND = 30  # letters shown on either side of a difference


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What counts when requests are compared: no host of the org, no header, secret, user id or e-mail address."""

    method: str
    place: str
    parts: tuple[tuple[str, str], ...]
    """Named texts: each query parameter, and the body, by form field or whole."""

    @classmethod
    def of(cls, request: RecordedRequest) -> "RequestKey":
        """Return the key of a request."""
        parts = [(name, comparable(value)) for name, value in request.query]
        return cls(
            request.method,
            comparable(request.origin + request.path),
            tuple(sorted([*parts, *_body(request)], key=_NAME)),
        )

    def fits(self, now: "RequestKey") -> bool:
        """Return whether a request matches this recorded one, in which a stand-in matches any value."""
        if (self.method, len(self.parts)) != (now.method, len(now.parts)) or not _fits(self.place, now.place):
            return False
        pairs = zip(self.parts, now.parts, strict=True)
        return all(name == other and _fits(then, text) for (name, then), (other, text) in pairs)


def _fits(then: str, now: str) -> bool:
    return then == now or ((loose := _loose(then)) is not None and loose.fullmatch(now) is not None)


@lru_cache(maxsize=4096)
def _loose(then: str) -> re.Pattern[str] | None:
    """Return a pattern for a text that holds stand-ins; None for one that holds none."""
    if _stands_in(then):
        return _ANYTHING
    pieces, end = list[str](), 0
    for found in _LITERAL.finditer(then):
        text = found[0]
        if text[0] in "'\"" and not _stands_in(text[1:-1]):
            continue
        any_value = rf"{text[0]}(?:[^{text[0]}\\]|\\.)*{text[0]}" if text[0] in "'\"" else r"\d{4}-\d\d-\d\d"
        pieces += [re.escape(then[end : found.start()]), any_value]
        end = found.end()
    return re.compile("".join([*pieces, re.escape(then[end:])]), re.DOTALL) if pieces else None


def _stands_in(text: str) -> bool:
    """Return whether a text is a stand-in for a name or a telephone number: those end in a number."""
    digits = sum(letter.isdigit() for letter in text)
    return digits > 0 and (is_stand_in(Kind.TEXT, text) or (digits >= _PHONE and is_stand_in(Kind.PHONE, text)))


def _body(request: RecordedRequest) -> list[tuple[str, str]]:
    if not request.body:
        return []
    if is_multipart(request):  # the boundary is made by chance, and all of a file is a stand-in
        parts = [(part.name, "..." if part.is_content else part.body, part.is_json) for part in parts_of_form(request)]
        return [
            each for name, text, is_json in parts for each in (_json(text) if is_json else [(name, comparable(text))])
        ]
    if "form" in request.headers.get("content-type", ""):
        form = parse_qsl(request.body, keep_blank_values=True)
        secret = "/oauth2/" in request.path
        return [(name, "..." if secret and name in _SECRET else comparable(value)) for name, value in form]
    return _json(request.body)


def _json(text: str) -> list[tuple[str, str]]:
    try:
        document: Any = json.loads(text)
    except ValueError:
        return [("body", comparable(text))]
    if isinstance(document, dict):
        named = cast("dict[str, object]", document)
        return [(name, comparable(_text(value))) for name, value in named.items()]
    return [("body", comparable(_text(document)))]


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def likeness(one: RequestKey, other: RequestKey) -> float:
    """Return how alike two requests are, from 0 to 1: the place counts most, then the texts."""
    if one == other:
        return 1.0
    share = SequenceMatcher(None, str(one.parts), str(other.parts), autojunk=False).quick_ratio()
    return 0.2 * (one.method == other.method) + 0.5 * (one.place == other.place) + 0.29 * share


def difference(now: RequestKey, then: RequestKey) -> str:
    """Return the first difference between a request and a recorded one, as lines."""
    if now.method != then.method or now.place != then.place:
        return _beside("", f"{now.method} {now.place}", f"{then.method} {then.place}")
    new, old = _by_name(now.parts), _by_name(then.parts)
    for name in dict.fromkeys([*old, *new]):
        for one, other in zip_longest(new.get(name, ()), old.get(name, ())):
            if one != other:
                return _beside(name, one, other)
    return ""


def _by_name(parts: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {name: [text for _, text in each] for name, each in groupby(parts, _NAME)}


def _beside(name: str, now: str | None, then: str | None) -> str:
    where = f" in {name}" if name else ""
    if now is None or then is None:
        return f"  the difference:{where}\n    sent:     {_short(now)}\n    recorded: {_short(then)}"
    at = next((n for n, (a, b) in enumerate(zip(now, then, strict=False)) if a != b), min(len(now), len(then)))
    return (
        f"  the first difference{where}, at character {at + 1}:\n"
        f"    sent:     {_window(now, at)}\n    recorded: {_window(then, at)}\n"
        f"              {' ' * (min(at, _AROUND) + (3 if at > _AROUND else 0))}^"
    )


def _window(text: str, at: int) -> str:
    start, end = max(0, at - _AROUND), at + 2 * _AROUND
    shown = text[start:end].replace("\n", " ")
    return f"{'...' if start else ''}{shown}{'...' if end < len(text) else ''}"


def _short(text: str | None) -> str:
    return "(missing)" if text is None else _window(text, 0)
