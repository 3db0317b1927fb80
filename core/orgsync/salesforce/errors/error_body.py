"""What Salesforce says when it refuses: the error in a body, and how much of it may be shown."""

import json
import re
from dataclasses import dataclass, field

from orgsync.printable import excerpt

from ..http.messages import JSON, Response

__all__ = ["ApiError", "api_error_of", "has_answers", "shown"]


_LONGEST_CODE = 80
_LARGEST = 1024 * 1024  # bytes; an error of Salesforce's has some hundred
_MOST_FIELDS = 10
_FIELD = re.compile(r"[A-Za-z]\w{0,79}(\.\w{1,80})?")
_LONGEST = 240  # letters
_LONGEST_MESSAGE = 40_000
_PLACE = re.compile(r"ERROR at Row:(\d+):Column:(\d+)\s*")
_QUOTED = re.compile(r"(?<!\w)'((?:[^'\\]|\\.|'(?=\w))*)(?:'|\\?$)", re.DOTALL)  # not the apostrophe of "can't"
_HARMLESS = re.compile(r"[A-Za-z_]\w*(\.\w+)*|[^\w\s]{1,3}|<EOF>")


@dataclass(frozen=True, slots=True)
class ApiError:
    """The first error of a response; `message` may echo the query and a customer's values.

    `writes` says that the request may have carried a customer's values, so that its message is shown nowhere.
    """

    status: int
    code: str
    message: str = field(repr=False)
    request: str
    fields: tuple[str, ...] = ()
    writes: bool = False

    @property
    def shown(self) -> str:
        """Return the code and what may be shown beside it: of a write the fields' names, else of the message."""
        if self.writes:
            return ", ".join([self.code, *self.fields])
        return f"{self.code}: {shown(self.message)}".rstrip(": ")


def api_error_of(response: Response) -> ApiError | None:
    """Read `[{message, errorCode}]`, a single object too; None where the body is something else."""
    if len(response.content) > _LARGEST:
        return None
    try:
        body: JSON = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    error = next(iter(body), None) if isinstance(body, list) else body
    if not isinstance(error, dict):
        return None
    code = error.get("errorCode") or error.get("statusCode") or error.get("error")
    if not isinstance(code, str):
        return None
    return ApiError(
        response.status,
        excerpt(code, _LONGEST_CODE),
        str(error.get("message", "")),
        response.place,
        fields=_field_names(error.get("fields")),
        writes=response.method != "GET" and not response.url.partition("?")[0].endswith("/jobs/query"),
    )


def has_answers(response: Response) -> bool:
    """Return whether a refusal is a list of answers, some good and some not: `[{isSuccess, errors, ...}]`."""
    if response.status != 400 or b'"isSuccess"' not in response.content:
        return False
    try:
        body: JSON = json.loads(response.content)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, list) and all(isinstance(each, dict) and "isSuccess" in each for each in body)


def _field_names(fields: JSON) -> tuple[str, ...]:
    """Return the names of the fields that an error is about, as far as they are names."""
    names = fields[:_MOST_FIELDS] if isinstance(fields, list) else []
    return tuple(name for name in names if isinstance(name, str) and _FIELD.fullmatch(name))


def shown(message: str) -> str:
    """Cut what may not be shown out of a message: the query that Salesforce echoes in it, and quoted values.

    The place in the query stays, and so do quoted names and punctuation. A long message ends with a whole sentence.
    """
    *before, text = _PLACE.split(message[-_LONGEST_MESSAGE:])
    text = " ".join(_QUOTED.sub(_only_names, text).split())
    if before and text:
        row, column = before[-2:]
        place = f"column {column}" if row == "1" else f"row {row}, column {column}"
        first, end, rest = text.partition(". ")
        text = f"{first.removesuffix('.')} at {place}{end or ('.' if first.endswith('.') else '')}{rest}"
    return _shortened(excerpt(text, 2 * _LONGEST))


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    whole = text[:_LONGEST].rpartition(". ")[0]
    return f"{whole}." if whole else f"{text[:_LONGEST].rpartition(' ')[0] or text[:_LONGEST]} …"


def _only_names(match: re.Match[str]) -> str:
    """Keep quoted field and object names and punctuation; a quoted value may be a customer's."""
    return match.group(0) if _HARMLESS.fullmatch(match.group(1)) and match.group(0).endswith("'") else "'…'"
