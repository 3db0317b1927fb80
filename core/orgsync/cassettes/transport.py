"""Where HTTP is recorded and replayed: vcrpy stands in front of orgsync's transport, and of all other HTTP of a test.

vcrpy works by stubs, one for each HTTP library: a stub asks a vcrpy cassette, called a tape here, whether it can play a
response, and otherwise sends the request and appends what was received. `RecordingTransport` and `ReplayTransport` are
such stubs for orgsync's own `Transport`; they may stand above another one, such as one that cuts responses. Inside
`recording_all` and `replaying_all` vcrpy's own stubs serve what a script sends by a library of its own, and projects
that a test opens by itself. What a `RecordingTransport` sends on passes those stubs by, so it is recorded once.

The tapes' order, matching and file are orgsync's own: see `Recorder`, `Player` and `cassette_file`.
"""

from collections.abc import Generator, Mapping
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from vcr.cassette import Cassette as VcrCassette  # pyright: ignore[reportMissingTypeStubs]
from vcr.filters import decode_response  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from vcr.record_mode import RecordMode  # pyright: ignore[reportMissingTypeStubs]
from vcr.request import Request as VcrRequest  # pyright: ignore[reportMissingTypeStubs]

from orgsync.salesforce.http.request import Request
from orgsync.salesforce.http.transport import Transport, TransportResponse, sent_address, whole_response

from .hosts import Hosts
from .interaction import RecordedRequest, RecordedResponse
from .player import Player
from .recorder import Recorder

__all__ = ["RecordingTransport", "ReplayTransport", "recording_all", "replaying_all"]

_REQUEST_HEADERS = (
    "accept",
    "content-type",
    "if-modified-since",
    "range",
    "sforce-call-options",
    "sforce-query-options",
)
"""The headers that say what is requested."""

_RESPONSE_HEADERS = (
    "content-range", "content-type", "date", "etag", "last-modified", "location", "retry-after", "warning",
    "www-authenticate",
)  # fmt: skip
"""The headers of a response that say something about it, beside those that begin with `sforce-`."""

_IN_TRANSPORT: ContextVar[bool] = ContextVar("_IN_TRANSPORT", default=False)
"""Whether the present task is sending for a `RecordingTransport`, which records by itself."""


class RecordingTransport:
    """Send requests through another transport, and record them with their responses, which are read whole."""

    def __init__(self, recorder: Recorder, network: Transport) -> None:
        self._tape = _RecordingTape("", recorder=recorder)
        self._network = network

    async def request(self, request: Request) -> TransportResponse:
        """Send a request; see `Transport`. It is recorded once the whole response has arrived."""
        sent = _vcr_request(request)
        self._tape.can_play_response_for(sent)
        with _in_transport():
            response = await self._network.request(request)
            async with aclosing(response), aclosing(response.body) as body:
                content = b"".join([part async for part in body])
        headers = {name: [value] for name, value in response.headers.items() if name != "content-encoding"}
        status = {"code": response.status, "message": _phrase(response.status)}
        self._tape.append(sent, {"status": status, "headers": headers, "body": {"string": content}})
        return whole_response(response.status, response.headers, content)


class ReplayTransport:
    """Answer requests from a cassette; there is no network."""

    def __init__(self, player: Player, hosts: Hosts) -> None:
        self._tape = _ReplayTape("", player=player, hosts=hosts)

    async def request(self, request: Request) -> TransportResponse:
        """Return the recorded response. Raises NotRecorded where the cassette holds none, and as `Transport` does."""
        sent = _vcr_request(request)
        self._tape.can_play_response_for(sent)
        played = self._tape.play_response(sent)
        headers = {name: value for name, [value] in played["headers"].items()}
        return whole_response(played["status"]["code"], headers, played["body"]["string"])


@contextmanager
def recording_all(recorder: Recorder) -> Generator[None]:
    """Record every HTTP request of this process with its response."""
    tape: Any = _RecordingTape
    with tape.use(path="", recorder=recorder):
        yield


