"""Actions on one record: read, create, change, delete. Fields are checked against describe before one is written."""

from typing import Any, cast

from orgsync import Org, action
from orgsync.errors import QueryRefused

from .answers import Written, written
from .objects import get_of_object, segment

__all__ = ["create", "delete", "get", "get_by_external_id", "update", "update_by_external_id", "upsert"]


@action
async def get(org: Org, sobject: str, id: str, fields: list[str] | None = None) -> dict[str, Any]:
    """Read a record by its Id: all of its fields, or those that are named."""
    record: dict[str, Any] = await get_of_object(org, sobject, f"/{segment(id)}", **_named(fields))
    return record


@action
async def get_by_external_id(
    org: Org, sobject: str, external_id: str, value: str | int | float, fields: list[str] | None = None
) -> dict[str, Any]:
    """Read the record that an external id names."""
    path = f"/{segment(external_id)}/{segment(str(value))}"
    found: Any = await get_of_object(org, sobject, path, **_named(fields))
    if isinstance(found, list):  # where each of them is, with the status 300
        several = cast("list[str]", found)
        raise QueryRefused(
            f"{len(several)} records of {sobject} have this {external_id}.",
            "Find the one that is meant, and read it by its Id.",
        )
    record: dict[str, Any] = found
    return record


@action
async def create(org: Org, sobject: str, record: dict[str, Any]) -> Written:
    """Create a record, and return its Id."""
    return written(await org.write(sobject, [record], operation="insert"))


@action
async def update(org: Org, sobject: str, id: str, record: dict[str, Any]) -> Written:
    """Change fields of a record; null empties a field, and what is absent stays."""
    return written(await org.write(sobject, [{**record, "Id": id}], operation="update"))


@action
async def update_by_external_id(
    org: Org, sobject: str, external_id: str, value: str | int | float, record: dict[str, Any]
) -> Written:
    """Change the record that an external id names; where there is none, none is made."""
    row = {**record, external_id: value}
    return written(await org.write(sobject, [row], operation="upsert", external_id=external_id, update_only=True))


@action
async def upsert(org: Org, sobject: str, external_id: str, value: str | int | float, record: dict[str, Any]) -> Written:
    """Change the record that an external id names, or create it."""
    row = {**record, external_id: value}
    return written(await org.write(sobject, [row], operation="upsert", external_id=external_id))


@action
async def delete(org: Org, sobject: str, id: str) -> None:
    """Delete a record; it is in the recycle bin afterwards."""
    await org.delete(f"sobjects/{segment(sobject)}/{segment(id)}")


def _named(fields: list[str] | None) -> dict[str, str]:
    return {"fields": ",".join(fields)} if fields else {}
