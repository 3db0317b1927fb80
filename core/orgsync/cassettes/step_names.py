"""A step of a cassette in one line: what was requested, and the status of the response."""

import re
from urllib.parse import parse_qsl

from .interaction import Interaction, RecordedRequest

__all__ = ["request_name", "step_name"]

_DATA = re.compile(r"^/services/data/v\d+\.\d+/")
_OBJECT = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_ERROR_CODE = re.compile(r'"(?:errorCode|error)"\s*:\s*"([A-Za-z_]+)"')


def step_name(interaction: Interaction) -> str:
    """Return the name of a step, such as `GET query Contact -> 401 INVALID_SESSION_ID`."""
    response = interaction.response
    is_error = response.status >= 400 and isinstance(response.body, str)
    code = _ERROR_CODE.search(str(response.body)) if is_error else None
    return f"{request_name(interaction.request)} -> {response.status}{f' {code[1]}' if code else ''}"


def request_name(request: RecordedRequest) -> str:
    """Return the name of a request, such as `GET query Contact`, without its query, which is long."""
    path = _DATA.sub("", request.path)
    words = [request.method, request.origin + path]
    soql = dict(request.query).get("q") or (request.body if path.rstrip("/") == "jobs/query" else "")
    if found := _OBJECT.search(soql):
        words.append(found[1])
    grant = dict(parse_qsl(request.body)).get("grant_type") if path.endswith("/oauth2/token") else None
    if grant:
        words.append(f"({grant.rpartition(':')[2]})")
    return " ".join(words)
