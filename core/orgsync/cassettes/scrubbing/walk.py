"""A walk over an interaction: a visitor receives every text of it, decoded, and returns what replaces it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from ..interaction import Interaction, RecordedRequest, RecordedResponse
from ..multipart import Part, is_multipart, rewritten_parts, with_file_name
from .csv_pieces import rewritten_csv
from .json_pieces import Frame, rewritten_json
from .org_facts import OrgFacts, is_identity, object_of_query
from .personal import PersonalFields, identity_role
from .pieces import SECRETS, Role, Visit
from .query_pieces import rewritten_form, rewritten_path, rewritten_soql

__all__ = ["Walk", "is_secret_header"]

_SECRET_HEADERS = re.compile(
    r"authorization|proxy-authorization|(?:set-)?cookie2?|x-sfdc-session|sforce-session.*|x-(?:\w+-)*(?:token|api-key)"
)
_IDLE_HEADERS = re.compile(
    r"host|user-agent|origin|referer|forwarded|via|server|server-timing|x-request-id|x-sfdc-request-id"
    r"|x-sfdc-edge-cache|x-forwarded-.*|x-amz.*|x-b3-.*|cf-ray|traceparent|tracestate|content-length|content-encoding"
    r"|transfer-encoding|connection|keep-alive|accept-encoding|report-to|nel|content-security-policy.*"
)
_SECRET_ANYWHERE = frozenset(SECRETS) - {"code", "password", "signature", "token", "code_challenge"}
_PROTOCOL = frozenset(
    {
        "type", "state", "operation", "object", "sobject", "contentType", "lineEnding", "columnDelimiter", "jobType",
        "concurrencyMode", "errorCode", "statusCode", "fields", "method", "referenceId", "queryLocator",
        "entityTypeName", "soapType", "token_type", "scope", "error",
    }
)  # fmt: skip
_OF_SOBJECT = re.compile(r"/sobjects/(\w+)")
_RESULTS = re.compile(r"/jobs/(?:query|ingest)/(\w{15})\w*/(?:results|batches|\w*[rR]esults|unprocessedrecords)")
_SCHEMA = re.compile(r"/describe(?:/|$)|(?<!/composite)/sobjects/?$|/limits/?$|/services/data/?$")
_BODIES = ("body", "richInput")  # of the requests inside a composite one
_SOQL = re.compile(r"\s*SELECT\b", re.I)


@dataclass(slots=True)
class _Message:
    """What is known of a message from its request; `schema` is true of describes and limits, which hold no records."""

    path: str
    sobject: str
    source: str
    """The object that the request's query reads."""
    schema: bool
    identity: bool
    roles: dict[tuple[str, str, str, str], tuple[Role, str]]
    """The role and the name found for an object, the key it is under, the object above it and a key of its own."""


