"""Between vcrpy, which stands in front of httpx, and a cassette that is recorded or replayed."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from vcr.cassette import Cassette as VcrCassette  # pyright: ignore[reportMissingTypeStubs]
from vcr.filters import decode_response  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from vcr.record_mode import RecordMode  # pyright: ignore[reportMissingTypeStubs]

from .hosts import Hosts
from .interaction import RecordedRequest, RecordedResponse
from .player import Player
from .recorder import Recorder

__all__ = ["recorded_to", "replayed_from"]

_SENT = ("accept", "content-type", "if-modified-since", "sforce-call-options", "sforce-query-options")
"""The headers of a request that say what is asked for."""

_GOT = ("content-type", "date", "etag", "last-modified", "location", "retry-after", "warning", "www-authenticate")
"""The headers of an answer that say something about it, beside those that begin with `sforce-`."""


@contextmanager
def replayed_from(player: Player, hosts: Hosts) -> Generator[None]:
    """Answer every HTTP request of this process from a cassette; nothing reaches a network."""
    tape: Any = _Tape
    with tape.use(path="", player=player, hosts=hosts, record_mode=RecordMode.NONE):
        yield


@contextmanager
def recorded_to(recorder: Recorder) -> Generator[None]:
    """Keep every HTTP request of this process and its answer."""
    tape: Any = _Tape
    with tape.use(path="", recorder=recorder, record_mode=RecordMode.ALL):
        yield


class _Tape(VcrCassette):  # type: ignore[misc]
    """A vcrpy cassette whose order, matching and file are orgsync's own."""

    def __init__(
        self,
        path: str,
        *,
        player: Player | None = None,
        recorder: Recorder | None = None,
        hosts: Hosts | None = None,
        record_mode: RecordMode,
    ) -> None:
        super().__init__(path, record_mode=record_mode)  # pyright: ignore[reportUnknownMemberType]
        self._player, self._recorder, self._hosts = player, recorder, hosts

    def filter_request(self, request: Any) -> Any:
        """Leave out the page that a browser shows: orgsync itself never asks for it."""
        return None if urlsplit(str(request.uri)).path.endswith("/oauth2/authorize") else request

    def can_play_response_for(self, request: Any) -> bool:
        """Find the answer to a request that is about to be sent, or note when it is sent."""
        if self._player is None:
            request.sent = None if self._recorder is None else self._recorder.sent()
            return False
        request.answer = self._player.answer(_request(request)).response
        return True

    def play_response(self, request: Any) -> dict[str, Any]:
        """Give the answer that was found."""
        found: RecordedResponse = request.answer
        body = self._hosts.put_into(found.body, request.uri) if self._hosts else found.body
        return {
            "status": {"code": found.status, "message": found.reason},
            "headers": {name: [value] for name, value in found.headers.items()},
            "body": {"string": body.encode() if isinstance(body, str) else body},
        }

    def append(self, request: Any, response: Mapping[str, Any]) -> None:
        """Keep an answer that has arrived."""
        if self._recorder is not None and self.filter_request(request) is not None:
            self._recorder.keep(_request(request), _response(response), request.sent)

    def _load(self) -> None:
        """Load nothing: what is played was read before."""
        self.rewound = True

    def _save(self, force: bool = False) -> None:
        """Save nothing: what is recorded is written when it has been scrubbed."""


def _request(request: Any) -> RecordedRequest:
    parts = urlsplit(str(request.uri))
    return RecordedRequest(
        request.method,
        f"{parts.scheme}://{parts.netloc}",
        parts.path,
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
        {name.lower(): str(value) for name, value in request.headers.items() if name.lower() in _SENT},
        (request.body or b"").decode("utf-8", "replace"),
    )


def _response(response: Mapping[str, Any]) -> RecordedResponse:
    plain: Any = decode_response(dict(response))
    headers = {name.lower(): ", ".join(values) for name, values in plain["headers"].items()}
    status, body = plain["status"], plain["body"]["string"]
    kept = {name: value for name, value in headers.items() if name in _GOT or name.startswith("sforce-")}
    return RecordedResponse(status["code"], kept, _text(body), status["message"] or "")


def _text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
