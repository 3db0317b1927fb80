"""What all calls of a client share: the token, the headers, and what a response without success means."""

from collections.abc import Awaitable, Callable, Mapping
from types import EllipsisType
from typing import TypeAlias, TypedDict

from orgsync.errors import OrgsyncError, TransientProblem

from ..auth.session import Access
from ..http.http import JSON, Response, Upload

__all__ = ["Body", "Judge", "headers_with", "ignored", "itself", "successful", "token_of"]

Judge: TypeAlias = Callable[[Response], OrgsyncError | None]
"""Returns what a response without success means."""


class Body(TypedDict, total=False):
    """What a request may carry besides its method and path."""

    params: Mapping[str, str] | None
    headers: Mapping[str, str] | None
    json: JSON | EllipsisType
    upload: Upload | None


async def token_of(request: Awaitable[Access]) -> Access:
    """Await a token; a renewal that fails has been retried often enough already."""
    try:
        return await request
    except TransientProblem as problem:
        problem.retried = True
        raise


def ignored(_: str) -> None:
    """Ignore a warning."""
    return


def itself(response: Response) -> Response:
    """Return the response as it is."""
    return response


def headers_with(access: Access, headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return headers with the token."""
    return {"Accept": "application/json", **(headers or {}), "Authorization": f"Bearer {access.token}"}


def successful(response: Response, judge: Judge) -> Response:
    """Return a response that is a success; raise what any other means."""
    problem = judge(response)
    if problem is None:
        return response
    if isinstance(problem, TransientProblem):
        problem.retry_after = response.retry_after
    raise problem
