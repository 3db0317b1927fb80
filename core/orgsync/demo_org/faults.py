"""Faults on request: what the demo org does wrong when a test asks for it."""

import json
import re
from dataclasses import dataclass
from typing import Literal, Self

from .wire import HTML_TYPE, JSON_TYPE, Answer

Kind = Literal["answer", "reset", "truncate", "delay", "hang"]
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

    @classmethod
    def status(cls, code: int, html: str = "", *, content_type: str = HTML_TYPE) -> Self:
        """Answer with a status and a page, as proxies and edges do; an empty page has no Content-Type."""
        return cls("answer", code=code, body=html, content_type=content_type if html else "")

    @classmethod
    def json_error(cls, code: int, error: str, message: str) -> Self:
        """Answer with a REST error; it counts as an API call."""
        body = json.dumps([{"message": message, "errorCode": error}], separators=(",", ":"))
        return cls("answer", code=code, body=body, content_type=JSON_TYPE, counted=code != 401)

    @classmethod
    def oauth_error(cls, error: str, description: str, code: int = 400) -> Self:
        """Answer with an OAuth error."""
        body = json.dumps({"error": error, "error_description": description}, separators=(",", ":"))
        return cls("answer", code=code, body=body, content_type=JSON_TYPE)

    @classmethod
    def concurrent_limit(cls) -> Self:
        """Refuse because too many long requests run: 403, and it passes."""
        return cls.json_error(403, "REQUEST_LIMIT_EXCEEDED", _BUSY)

    @classmethod
    def maintenance(cls) -> Self:
        """Answer 503 with the maintenance page."""
        return cls.status(503, MAINTENANCE)

    @classmethod
    def reset(cls, *, processed: bool = False) -> Self:
        """Reset the connection (RST); `processed` does first what was asked."""
        return cls("reset", processed=processed)

    @classmethod
    def truncate(cls) -> Self:
        """Do what was asked, then send half of the answer and close."""
        return cls("truncate", processed=True)

    @classmethod
    def delay(cls, seconds: float) -> Self:
        """Answer late."""
        return cls("delay", seconds=seconds, processed=True)

    @classmethod
    def hang(cls) -> Self:
        """Never answer; the connection stays open until the client or the org ends it."""
        return cls("hang")

    def answer(self) -> Answer:
        """Return the answer of a fault that answers."""
        return Answer(self.code, self.body.encode(), self.content_type or None, counted=self.counted)


@dataclass(slots=True)
class FaultRule:
    """When a fault strikes: which paths, how often, how many times in all."""

    fault: Fault
    match: str = ""
    times: int | None = 1
    every: int = 1
    _met: int = 0

    def strikes(self, path: str) -> bool:
        """Tell whether a call is struck, counting it."""
        if self.times == 0 or not (self.match in path or re.search(self.match, path)):
            return False
        self._met += 1
        if self._met % self.every:
            return False
        if self.times is not None:
            self.times -= 1
        return True