@contextmanager
def replaying_all(player: Player, hosts: Hosts) -> Generator[None]:
    """Answer every HTTP request of this process from a cassette; nothing reaches a network."""
    tape: Any = _ReplayTape
    with tape.use(path="", player=player, hosts=hosts):
        yield


@contextmanager
def _in_transport() -> Generator[None]:
    outer = _IN_TRANSPORT.set(True)
    try:
        yield
    finally:
        _IN_TRANSPORT.reset(outer)


class _Tape(VcrCassette):  # type: ignore[misc]
    """A vcrpy cassette without a file."""

    def filter_request(self, request: Any) -> Any:
        """Leave out the page that a browser shows: orgsync itself never requests it."""
        return None if urlsplit(str(request.uri)).path.endswith("/oauth2/authorize") else request

    def _load(self) -> None:
        """Load nothing: what is played was read before."""
        self.rewound = True

    def _save(self, force: bool = False) -> None:
        """Save nothing: what is recorded is written once it has been scrubbed."""


class _RecordingTape(_Tape):
    """A tape that passes on to a recorder all that vcrpy appends."""

    def __init__(self, path: str, *, recorder: Recorder) -> None:
        super().__init__(path, record_mode=RecordMode.ALL)  # pyright: ignore[reportUnknownMemberType]
        self._recorder = recorder

    def can_play_response_for(self, request: Any) -> bool:
        """Note when a request is sent; it is never played."""
        if not _IN_TRANSPORT.get():
            request.sent = self._recorder.request_sent()
        return False

    def append(self, request: Any, response: Mapping[str, Any]) -> None:
        """Record a response that has arrived."""
        if not _IN_TRANSPORT.get() and self.filter_request(request) is not None:
            self._recorder.record(_recorded_request(request), _recorded_response(response), request.sent)


class _ReplayTape(_Tape):
    """A tape that plays what a player finds."""

    def __init__(self, path: str, *, player: Player, hosts: Hosts) -> None:
        super().__init__(path, record_mode=RecordMode.NONE)  # pyright: ignore[reportUnknownMemberType]
        self._player, self._hosts = player, hosts

    def can_play_response_for(self, request: Any) -> bool:
        """Find the response to a request. Raises NotRecorded, so that nothing is sent."""
        request.response = self._player.play(_recorded_request(request)).response
        return True

    def play_response(self, request: Any) -> dict[str, Any]:
        """Return the response that was found."""
        found: RecordedResponse = request.response
        body = self._hosts.put_into(found.body, request.uri)
        return {
            "status": {"code": found.status, "message": found.reason or _phrase(found.status)},
            "headers": {name: [value] for name, value in found.headers.items()},
            "body": {"string": body.encode() if isinstance(body, str) else body},
        }


def _vcr_request(request: Request) -> VcrRequest:
    return VcrRequest(request.method, sent_address(request.url), request.body, dict(request.headers))


def _recorded_request(request: Any) -> RecordedRequest:
    parts = urlsplit(str(request.uri))
    return RecordedRequest(
        request.method,
        f"{parts.scheme}://{parts.netloc}",
        parts.path,
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
        {name.lower(): str(value) for name, value in request.headers.items() if name.lower() in _REQUEST_HEADERS},
        (request.body or b"").decode("utf-8", "replace"),
    )


def _recorded_response(response: Mapping[str, Any]) -> RecordedResponse:
    plain: Any = decode_response(dict(response))
    headers = {name.lower(): ", ".join(values) for name, values in plain["headers"].items()}
    code, reason = plain["status"]["code"], plain["status"]["message"] or ""
    kept = {name: value for name, value in headers.items() if name in _RESPONSE_HEADERS or name.startswith("sforce-")}
    reason = "" if reason == _phrase(code) else reason
    return RecordedResponse(code, kept, _text(plain["body"]["string"]), reason)


def _phrase(status: int) -> str:
    """Return the usual reason phrase of a status; empty for a status that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
