"""Bodies of type multipart/form-data, split into their parts and joined again, all around the parts unchanged."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from .interaction import RecordedRequest

__all__ = ["Part", "is_multipart", "parts_of_form", "rewritten_parts", "with_file_name"]

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_NAME = re.compile(r'(?<![\w*])name="?((?:[^"\\;\r\n]|\\.)*)', re.IGNORECASE)
_FILE = re.compile(
    r"""(?<!\w)filename(?:=\"(?P<quoted>(?:[^"\\]|\\.)*)\"|\*=[\w-]*'[\w-]*'(?P<encoded>[^;\s]*)|=(?P<bare>[^;\s"]*))""",
    re.IGNORECASE,
)
_TYPE = re.compile(r"^content-type:\s*([^\s;]+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its headers as they were sent, the name of its field, its type in lower case, and its body."""

    headers: str
    name: str
    type: str
    body: str
    path: str
    """The path of the request: where a Bulk job is made, a CSV is rows, and no file."""

    @property
    def is_json(self) -> bool:
        """Return whether the part is the record, or the job, that the others belong to."""
        return "json" in self.type and not _FILE.search(self.headers)

    @property
    def is_csv(self) -> bool:
        """Return whether the part is the rows of a Bulk job."""
        return "/jobs/ingest" in self.path and not self.is_json

    @property
    def is_content(self) -> bool:
        """Return whether the part is a file: it has the name or the type of one, or is the field of a record."""
        if self.is_json or self.is_csv:
            return False
        named = _FILE.search(self.headers) is not None
        return named or not self.name or "/sobjects/" in self.path or self.type not in ("", "text/plain")


def is_multipart(request: RecordedRequest) -> bool:
    """Return whether a request's body is a form of several parts."""
    return bool(request.body) and request.headers.get("content-type", "").lower().startswith("multipart/")


def parts_of_form(request: RecordedRequest) -> list[Part]:
    """Return the parts of a form, in their order; a body that has no part as its boundary promises is a single one."""
    return [part for part, _, _ in _spans(request)]


def rewritten_parts(request: RecordedRequest, rewrite: Callable[[Part], tuple[str, str]]) -> str:
    """Return a form's body with the headers and the body that `rewrite` returns for each part."""
    text, end, pieces = request.body, 0, list[str]()
    for part, start, stop in _spans(request):
        headers, body = rewrite(part)
        before = stop - len(part.body)
        pieces += [text[end:start], headers, text[start + len(part.headers) : before], body]
        end = stop
    return "".join(pieces) + text[end:]


def with_file_name(headers: str, change: Callable[[str], str]) -> str:
    """Return a part's headers with another name of its file."""

    def changed(found: re.Match[str]) -> str:
        group = found.lastgroup or "bare"
        raw = found[group]
        name = unquote(raw) if group == "encoded" else raw
        new = change(name)
        if new == name:
            return found[0]
        before = found[0][: found.start(group) - found.start()]
        after = found[0][found.end(group) - found.start() :]
        return f"{before}{quote(new, safe='') if group == 'encoded' else new}{after}"

    return _FILE.sub(changed, headers)


def _spans(request: RecordedRequest) -> list[tuple[Part, int, int]]:
    """Return each part and where in the body it begins and ends."""
    text, path = request.body, request.path
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if found is None:
        return [(Part("", "", "", text, path), 0, len(text))]
    boundary = re.escape(found[1] or found[2])
    marks = list(re.finditer(rf"(?:\A|(?<=\n)|\r?\n)--{boundary}(--)?[ \t]*(?:\r?\n|\Z)", text))
    spans: list[tuple[Part, int, int]] = []
    for at, mark in enumerate(marks):
        if not mark[1]:
            stop = marks[at + 1].start() if at + 1 < len(marks) else len(text)
            spans.append((_part(text[mark.end() : stop], path), mark.end(), stop))
    return spans or [(Part("", "", "", text, path), 0, len(text))]


def _part(text: str, path: str) -> Part:
    end = re.search(r"(?:\A|\r?\n)\r?\n", text)
    headers, body = (text[: end.start()], text[end.end() :]) if end else ("", text)
    name, kind = _NAME.search(headers), _TYPE.search(headers)
    return Part(headers, name[1] if name else "", kind[1].lower() if kind else "", body, path)
