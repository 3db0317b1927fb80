"""What the headers of a content say of it: whether it is the same as before, and how long it is."""

from ..http.messages import Stream

__all__ = ["strong_etag", "whole_length"]


def strong_etag(stream: Stream) -> str:
    """Return the ETag of a response that is the same for the same bytes only; "" where there is none."""
    etag = stream.headers.get("etag", "").strip()
    return etag if etag.startswith('"') and etag.endswith('"') and "content-encoding" not in stream.headers else ""


def whole_length(stream: Stream) -> int | None:
    """Return the length of a whole content that a response announces."""
    text = stream.headers.get("content-length", "")
    plain = "content-encoding" not in stream.headers and stream.status == 200
    return int(text) if plain and text.isdecimal() and len(text) < 16 else None
