"""What becomes of records that are written: the answer for one, and the answers for many."""

from typing import Any

from pydantic import BaseModel

from orgsync import ActionResult, RowResult, RowStatus, WriteResult
from orgsync.errors import NotFound, QueryRefused, ServerProblem

__all__ = ["Answer", "Answers", "Written", "answers_of", "answers_of_bodies", "written"]

_GONE = ("NOT_FOUND", "ENTITY_IS_DELETED")


class Written(BaseModel):
    """A record that was written: its Id, and whether it is new."""

    id: str
    created: bool


class Answer(BaseModel):
    """What became of the row at `place`, counted from 0; `code`, `fields` and `message` are Salesforce's."""

    place: int
    success: bool
    status: str
    id: str | None = None
    created: bool | None = None
    code: str | None = None
    fields: list[str] = []
    message: str | None = None


class Answers(ActionResult):
    """What became of all rows, in their order; `error` is what ended the write early."""

    written: int
    rows: list[Answer]
    error: str | None = None

    @property
    def failure(self) -> str:
        """How many rows were not written."""
        missing = len(self.rows) - self.written
        return f"{missing} of {len(self.rows)} rows {'was' if missing == 1 else 'were'} not written."


def written(result: WriteResult) -> Written:
    """Return the answer for the one row of a write, or raise the error that it is."""
    [row] = result
    if row.status is RowStatus.WRITTEN:
        return Written(id=row.id, created=bool(row.created))
    if result.problem is not None:
        raise result.problem
    if row.status is RowStatus.UNKNOWN:
        raise ServerProblem(
            "No response says whether the record was written.",
            "It may have been carried out: look in the org before it is repeated.",
        )
    kind = NotFound if row.code in _GONE else QueryRefused
    refused = kind(
        f"Salesforce refuses the record ({', '.join([row.code or row.status.value, *row.fields])}).",
        "Correct the record, or the Id or external id that names it.",
    )
    refused.detail = row.message
    raise refused


def answers_of(result: WriteResult) -> Answers:
    """Return the answers of a write as a result of an action."""
    rows = [_answer(row) for row in result]
    error = None if result.problem is None else str(result.problem)
    return Answers(success=result.written == len(rows), written=result.written, rows=rows, error=error)


def answers_of_bodies(bodies: list[dict[str, Any]]) -> Answers:
    """Return the answers of a call of sObject collections as a result of an action."""
    rows = [_answer_of_body(place, body) for place, body in enumerate(bodies)]
    good = sum(each.success for each in rows)
    return Answers(success=good == len(rows), written=good, rows=rows)


def _answer(row: RowResult) -> Answer:
    return Answer(
        place=row.place,
        success=row.status is RowStatus.WRITTEN,
        status=row.status.value,
        id=row.id or None,
        created=row.created,
        code=row.code or None,
        fields=list(row.fields),
        message=row.message or None,
    )


def _answer_of_body(place: int, body: dict[str, Any]) -> Answer:
    if body["success"]:
        return Answer(place=place, success=True, status="written", id=body.get("id"), created=body.get("created"))
    errors: list[dict[str, Any]] = body.get("errors") or [{}]
    error = errors[0]
    return Answer(
        place=place,
        success=False,
        status="refused",
        code=error.get("statusCode"),
        fields=error.get("fields") or [],
        message=error.get("message"),
    )
