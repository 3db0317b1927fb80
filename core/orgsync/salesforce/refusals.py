"""What Salesforce says when it refuses: the error in a body, and how much of it may be shown."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from .wire import Answer

__all__ = ["Refusal", "refusal_of", "shown"]


_LONGEST = 240  # letters
_PLACE = re.compile(r"ERROR at Row:(\d+):Column:(\d+)\s*")
_QUOTED = re.compile(r"(?<!\w)'((?:[^'\\]|\\.|'(?=\w))*)(?:'|\\?$)", re.DOTALL)  # not the apostrophe of "can't"
_HARMLESS = re.compile(r"[A-Za-z_]\w*(\.\w+)*|[^\w\s]{1,3}|<EOF>")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Hold the first error of an answer; `message` may echo the query and a customer's values."""

    status: int
    code: str
    message: str = field(repr=False)
    request: str

    @property
    def shown(self) -> str:
        """Give the code and what may be shown of the message."""
        return f"{self.code}: {shown(self.message)}".rstrip(": ")


def refusal_of(answer: Answer) -> Refusal | None:
    """Read `[{message, errorCode}]`, a single object too; None where the body is something else."""
    try:
        body: Any = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    first: Any = next(iter(cast("Iterable[Any]", body)), None) if isinstance(body, list) else body
    if not isinstance(first, dict):
        return None
    error = cast("dict[str, Any]", first)
    code = error.get("errorCode") or error.get("statusCode") or error.get("error")
    if not isinstance(code, str):
        return None
    return Refusal(answer.status, code, str(error.get("message", "")), answer.place)


def shown(message: str) -> str:
    """Cut what may not be shown out of a message: the query that Salesforce echoes in it, and quoted values.

    The place in the query stays, and so do quoted names and punctuation. A long message ends with a whole sentence.
    """
    *before, text = _PLACE.split(message)
    text = " ".join(_QUOTED.sub(_only_names, text).split())
    if before and text:
        row, column = before[-2:]
        place = f"column {column}" if row == "1" else f"row {row}, column {column}"
        first, end, rest = text.partition(". ")
        text = f"{first.removesuffix('.')} at {place}{end or ('.' if first.endswith('.') else '')}{rest}"
    return _shortened(text)


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    whole = text[:_LONGEST].rpartition(". ")[0]
    return f"{whole}." if whole else f"{text[:_LONGEST].rpartition(' ')[0] or text[:_LONGEST]} …"


def _only_names(match: re.Match[str]) -> str:
    """Keep quoted field and object names and punctuation; a quoted value may be a customer's."""
    return match.group(0) if _HARMLESS.fullmatch(match.group(1)) and match.group(0).endswith("'") else "'…'"
