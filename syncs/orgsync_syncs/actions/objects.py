"""Requests about one object, whose errors name the nearest object or field that the org has."""

from typing import Any
from urllib.parse import quote

from orgsync import Org
from orgsync.errors import FieldNotFound, NotFound, ObjectNotFound
from orgsync.suggest import nearest

__all__ = ["get_of_object", "segment"]


def segment(text: str) -> str:
    """Encode a text as one part of a path."""
    return quote(text, safe="")


async def get_of_object(org: Org, sobject: str, path: str = "", **params: str) -> Any:
    """Read a resource of an object, such as `/describe`.

    Raises ObjectNotFound and FieldNotFound, with the nearest name, where the org does not have what is named.
    """
    try:
        return await org.get(f"sobjects/{segment(sobject)}{path}", **params)
    except NotFound:
        listed = await org.get("sobjects")
        names = {each["name"].lower(): each["name"] for each in listed["sobjects"]}
        if sobject.lower() not in names:
            raise ObjectNotFound(sobject, near=nearest(sobject, names.values())) from None
        raise
    except FieldNotFound as missing:
        described = await org.get(f"sobjects/{segment(sobject)}/describe")
        near = nearest(missing.field, [each["name"] for each in described["fields"]])
        raise FieldNotFound(described["name"], missing.field, near=near) from None
