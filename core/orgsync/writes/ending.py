"""How a write ends that does not reach its last row: what is true of rows without a result, and what to do."""

import re

from orgsync.errors import ArgumentInvalid, OrgsyncError
from orgsync.salesforce.api.refusable import CallRefused

from .row_result import RowResult, RowStatus

__all__ = ["NOT_SENT", "UNKNOWN", "give_remedy", "not_carried_out", "row_problem"]

NOT_SENT = "The write ended before the row was sent."
UNKNOWN = "No response says what became of the row."

_AGAIN = re.compile(r"[Rr]un it again (?:later|in a moment)(?:: it resumes where it stopped)?[.;] ?")


def not_carried_out(ended: BaseException | None, message: str) -> RowResult:
    """Return what is true of a row whose call was surely not carried out: refused with it, or not processed.

    The place is to be replaced. `message` is for what Salesforce has not refused.
    """
    if not isinstance(ended, CallRefused):
        return RowResult(0, RowStatus.UNPROCESSED, message=message)
    error = ended.error
    text = f"The whole call was refused: {error.message}".rstrip(": ")
    return RowResult(0, RowStatus.REFUSED, code=error.code, fields=error.fields, message=text)


def row_problem(ended: OrgsyncError | CallRefused) -> OrgsyncError:
    """Return the error that says who must act."""
    return ended.problem if isinstance(ended, CallRefused) else ended


def give_remedy(problem: OrgsyncError, resumption: str) -> None:
    """Give the error that ended a write one remedy, with which its rows get written: what to do, then `resumption`.

    `Run it again`, which is true of a run of a sync, gives way to that.
    """
    if isinstance(problem, ArgumentInvalid):  # the write cannot be resumed, and says so
        return
    if again := _AGAIN.search(problem.remedy):
        before, rest = problem.remedy[: again.start()], problem.remedy[again.end() :]
        remedy = f"{before}{'later' if before else 'Later'}, {resumption} {rest[:1].upper()}{rest[1:]}".strip()
    elif problem.remedy:
        remedy = f"{problem.remedy} Then {resumption}"
        problem.place = f"{problem.place} Then {resumption}" if problem.place else ""
    else:
        remedy = f"{resumption[0].upper()}{resumption[1:]}"
    problem.replace_remedy(remedy)
