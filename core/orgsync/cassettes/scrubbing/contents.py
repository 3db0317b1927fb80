"""Contents of files in a cassette: each is replaced by a stand-in of its length, and its checksum by the stand-in's.

So a replay still finds contents of the sizes and checksums that their records say, and equal ones are still equal.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from ..interaction import Interaction, RecordedRequest, RecordedResponse
from ..multipart import Part, is_multipart, parts_of_form, rewritten_parts

__all__ = ["content_of", "is_content_stand_in", "uploads_of", "without_contents"]

_ROOT = r"/services/data/v\d+\.\d+"
_OF_A_FIELD = re.compile(rf"{_ROOT}(?:/tooling)?/sobjects/\w+/\w{{15,18}}/[A-Za-z]\w*/?")
"""A field of a record, or a relationship of it, which is answered with records."""
_OF_A_FILE = re.compile(
    rf"{_ROOT}(?:/tooling)?/sobjects/(?:(?:Attachment|Document|StaticResource|MailmergeTemplate|ApexLog)/\w+/Body"
    r"|ContentVersion/\w+/VersionData|ContentNote/\w+/Content|EventLogFile/\w+/LogFile|QuoteDocument/\w+/Document"
    r"|\w+/\w+/richTextImageFields/\w+/\w+)/?"
    rf"|{_ROOT}/(?:connect|chatter)/(?:communities/\w+/)?files/\w+/(?:content|rendition)/?"
    r"|(?:/\w+)?/(?:sfc/servlet\.shepherd|servlet/servlet\.(?:FileDownload|ImageServer|RichTextImageServer))(?:/.*)?",
    re.IGNORECASE,
)
"""What answers with the content of a file, whatever its type: a file may be JSON, CSV or HTML."""
_NO_CONTENT = ("application/json", "application/xml", "text/csv", "text/xml", "text/html")
_STAND_IN = "content {} "


def content_of(interaction: Interaction) -> bytes | None:
    """Return the content of a file that a response is; None for any other response."""
    request, response = interaction.request, interaction.response
    if request.method != "GET" or response.status not in (200, 206) or not response.body:
        return None
    content = response.body.encode() if isinstance(response.body, str) else response.body
    if _OF_A_FILE.fullmatch(request.path):
        return content
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if _OF_A_FIELD.fullmatch(request.path):
        return None if kind == "application/json" and _has_records(content) else content
    if not request.path.startswith("/services/data/") or not kind or kind in _NO_CONTENT:
        return None
    return content


def uploads_of(request: RecordedRequest) -> list[bytes]:
    """Return the contents of the files that a request of several parts uploads."""
    parts = parts_of_form(request) if is_multipart(request) else []
    return [part.body.encode() for part in parts if part.is_content and part.body]


def is_content_stand_in(content: bytes) -> bool:
    """Return whether a content is a stand-in, or so short that it is the beginning of any."""
    if b"content ".startswith(content):
        return True
    found = re.match(rb"content (\d+)(?: |\Z)", content)
    return found is not None and content == _stand_in(int(found[1]), len(content))


def without_contents(interactions: Sequence[Interaction]) -> list[Interaction]:
    """Return the interactions with a stand-in for each content, and its checksum wherever the content's stood."""
    contents = [content for each in interactions for content in _contents(each)]
    taken = [
        int(found[1]) for each in contents if is_content_stand_in(each) and (found := re.match(rb"content (\d+)", each))
    ]
    stand_ins: dict[bytes, bytes] = {}
    for content in contents:
        if content not in stand_ins:
            number = max(taken, default=0) + 1
            kept = is_content_stand_in(content)
            stand_ins[content] = content if kept else _stand_in(number, len(content))
            taken += [] if kept else [number]
    checksums = {_md5(content): _md5(other) for content, other in stand_ins.items() if content != other}
    return [_replaced(each, stand_ins, checksums) for each in interactions]


def _contents(each: Interaction) -> list[bytes]:
    content = content_of(each)
    return [*uploads_of(each.request), *([] if content is None else [content])]


def _has_records(content: bytes) -> bool:
    """Return whether it is what a relationship of a record is answered with: a record, or a page of them."""
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return False
    return isinstance(found, dict) and ("attributes" in found or {"records", "done"} <= found.keys())


def _replaced(each: Interaction, stand_ins: Mapping[bytes, bytes], checksums: Mapping[str, str]) -> Interaction:
    each = replace(each, request=_without_uploads(each.request, stand_ins))
    response = each.response
    content = content_of(each)
    if content is not None:
        return replace(each, response=replace(response, body=stand_ins[content].decode("ascii")))
    if not checksums or not isinstance(response.body, str):
        return each
    return replace(each, response=_with_checksums(response, response.body, checksums))


def _without_uploads(request: RecordedRequest, stand_ins: Mapping[bytes, bytes]) -> RecordedRequest:
    def rewrite(part: Part) -> tuple[str, str]:
        is_file = part.is_content and part.body
        return part.headers, stand_ins[part.body.encode()].decode("ascii") if is_file else part.body

    return replace(request, body=rewritten_parts(request, rewrite)) if is_multipart(request) else request


def _with_checksums(response: RecordedResponse, body: str, checksums: Mapping[str, str]) -> RecordedResponse:
    found = re.compile("|".join(checksums), re.IGNORECASE)
    return replace(response, body=found.sub(lambda match: checksums[match[0].lower()], body))


def _stand_in(number: int, length: int) -> bytes:
    text = _STAND_IN.format(number).encode()
    return (text * (length // len(text) + 1))[:length]


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
