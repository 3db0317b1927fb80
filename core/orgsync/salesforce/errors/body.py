"""JSON bodies of Salesforce as typed values."""

import re
from collections.abc import Callable
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from orgsync.errors import ResponseUnreadable
from orgsync.printable import excerpt

from ..http.messages import Response
from .error_body import api_error_of

__all__ = ["Count", "body_as", "read_with", "unreadable"]

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A number of rows, calls or jobs; a float is not one."""

_AGAIN = "Run it again later; if this persists, look for a proxy on the way to the org."

T = TypeVar("T")


def body_as(response: Response, kind: type[T], *, strict: bool = True) -> T:
    """Return the JSON body as a value of this type; raise ResponseUnreadable, which names the field, for another shape.

    With `strict=False`, numbers may be written as strings.
    """
    try:
        return msgspec.convert(response.json(), kind, strict=strict)
    except msgspec.ValidationError as error:
        what = re.sub(r"`str` matching regex '.*'", "a name", str(error))
        raise unreadable(response, excerpt(what)) from None


def unreadable(response: Response, detail: str = "") -> ResponseUnreadable:
    """Return the error for a successful response of an unexpected shape; `detail` names the field that is wrong."""
    error = api_error_of(response)
    if error is not None:
        return ResponseUnreadable(
            f"{response.place} was answered with an error of Salesforce's under the status of success, "
            f"{response.status} ({error.shown}).",
            _AGAIN,
        )
    shape = f" ({detail})" if detail else ""
    return ResponseUnreadable(f"{response.place} was answered with JSON of an unexpected shape{shape}.", _AGAIN)


def read_with(read: Callable[[Response], T], response: Response) -> T:
    """Read a response; a value of a type that nothing expected is the server's fault, not that of who asked."""
    try:
        return read(response)
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ResponseUnreadable(
            f"{response.place} was answered with JSON that orgsync cannot read ({type(error).__name__}).",
            "Run it again later; if this persists, report this message: orgsync should name what is wrong.",
        ) from error
