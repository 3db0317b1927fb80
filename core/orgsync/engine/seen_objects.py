"""What an org says of objects, as the store keeps it."""

from collections.abc import Mapping

from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe
from orgsync.store.org_schemas import SeenObject

__all__ = ["seen_object", "seen_objects"]


def seen_objects(described: Mapping[str, ObjectDescribe | None]) -> dict[str, SeenObject]:
    """Return the fields of objects with their types; None is an object that is not there."""
    return {each.name if each else name: seen_object(each) for name, each in described.items()}


def seen_object(described: ObjectDescribe | None) -> SeenObject:
    """Return the fields of an object with their types."""
    if described is None:
        return SeenObject(None)
    return SeenObject({each.name: _type(each) for each in described.fields.values()}, described.last_modified)


def _type(field: FieldDescribe) -> str:
    """Return a field's type, with the objects that a reference may lead to."""
    return f"{field.type} to {', '.join(sorted(field.refers_to))}" if field.refers_to else field.type