class Walk:
    """Visits what is in a cassette. The visitor receives whole values; structure, names and numbers stay."""

    def __init__(self, facts: OrgFacts, personal: PersonalFields, visit: Visit) -> None:
        self._facts = facts
        self._personal = personal
        self._visit = visit
        self._named: dict[tuple[str, str], tuple[Role, str]] = {}

    def interaction(self, each: Interaction) -> Interaction:
        """Visit a request and its response."""
        return replace(each, request=self.request(each), response=self.response(each))

    def request(self, each: Interaction) -> RecordedRequest:
        """Visit a request; headers that hold secrets or name machines are left out."""
        request, message = each.request, self._message(each)
        kind = request.headers.get("content-type", "")
        if is_multipart(request):
            body = rewritten_parts(request, lambda part: self._part(part, message))
        else:
            body = self._body(request.body, kind, message)
        return replace(
            request,
            path=rewritten_path(request.path, self._field, self._leaf),
            query=tuple((name, self._parameter(name, text, request.path)) for name, text in request.query),
            headers=self._headers(request.headers),
            body=body,
        )

    def response(self, each: Interaction) -> RecordedResponse:
        """Visit a response, likewise."""
        response, message = each.response, self._message(each)
        if isinstance(response.body, bytes):
            visited = self._leaf(response.body.decode("latin-1"), Role.PLAIN, "body")
            body: str | bytes = visited.encode("latin-1", "replace")
        else:
            body = self._body(response.body, response.headers.get("content-type", ""), message)
        return replace(response, headers=self._headers(response.headers), body=body)

    def _message(self, each: Interaction) -> _Message:
        path, body = each.request.path, each.response.body
        of = _OF_SOBJECT.search(path)
        schema = _SCHEMA.search(path) is not None or (isinstance(body, str) and '"soapType"' in body)
        queries = (text for name, text in each.request.query if name == "q")
        source = object_of_query(next(queries, ""))
        return _Message(path, of[1] if of else "", source, schema, is_identity(path), {})

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        kept: dict[str, str] = {}
        for name, text in headers.items():
            if not is_secret_header(name) and not _IDLE_HEADERS.fullmatch(name.lower()):
                kept[name] = self._leaf(text, Role.URL if name.lower() == "location" else Role.PLAIN, name)
        return kept

    def _body(self, text: str, content_type: str, message: _Message) -> str:
        if not text:
            return text
        if text.lstrip()[:1] in ("{", "[", '"'):
            role = partial(self._in_json, message)
            rewritten = rewritten_json(text, message.sobject, role, self._leaf)
            if rewritten is not None:
                return rewritten
        results = _RESULTS.search(message.path)
        if "csv" in content_type or (results is not None and "," in text):
            sobject = self._facts.jobs.get(results[1], "") if results else ""
            return rewritten_csv(text, lambda column: self._field(sobject, column), self._leaf)
        if "form" in content_type or (message.path.startswith("/services/oauth2/") and "=" in text):
            return self._form(text, message.path)
        return self._leaf(text, Role.PROSE, "body")

    def _part(self, part: Part, message: _Message) -> tuple[str, str]:
        """Visit a part of a form; the content of a file is a stand-in already."""
        headers = with_file_name(part.headers, lambda name: self._leaf(name, Role.TEXT, "filename"))
        if part.is_content:
            return headers, part.body
        if part.is_json or part.is_csv:
            return headers, self._body(part.body, "csv" if part.is_csv else part.type, message)
        return headers, self._parameter(part.name, part.body, message.path)

    def _form(self, text: str, path: str) -> str:
        hinted = "token_type_hint=refresh_token" in text

        def parameter(name: str, value: str) -> str:
            hint = "refresh_token" if hinted else "access_token"
            return self._parameter(hint if name == "token" else name, value, path)

        return rewritten_form(text, parameter)

    def _parameter(self, name: str, text: str, path: str) -> str:
        low, signs_in = name.lower(), path.startswith("/services/oauth2/")
        if low in _SECRET_ANYWHERE or (signs_in and low in SECRETS):
            return self._leaf(text, Role.SECRET, low)
        if low == "username":
            return self._leaf(text, Role.TEXT, name)
        if low in ("q", "query"):
            return self._leaf(text, Role.SOQL, name)
        return self._leaf(text, Role.PLAIN if signs_in or low == "fields" else Role.PROSE, name)

    def _leaf(self, text: str, role: Role, name: str) -> str:
        if not text or (role is not Role.SOQL and role is not Role.URL):
            return self._visit(text, role, name) if text else text
        if role is Role.SOQL:
            if _SOQL.match(text):
                return rewritten_soql(text, self._field, self._leaf)
            return self._visit(text, Role.PROSE, name)
        return self._url(text, name)

    def _url(self, text: str, name: str) -> str:
        path, mark, query = text.partition("?")
        if not path.startswith("/services/"):
            return self._visit(text, Role.PROSE, name)
        path = rewritten_path(path, self._field, self._leaf)
        return path + mark + rewritten_form(query, lambda each, value: self._parameter(each, value, path))

    def _field(self, sobject: str, path: str) -> tuple[Role, str]:
        known = self._named.get((sobject, path))
        if known is None:
            known = self._personal.role(sobject, path), f"{sobject}.{path}" if sobject else path
            self._named[sobject, path] = known
        return known

    def _in_json(self, message: _Message, frame: Frame, key: str) -> tuple[Role, str]:
        owner = frame.owner if frame.listed else frame
        above = owner.parent.owner.sobject if owner.parent else ""
        place = owner.sobject, owner.key, above, key
        known = message.roles.get(place)
        if known is None:
            known = self._role_in_json(message, owner, key)
            if owner.key not in _BODIES:
                message.roles[place] = known
        return known

    def _role_in_json(self, message: _Message, owner: Frame, key: str) -> tuple[Role, str]:
        low = key.lower()
        if message.identity:
            return (Role.SECRET, low) if low in SECRETS else (identity_role(low, owner.key), key)
        if low in _SECRET_ANYWHERE or low in ("password", "newpassword"):
            return Role.SECRET, low.removeprefix("new")
        if message.schema or key in _PROTOCOL:
            return Role.PLAIN, key
        if key in ("query", "soql"):
            return Role.SOQL, key
        if low.endswith("url"):
            return Role.URL, key
        return self._field(self._sobject(message, owner), key)

    def _sobject(self, message: _Message, owner: Frame) -> str:
        """Return the object that a JSON object is a record of, by its own keys or its place in the document."""
        if owner.sobject == "AggregateResult":
            return message.source
        if owner.sobject and owner.sobject != "Name":
            return owner.sobject
        if owner.parent is None or not owner.key:
            return ""
        above = owner.parent.owner
        if owner.key in _BODIES and (of := _OF_SOBJECT.search(above.url)):
            return of[1]
        return self._personal.parent(above.sobject, owner.key)


def is_secret_header(name: str) -> bool:
    """Return whether a header holds a secret, so that a cassette must not have it."""
    return _SECRET_HEADERS.fullmatch(name.lower()) is not None
