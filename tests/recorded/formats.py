"""The formats that recordings lie in: HAR, Ruby's VCR, Python's vcrpy, and exchanges as JSON lines.

All give exchanges in recorded order. Two recorders wrote a placeholder for the API version; it becomes a real one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

from .exchange import FOLDER, Exchange

__all__ = ["har", "lines", "vcr", "vcrpy"]

_VERSION = re.compile(r"(?<=/services/data/)(<api_version>|vxx\.0)")
_HIDDEN_HOST = "<host>"


def lines(path: Path) -> list[Exchange]:
    """Read exchanges that lie one a line, each with the file that it came from."""
    with path.open(encoding="utf-8") as text:
        return [_of_line(json.loads(line)) for line in text]


def har(path: Path) -> list[Exchange]:
    """Read an HTTP archive."""
    entries = json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]
    return [
        _exchange(
            path,
            n,
            entry["request"]["method"],
            entry["request"]["url"],
            entry["request"].get("postData", {"text": ""})["text"],
            entry["response"]["status"],
            ((each["name"], each["value"]) for each in entry["response"]["headers"]),
            entry["response"]["content"].get("text"),
        )
        for n, entry in enumerate(entries)
    ]


def vcr(path: Path) -> list[Exchange]:
    """Read a cassette of Ruby's VCR."""
    return [
        _exchange(
            path,
            n,
            each["request"]["method"].upper(),
            each["request"]["uri"],
            each["request"]["body"]["string"],
            each["response"]["status"]["code"],
            _listed(each["response"]["headers"]),
            each["response"]["body"]["string"],
        )
        for n, each in enumerate(_yaml(path)["http_interactions"])
    ]


def vcrpy(path: Path, included: Path) -> list[Exchange]:
    """Read a cassette of vcrpy, or a single interaction; those it includes lie in the folder `included`.

    What it includes again and again (up to ten times the same describe) is given the first time only.
    """
    document = _yaml(path)
    found: list[Exchange] = []
    met: set[str] = set()
    for n, each in enumerate(document.get("interactions", [document])):
        name = each.get("include_file")
        if name is None:
            found.append(_of_vcrpy(path, n, each))
        elif name not in met:
            met.add(name)
            found += vcrpy(included / name, included)
    return found


def _of_line(each: Mapping[str, Any]) -> Exchange:
    path = each["path"] and _VERSION.sub("v62.0", each["path"])
    headers = [(name, value) for name, value in each["headers"]]
    asked, body = each["request_body"] or "", _VERSION.sub("v62.0", each["body"] or "")
    return Exchange(
        each["source"],
        each["file"],
        each["n"],
        each["method"],
        path,
        each["query"] or "",
        asked,
        each["status"],
        headers,
        body,
    )


def _of_vcrpy(path: Path, n: int, each: Mapping[str, Any]) -> Exchange:
    request, response = each["request"], each["response"]
    status = int(response["status"]["code"])
    return _exchange(
        path,
        n,
        request["method"],
        request["uri"],
        request["body"],
        status,
        _listed(response["headers"]),
        response["body"]["string"],
    )


def _exchange(
    path: Path,
    n: int,
    method: str,
    url: str,
    asked: object,
    status: int,
    headers: Iterable[tuple[str, str]],
    body: object,
) -> Exchange:
    file = path.relative_to(FOLDER).as_posix()
    parts = urlsplit(_VERSION.sub("v62.0", url.replace(_HIDDEN_HOST, "host")))
    body = _VERSION.sub("v62.0", _text(body))
    return Exchange(
        file.partition("/")[0], file, n, method, parts.path, parts.query, _text(asked), status, list(headers), body
    )


def _text(value: object) -> str:
    """Give a body as text; one that its recorder made from a template of its own is none."""
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, str) else ""


def _listed(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List headers by name and value; some of vcrpy's were elided, or lie one level deeper."""
    found: list[tuple[str, str]] = []
    for name, values in headers.items():
        if isinstance(values, Mapping):
            found += _listed(cast("Mapping[str, Any]", values))
        elif isinstance(values, list):
            found += [(name, str(value)) for value in cast("list[object]", values)]
    return found


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)  # safe, and quick
