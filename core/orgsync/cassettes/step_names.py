"""A step of a cassette in one line: what was asked, of what, and how it was answered."""

import re
from urllib.parse import parse_qsl

from .interaction import Interaction, RecordedRequest

__all__ = ["asked", "told"]

_DATA = re.compile(r"^/services/data/v\d+\.\d+/")
_OBJECT = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_REFUSAL = re.compile(r'"(?:errorCode|error)"\s*:\s*"([A-Za-z_]+)"')


def told(interaction: Interaction) -> str:
    """Tell a step, `GET query Contact -> 401 INVALID_SESSION_ID`."""
    response = interaction.response
    refusal = _REFUSAL.search(response.body) if response.status >= 400 and isinstance(response.body, str) else None
    return f"{asked(interaction.request)} -> {response.status}{f' {refusal[1]}' if refusal else ''}"


def asked(request: RecordedRequest) -> str:
    """Tell a request, `GET query Contact`; without its query, which is long, and the names of hosts."""
    path = _DATA.sub("", request.path)
    words = [request.method, request.origin + path]
    soql = dict(request.query).get("q") or (request.body if path.rstrip("/") == "jobs/query" else "")
    if found := _OBJECT.search(soql):
        words.append(found[1])
    grant = dict(parse_qsl(request.body)).get("grant_type") if path.endswith("/oauth2/token") else None
    if grant:
        words.append(f"({grant.rpartition(':')[2]})")
    return " ".join(words)
