"""Contents of files in a cassette: each is replaced by a stand-in of its length, and its checksum by the stand-in's.

So a replay still finds contents of the sizes and checksums that their records say, and equal ones are still equal.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..interaction import Interaction, RecordedResponse

__all__ = ["content_of", "is_content_stand_in", "without_contents"]

_OF_A_FIELD = re.compile(r"/services/data/v\d+\.\d+/sobjects/\w+/\w{15,18}/[A-Za-z]\w*/?")
_NO_CONTENT = ("application/json", "application/xml", "text/csv", "text/xml")
_STAND_IN = "content {} "


def content_of(interaction: Interaction) -> bytes | None:
    """Return the content of a file that a response is; None for any other response."""
    request, response = interaction.request, interaction.response
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "GET" or response.status not in (200, 206) or not response.body or kind == "application/json":
        return None
    if not request.path.startswith("/services/data/"):
        return None
    is_field = _OF_A_FIELD.fullmatch(request.path) is not None
    if not is_field and (not kind or kind in _NO_CONTENT or kind == "text/html"):
        return None
    return response.body.encode() if isinstance(response.body, str) else response.body


def is_content_stand_in(content: bytes) -> bool:
    """Return whether a content is a stand-in, or so short that it is the beginning of any."""
    if b"content ".startswith(content):
        return True
    found = re.match(rb"content (\d+)(?: |\Z)", content)
    return found is not None and content == _stand_in(int(found[1]), len(content))


def without_contents(interactions: Sequence[Interaction]) -> list[Interaction]:
    """Return the interactions with a stand-in for each content, and its checksum wherever the content's stood."""
    contents = [content for each in interactions if (content := content_of(each)) is not None]
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


def _replaced(each: Interaction, stand_ins: Mapping[bytes, bytes], checksums: Mapping[str, str]) -> Interaction:
    response = each.response
    content = content_of(each)
    if content is not None:
        return replace(each, response=replace(response, body=stand_ins[content].decode("ascii")))
    if not checksums or not isinstance(response.body, str):
        return each
    return replace(each, response=_with_checksums(response, response.body, checksums))


def _with_checksums(response: RecordedResponse, body: str, checksums: Mapping[str, str]) -> RecordedResponse:
    found = re.compile("|".join(checksums), re.IGNORECASE)
    return replace(response, body=found.sub(lambda match: checksums[match[0].lower()], body))


def _stand_in(number: int, length: int) -> bytes:
    text = _STAND_IN.format(number).encode()
    return (text * (length // len(text) + 1))[:length]


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
