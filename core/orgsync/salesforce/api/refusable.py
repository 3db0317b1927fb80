"""Calls that write: where Salesforce refuses one as a whole, nothing of it was carried out, and its reason is kept."""

from collections.abc import Callable
from typing import TypeVar, Unpack

from orgsync.errors import OrgProblem, OrgsyncError, QueryRefused

from ..errors.error_body import ApiError, api_error_of
from ..errors.judge import problem_of
from ..http.messages import Response
from .client import Client
from .exchange import Body

__all__ = ["CallRefused", "refusable"]

T = TypeVar("T")

_CALLS = frozenset(
    {"EXCEEDED_ID_LIMIT", "FUNCTIONALITY_NOT_ENABLED", "INVALID_FIELD", "INVALID_OPERATION", "METHOD_NOT_ALLOWED"}
)
"""Codes of what all rows of a call have in common: the API, the address and the columns; others stop by their error."""


class CallRefused(Exception):
    """Salesforce has refused a call as a whole: nothing of it was carried out.

    `problem` says who must act; `error` is Salesforce's own, whose message may hold a customer's values.
    """

    def __init__(self, problem: OrgsyncError, error: ApiError) -> None:
        super().__init__(problem.cause)
        self.problem = problem
        self.error = error

    @property
    def may_be_one_rows(self) -> bool:
        """Whether a single row may be the reason: a value that is not of its field's type refuses a whole call."""
        return self.error.status == 400 and type(self.problem) is QueryRefused and self.error.code not in _CALLS


async def refusable(
    client: Client, method: str, path: str, read: Callable[[Response], T], *, idempotent: bool, **body: Unpack[Body]
) -> T:
    """Send a request as `Client.call` does; raise CallRefused where Salesforce refuses it for what it is."""
    judged: list[tuple[OrgsyncError | None, Response]] = []

    def judge(response: Response) -> OrgsyncError | None:
        judged.append((problem_of(response), response))
        return judged[-1][0]

    try:
        return await client.call(method, path, read, judge=judge, idempotent=idempotent, **body)
    except (QueryRefused, OrgProblem) as problem:
        error = next((api_error_of(response) for found, response in judged if found is problem), None)
        if error is None:  # of a sign-in, or without a word of Salesforce's
            raise
        raise CallRefused(problem, error) from problem
