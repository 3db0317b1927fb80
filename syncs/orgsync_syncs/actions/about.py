"""Actions that describe the org: its objects, its limits, its resources, and who the connection's user is."""

from typing import Any

from pydantic import BaseModel, Field

from orgsync import Org, action

from .objects import get_of_object

__all__ = [
    "basic_info",
    "current_user",
    "describe_global",
    "describe_object",
    "limits",
    "list_resources",
    "recent_items",
]


class CurrentUser(BaseModel):
    """The user that the connection works as, and the org."""

    id: str = Field(validation_alias="Id")
    username: str = Field(validation_alias="Username")
    name: str = Field(validation_alias="Name")
    email: str | None = Field(None, validation_alias="Email")
    profile_id: str | None = Field(None, validation_alias="ProfileId")
    language: str | None = Field(None, validation_alias="LanguageLocaleKey")
    locale: str | None = Field(None, validation_alias="LocaleSidKey")
    time_zone: str | None = Field(None, validation_alias="TimeZoneSidKey")
    org_id: str


@action
async def describe_object(org: Org, sobject: str) -> dict[str, Any]:
    """Describe an object: its fields, its relationships, and what the user may do with it."""
    described: dict[str, Any] = await get_of_object(org, sobject, "/describe")
    return described


@action
async def basic_info(org: Org, sobject: str) -> dict[str, Any]:
    """Describe an object in short, with the records of it that the user has viewed last."""
    described: dict[str, Any] = await get_of_object(org, sobject)
    return described


@action
async def describe_global(org: Org) -> list[dict[str, Any]]:
    """List the objects that the user may see."""
    listed: list[dict[str, Any]] = (await org.get("sobjects"))["sobjects"]
    return listed


@action
async def limits(org: Org) -> dict[str, Any]:
    """Read the org's limits, and what remains of them."""
    found: dict[str, Any] = await org.get("limits")
    return found


@action
async def list_resources(org: Org) -> dict[str, Any]:
    """List the resources of the REST API, with their addresses."""
    listed: dict[str, Any] = await org.get("")
    return listed


@action
async def recent_items(org: Org, limit: int = 200) -> list[dict[str, Any]]:
    """List the records that the user has viewed last."""
    listed: list[dict[str, Any]] = await org.get("recent", limit=str(limit))
    return listed


@action
async def current_user(org: Org) -> CurrentUser:
    """Return the user that the connection works as."""
    user = await org.get(f"sobjects/User/{org.connection.user_id}")
    return CurrentUser.model_validate({**user, "org_id": org.connection.org_id})
