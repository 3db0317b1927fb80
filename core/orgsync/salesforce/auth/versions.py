"""Which API versions an org offers."""

import re

import msgspec

from orgsync.errors import OrgsyncError

from ..errors.body import body_as
from ..http.http import Http
from .token_endpoint import aside

__all__ = ["choose_version", "offered_versions"]

_VERSION = re.compile(r"[1-9]\d{1,2}(?:\.0)?", re.ASCII)  # a recorded response has "100"


class _Version(msgspec.Struct):
    version: str


async def offered_versions(http: Http, instance_url: str) -> list[str]:
    """List the API versions of an org, oldest first; needs no token and costs no API call. Empty where it fails."""
    try:
        response = await aside(http, "GET", f"{instance_url}/services/data", headers={"Accept": "application/json"})
        offered = body_as(response, list[_Version]) if response and response.ok else []
        return sorted((each.version for each in offered if _VERSION.fullmatch(each.version)), key=float)
    except OrgsyncError:
        return []


def choose_version(offered: list[str], preferred: str) -> str:
    """Return the preferred version if it is offered, else the newest below it, else the oldest there is."""
    if not offered:
        return preferred
    numbers = [float(version) for version in offered]
    return f"{max((each for each in numbers if each <= float(preferred)), default=numbers[0]):.1f}"
