"""A cassette as the document in its file: the types that YAML is read into and written from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeAlias
from urllib.parse import parse_qsl, urlencode

import msgspec

from .interaction import Cassette, Interaction, RecordedConnection, RecordedRequest, RecordedResponse
from .json_layout import laid_out
from .step_names import step_name

__all__ = ["VERSION", "Document", "Unfit"]

VERSION = 2
_FORM = "application/x-www-form-urlencoded"

_Pairs: TypeAlias = dict[str, str] | list[tuple[str, str]]
"""Names and values: a mapping, or a list where a name occurs twice."""


class Unfit(ValueError):
    """A document that is not a cassette which this orgsync reads, with the reason in words."""


class _Request(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A request; `uri` begins with a slash where it goes to the org. A body is a `form` or a text.

    Where `at` is missing, it was sent at the response's `date`. Where `after` is missing, it followed the step before.
    """

    method: str
    uri: str
    query: _Pairs = {}
    headers: dict[str, str] = {}
    form: _Pairs = {}
    body: str = ""
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    after: Annotated[int, msgspec.Meta(ge=0)] | None = None

    @classmethod
    def of(cls, request: RecordedRequest, at: datetime, after: int | None) -> "_Request":
        form = _form(request)
        return cls(
            request.method,
            request.origin + request.path,
            _named(request.query),
            dict(request.headers),
            _named(form),
            "" if form else laid_out(request.body),
            at,
            after,
        )

    def recorded(self) -> RecordedRequest:
        origin, path = _split(self.uri)
        body = urlencode(_pairs(self.form)) if self.form else self.body
        return RecordedRequest(self.method, origin, path, tuple(_pairs(self.query)), _lower(self.headers), body)


class _Response(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A response; `reason` is there where it is not the usual phrase, `base64` where the body is not text."""

    status: int
    reason: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    base64: bytes = b""

    @classmethod
    def of(cls, response: RecordedResponse) -> "_Response":
        body, headers = response.body, dict(response.headers)
        if isinstance(body, bytes):
            return cls(response.status, response.reason, headers, base64=body)
        return cls(response.status, response.reason, headers, laid_out(body))

    def recorded(self) -> RecordedResponse:
        return RecordedResponse(self.status, _lower(self.headers), self.base64 or self.body, self.reason)


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    request: _Request
    response: _Response

    @classmethod
    def of(cls, interaction: Interaction, number: int) -> "_Step":
        after = None if interaction.after == number else interaction.after
        return cls(_Request.of(interaction.request, interaction.at, after), _Response.of(interaction.response))

    def interaction(self, number: int) -> Interaction:
        request, response = self.request.recorded(), self.response.recorded()
        after = number if self.request.after is None else self.request.after
        if after > number:
            raise Unfit(f"step {number + 1} cannot come after {after} others")
        if self.request.at is None and "date" not in response.headers:
            raise Unfit(f"step {number + 1} has neither `at` nor a response with a date")
        return Interaction(request, response, self.request.at or response.date, after)


class Document(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The whole document. `contents` names each step, so that one that is lost from the file is noticed."""

    version: int
    connection: RecordedConnection = RecordedConnection()
    contents: list[str] | None = None
    interactions: list[_Step]

    @classmethod
    def of(cls, cassette: Cassette) -> "Document":
        """Return the document of a cassette."""
        steps = [_Step.of(each, number) for number, each in enumerate(cassette.interactions)]
        contents = [step_name(each) for each in cassette.interactions]
        return cls(version=VERSION, connection=cassette.connection, contents=contents, interactions=steps)

    def cassette(self) -> Cassette:
        """Return the cassette of a document. Raises Unfit where its steps contradict each other."""
        return Cassette(
            tuple(step.interaction(number) for number, step in enumerate(self.interactions)), self.connection
        )


def _form(request: RecordedRequest) -> list[tuple[str, str]]:
    """Return the pairs of a form; none where putting them together again would give another text."""
    if not request.headers.get("content-type", "").startswith(_FORM):
        return []
    form = parse_qsl(request.body, keep_blank_values=True)
    return form if urlencode(form) == request.body else []


def _named(pairs: Sequence[tuple[str, str]]) -> _Pairs:
    named = dict(pairs)
    return named if len(named) == len(pairs) else list(pairs)


def _pairs(pairs: _Pairs) -> list[tuple[str, str]]:
    return list(pairs.items()) if isinstance(pairs, dict) else pairs


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _split(uri: str) -> tuple[str, str]:
    """Return the origin and the path of a URI, or of a path alone."""
    scheme, colon, rest = uri.partition("://")
    if uri.startswith("/") or not colon:
        return "", uri
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash + path
