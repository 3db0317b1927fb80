"""Faults on request: what the demo org does wrong when a test wants it."""

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import Literal, Self

from . import alterations
from .alterations import Alteration, ResponseAlteration
from .wire import HTML_TYPE, JSON_TYPE, Call, Response

Kind = Literal["response", "reset", "truncate", "delay", "hang", "drip", "endless", "alter"]
MAINTENANCE = (
    '<html>\n<body>\n<center>\n\t<table bgcolor="white" cellpadding="0" cellspacing="0" width="758">\n\t\t<tbody>\n'
    '\t\t<tr>\n\t\t\t<td><span style="font-weight: bold;">We are down for maintenance.</span><br><br>Sorry for the '
    "inconvenience. We'll be back shortly.</td><br>\n\t\t</tr>\n\t\t</tbody>\n\t</table>\n</center>\n</body>\n</html>\n"
)
_BUSY = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail; make it with the class methods and give it to `DemoOrg.add_fault`."""

    kind: Kind
    code: int = 0
    body: str = ""
    content_type: str = HTML_TYPE
    seconds: float = 0
    counted: bool = False
    processed: bool = False
    location: str = ""
    retry_after: str = ""
    at_once: int = 0
    zipped: bool = False
    alteration: ResponseAlteration | None = None

    @classmethod
    def status(cls, code: int, html: str = "", *, content_type: str = HTML_TYPE) -> Self:
        """Respond with a status and a page, as proxies and edges do; an empty page has no Content-Type."""
        return cls("response", code=code, body=html, content_type=content_type if html else "")

    @classmethod
    def redirect(cls, location: str) -> Self:
        """Respond 302 with a Location and no body, as gateways do that want a sign-in."""
        return cls("response", code=302, content_type="", location=location)

    @classmethod
    def json_error(cls, code: int, error: str, message: str) -> Self:
        """Respond with a REST error; it counts as an API call."""
        body = json.dumps([{"message": message, "errorCode": error}], separators=(",", ":"))
        return cls("response", code=code, body=body, content_type=JSON_TYPE, counted=code != 401)

    @classmethod
    def oauth_error(cls, error: str, description: str, code: int = 400) -> Self:
        """Respond with an OAuth error."""
        body = json.dumps({"error": error, "error_description": description}, separators=(",", ":"))
        return cls("response", code=code, body=body, content_type=JSON_TYPE)

    @classmethod
    def concurrent_limit(cls) -> Self:
        """Refuse because too many long requests run: 403, and it passes."""
        return cls.json_error(403, "REQUEST_LIMIT_EXCEEDED", _BUSY)

    @classmethod
    def maintenance(cls) -> Self:
        """Respond 503 with the maintenance page."""
        return cls.status(503, MAINTENANCE)

    @classmethod
    def reset(cls, *, processed: bool = False) -> Self:
        """Reset the connection (RST); `processed` carries out the request first."""
        return cls("reset", processed=processed)

    @classmethod
    def truncate(cls) -> Self:
        """Carry out the request, then send half of the response and close."""
        return cls("truncate", processed=True)

    @classmethod
    def delay(cls, seconds: float) -> Self:
        """Respond late."""
        return cls("delay", seconds=seconds, processed=True)

    @classmethod
    def hang(cls) -> Self:
        """Never answer; the connection stays open until the client or the org ends it."""
        return cls("hang")

    @classmethod
    def drip(cls, seconds: float = 1, *, at_once: int = 1, head: bool = False) -> Self:
        """Carry out the request, then send the response `at_once` bytes at a time, so many seconds apart.

        Its headers are sent at once, unless `head`: then they drip as well.
        """
        return cls("drip", seconds=seconds, at_once=at_once, code=int(head), processed=True)

    @classmethod
    def bomb(cls) -> Self:
        """Respond 200 with a JSON text that never ends, zipped a thousandfold."""
        return cls("endless", code=200, content_type=JSON_TYPE, zipped=True)

    @classmethod
    def endless(cls) -> Self:
        """Respond 200 with a JSON text that never ends, as fast as it is read."""
        return cls("endless", code=200, content_type=JSON_TYPE)

    @classmethod
    def busy(cls, retry_after: str) -> Self:
        """Respond 503 with a Retry-After."""
        return cls("response", code=503, content_type="", retry_after=retry_after)

    @classmethod
    def nested_json(cls, depth: int = 100_000) -> Self:
        """Respond 200 with JSON lists inside of each other."""
        return cls.status(200, "[" * depth + "]" * depth, content_type=JSON_TYPE)

    # The response is made and then altered. Responses that are not pages of a query, or hold no rows, pass as they are
    # and do not use up `times`.

    @classmethod
    def done_too_early(cls) -> Self:
        """End a query too early: `done` is true on a page that is not the last, or the last page lacks half its rows.

        `totalSize` stays what it is, so that it is more than the rows that were sent.
        """
        return cls.altering(alterations.done_too_early)

    @classmethod
    def lost_locator(cls) -> Self:
        """Send `done: false` with `nextRecordsUrl: null`; the rows of the page stay."""
        return cls.altering(alterations.lost_locator)

    @classmethod
    def no_records(cls) -> Self:
        """Send `records: null`."""
        return cls.altering(alterations.no_records)

    @classmethod
    def changed_total(cls, offset: int) -> Self:
        """Add `offset` to the `totalSize` of a page after the first."""
        return cls.altering(alterations.changed_total(offset))

    @classmethod
    def unknown_total(cls) -> Self:
        """Send `totalSize: -1`."""
        return cls.altering(alterations.unknown_total)

    @classmethod
    def same_page_again(cls) -> Self:
        """Make `nextRecordsUrl` of a page after the first lead back to that page."""
        return cls.altering(alterations.same_page_again)

    @classmethod
    def ever_new_pages(cls) -> Self:
        """Make `nextRecordsUrl` of a page after the first lead to the same rows by an address that is new each time."""
        return cls.altering(alterations.ever_new_pages)

    @classmethod
    def broken_text(cls, text: str) -> Self:
        """Put a byte that is not UTF-8 before each occurrence of a text in a response; others stay as they are."""
        return cls("alter", processed=True, alteration=partial(alterations.broken_text, text=text.encode()))

    @classmethod
    def altering(cls, alteration: Alteration) -> Self:
        """Answer a query with the page that a function makes of the true one and its path; None leaves it as it is."""
        return cls("alter", processed=True, alteration=partial(alterations.altered, alteration=alteration))

    def response(self) -> Response:
        """Return the response of a fault that answers."""
        headers = [("Location", self.location)] if self.location else []
        headers += [("Retry-After", self.retry_after)] if self.retry_after else []
        return Response(self.code, self.body.encode(), self.content_type or None, headers, counted=self.counted)


@dataclass(slots=True)
class FaultRule:
    """When a fault strikes: which paths and which SOQL, how often, how many times in all."""

    fault: Fault
    match: str = ""
    times: int | None = 1
    every: int = 1
    soql: str = ""
    _calls: int = 0

    def alters(self, response: Response, call: Call) -> Response | None:
        """Return a response as this fault alters it, counting it; None where it stays as it is."""
        if self.fault.alteration is None or not self._matches(call):
            return None
        changed = self.fault.alteration(response, call.path)
        return changed if changed and self._due() else None

    def strikes(self, call: Call) -> bool:
        """Return whether a call is struck before it is answered, counting it."""
        return self.fault.alteration is None and self._matches(call) and self._due()

    def _matches(self, call: Call) -> bool:
        if self.times == 0 or self.soql not in call.query.get("q", ""):
            return False
        return self.match in call.path or re.search(self.match, call.path) is not None

    def _due(self) -> bool:
        self._calls += 1
        if self._calls % self.every:
            return False
        if self.times is not None:
            self.times -= 1
        return True
