"""The pages that a browser is shown at the end of a sign-in."""

import html
from dataclasses import dataclass

__all__ = ["BROKEN", "FOREIGN", "GARBAGE", "NOT_ALLOWED", "NOT_FOUND", "SIGNED_IN", "TWICE", "Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or a redirection to `location`."""

    status: str
    title: str
    text: str
    location: str = ""

    def bytes(self) -> bytes:
        """Return the whole HTTP response."""
        body = _HTML.format(title=html.escape(self.title), text=html.escape(self.text)).encode()
        location = f"Location: {self.location}\r\n" if self.location else ""
        return _HEAD.format(status=self.status, length=len(body), location=location).encode() + body


_HEAD = (
    "HTTP/1.1 {status}\r\n{location}"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: {length}\r\n"
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n\r\n"
)
_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 20vh auto 0; max-width: 34rem; padding: 0 1.5rem;
  color: #1c2530; background: #fff }}
h1 {{ font-size: 1.5rem; margin: 0 0 .5rem }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e6eaf0; background: #14181d }} }}
</style>
</head>
<body><main><h1>{title}</h1><p>{text}</p></main></body>
</html>
"""
SIGNED_IN = Page("200 OK", "Signed in", "orgsync is connected. You can close this page.")
NOT_FOUND = Page("404 Not Found", "Nothing here", "This address only ends a sign-in.")
NOT_ALLOWED = Page("405 Method Not Allowed", "Nothing here", "This address only ends a sign-in.")
GARBAGE = Page("400 Bad Request", "Not a request", "This address only ends a sign-in.")
FOREIGN = Page(
    "400 Bad Request",
    "Not this sign-in",
    "This page belongs to another sign-in than the one that is waiting. Use the address that orgsync showed last.",
)
TWICE = Page("200 OK", "Almost there", "This sign-in is being finished. You can close this page.")
BROKEN = Page("500 Internal Server Error", "Not signed in", "Something went wrong; orgsync shows what.")
