"""The hosts of a replay, in place of the stand-ins in a cassette."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Hosts"]

_STAND_IN = re.compile(r"https://(login|instance|other)(?:-(\d+))?\.test")


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts that a replayed connection seems to use. An org that moves during the replay moves to made-up hosts."""

    login: str
    instance: str

    def put_into(self, body: str | bytes, uri: str) -> str | bytes:
        """Return a body with the replay's hosts; the login host is the one that the request `uri` was sent to."""
        if isinstance(body, bytes) or ".test" not in body:
            return body
        parts = urlsplit(uri)
        login = f"{parts.scheme}://{parts.netloc}" if "/oauth2/" in parts.path else self.login

        def host(found: re.Match[str]) -> str:
            kind, number = found[1], int(found[2] or 1)
            if kind == "login":
                return login
            if kind == "instance" and number == 1:
                return self.instance
            return f"https://{kind}-{number}.my.salesforce.com"

        return _STAND_IN.sub(host, body)
