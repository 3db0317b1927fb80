"""HTTP/1.1 as uvicorn speaks it, with an end to requests that do not arrive, and a bound of connections.

uvicorn bounds the time between requests alone: callers who send half a request each would hold every connection for
ever, and with them the descriptors that the database needs.
"""

import asyncio
import sys

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["ACCEPTED_AT_ONCE", "BoundedProtocol"]

ACCEPTED_AT_ONCE = 16
"""Connections that are accepted before others of them are looked at. asyncio would take 2,048, and where no file can be
opened any more, it writes a traceback for each."""

_HEAD_WITHIN = 20.0
_PIECE_WITHIN = 60.0
"""Seconds for the whole head of a request, and for each next piece of its body."""

_MOST_CONNECTIONS = 1000
_SPARE_FILES = 64 + 4 * ACCEPTED_AT_ONCE
"""Descriptors for the database, the orgs, the log, and connections of which this is not told yet, or no longer."""


def _most_connections() -> int:
    if sys.platform == "win32":
        return _MOST_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if files < 0 else min(_MOST_CONNECTIONS, max(files // 2, files - _SPARE_FILES))


class BoundedProtocol(H11Protocol):
    """A connection that ends where a request does not arrive; where there are too many, one that waits gives way."""

    _awaited: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request's head, as every byte of a next one does."""
        super().connection_made(transport)
        if len(self.connections) > _most_connections():
            self._make_room()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Wait for what is still missing of the request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._stop_watching()

    def _lacks_head(self) -> bool:
        return not self.cycle or self.cycle.response_complete

    def _make_room(self) -> None:
        """End the connection that has waited for a head the longest, else one that is idle, else this one."""
        all_: list[BoundedProtocol] = [each for each in self.connections if isinstance(each, BoundedProtocol)]
        waiting = [each for each in all_ if each is not self and each._may_give_way()]
        min(waiting, key=BoundedProtocol._ends_at, default=self).transport.abort()

    def _may_give_way(self) -> bool:
        return self._lacks_head() and not self.transport.is_closing()

    def _ends_at(self) -> float:
        return self._awaited.when() if self._awaited else float("inf")

    def _watch(self) -> None:
        if self._lacks_head():
            if self._awaited is None:  # a byte now and then does not prolong it
                self._awaited = self.loop.call_later(_HEAD_WITHIN, self._give_up)
            return
        self._stop_watching()
        if self.cycle.more_body:
            self._awaited = self.loop.call_later(_PIECE_WITHIN, self._give_up)

    def _stop_watching(self) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def _give_up(self) -> None:
        self._awaited = None
        if not self._lacks_head() and self.flow.read_paused:  # the app has not taken yet what is there
            self._watch()
            return
        self.transport.abort()
