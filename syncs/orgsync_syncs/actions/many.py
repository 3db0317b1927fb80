"""Actions on many records, with an answer for each: up to 2,000 go 200 a call, more by Bulk API jobs."""

from typing import Any

from orgsync import Org, action
from orgsync.errors import ArgumentInvalid

from .answers import Answers, answers_of, answers_of_bodies
from .objects import segment

__all__ = ["create_many", "delete_many", "update_many", "upsert_many"]

_MOST = 200
"""How many rows Salesforce writes or refuses together."""


@action
async def create_many(org: Org, sobject: str, rows: list[dict[str, Any]], all_or_none: bool = False) -> Answers:
    """Create records; with all_or_none (200 at most), none of them if one is refused."""
    if all_or_none:
        return answers_of_bodies(await org.post("composite/sobjects", _together(sobject, rows)))
    return answers_of(await org.write(sobject, rows, operation="insert"))


@action
async def update_many(org: Org, sobject: str, rows: list[dict[str, Any]], all_or_none: bool = False) -> Answers:
    """Change records, each of which has its Id; null empties a field, and what is absent stays."""
    if all_or_none:
        return answers_of_bodies(await org.patch("composite/sobjects", _together(sobject, rows)))
    return answers_of(await org.write(sobject, rows, operation="update"))


@action
async def upsert_many(
    org: Org, sobject: str, external_id: str, rows: list[dict[str, Any]], all_or_none: bool = False
) -> Answers:
    """Change the records that their external ids name, and create the others."""
    if all_or_none:
        path = f"composite/sobjects/{segment(sobject)}/{segment(external_id)}"
        return answers_of_bodies(await org.patch(path, _together(sobject, rows)))
    return answers_of(await org.write(sobject, rows, operation="upsert", external_id=external_id))


@action
async def delete_many(org: Org, sobject: str, ids: list[str], all_or_none: bool = False) -> Answers:
    """Delete records by their Ids; they are in the recycle bin afterwards."""
    if all_or_none:
        _require_few(ids)
        return answers_of_bodies(
            await org.delete(f"composite/sobjects?ids={','.join(map(segment, ids))}&allOrNone=true")
        )
    return answers_of(await org.write(sobject, [{"Id": each} for each in ids], operation="delete"))


def _together(sobject: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the body that writes rows together."""
    _require_few(rows)
    return {"allOrNone": True, "records": [{**row, "attributes": {"type": sobject}} for row in rows]}


def _require_few(rows: list[Any]) -> None:
    if len(rows) > _MOST:
        raise ArgumentInvalid(
            f"{len(rows):,} rows are too many for all_or_none: Salesforce writes {_MOST} together.",
            "Leave all_or_none out, or give them in parts.",
        )
