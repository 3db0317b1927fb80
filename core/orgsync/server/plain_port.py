"""A port of plain HTTP to which TLS is spoken: that is said, where only an invalid request would be."""

from .http_errors import HttpRefusal
from .http_protocol import BoundedProtocol

__all__ = ["PlainPortProtocol"]

_TLS_HANDSHAKE = 0x16
"""The first byte of a TLS connection (RFC 8446, 5.1); none of an HTTP request's may be that."""

_TLS = HttpRefusal(
    400,
    "tls_on_plain_port",
    "TLS was spoken to a port of plain HTTP.",
    "Call it by http://, or put a proxy before it that encrypts.",
)


class PlainPortProtocol(BoundedProtocol):
    """A connection of plain HTTP, which says where it is none."""

    _has_begun = False

    def data_received(self, data: bytes) -> None:
        """Read on, or refuse a connection that begins as one of TLS does."""
        is_first, self._has_begun = not self._has_begun, True
        if is_first and data[0] == _TLS_HANDSHAKE:
            self.refuse(_TLS)
            return
        super().data_received(data)
