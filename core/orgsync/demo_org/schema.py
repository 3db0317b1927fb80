"""What the connected user sees of the org's objects: their fields, less what an administrator has hidden."""

from dataclasses import replace
from datetime import datetime, timedelta

from .fields import Field, SObject
from .objects import NAME, OBJECTS


class Schema:
    """The org's objects and fields by name, in any case of letters, as SOQL and REST take them."""

    def __init__(self, changed: datetime) -> None:
        self.changed = changed
        self._objects = {sobject.name.lower(): sobject for sobject in OBJECTS}
        self._hidden_objects: set[str] = set()
        self._hidden_fields: set[tuple[str, str]] = set()
        self._visible: dict[str, dict[str, Field]] = {}
        self._children: dict[str, list[tuple[SObject, Field]]] = {}

    def everything(self, name: str) -> SObject:
        """Return an object with all of its fields, hidden ones too; KeyError where there is none.

        `Name` is what the parents behind a reference to several objects share; it has no rows and is not queried.
        """
        return NAME if name == NAME.name else self._objects[name.lower()]

    def sobjects(self) -> list[SObject]:
        """Return the visible objects in order of name."""
        visible = (sobject for name, sobject in self._objects.items() if name not in self._hidden_objects)
        return sorted(visible, key=lambda sobject: sobject.name)

    def sobject(self, name: str) -> SObject | None:
        """Return a visible object, or None."""
        return None if name.lower() in self._hidden_objects else self._objects.get(name.lower())

    def fields(self, sobject: SObject) -> dict[str, Field]:
        """Return an object's visible fields by lower-case name, in describe's order."""
        name = sobject.name.lower()
        if name not in self._visible:
            self._visible[name] = {
                field.name.lower(): field
                for field in self.everything(sobject.name).fields
                if (name, field.name.lower()) not in self._hidden_fields
            }
        return self._visible[name]

    def relationship(self, sobject: SObject, name: str) -> Field | None:
        """Return the visible reference field behind a parent's name such as `Account` or `Owner`."""
        for field in self.fields(sobject).values():
            if field.relationship and field.relationship.lower() == name.lower():
                return field if any(self.sobject(target) for target in field.targets) else None
        return None

    def children(self, sobject: SObject) -> list[tuple[SObject, Field]]:
        """Return the objects and fields that refer to an object."""
        if sobject.name not in self._children:
            self._children[sobject.name] = [
                (child, field)
                for child in self.sobjects()
                for field in self.fields(child).values()
                if sobject.name in field.targets and (field.child_relationship or field.cascades)
            ]
        return self._children[sobject.name]

    def of_id(self, record_id: str) -> SObject | None:
        """Return the object whose records have ids like this one, by the key prefix."""
        return next((each for each in self._objects.values() if record_id.startswith(each.prefix)), None)

    def hide_object(self, name: str, changed: datetime) -> None:
        """Revoke the user's permission to see an object."""
        self._hidden_objects.add(self.everything(name).name.lower())
        self._touch(changed)

    def hide_field(self, sobject: str, field: str, changed: datetime) -> None:
        """Revoke the user's permission to see a field."""
        self._hidden_fields.add((sobject.lower(), self.field(sobject, field).name.lower()))
        self._touch(changed)

    def show(self, changed: datetime) -> None:
        """Restore every permission."""
        self._hidden_fields.clear()
        self._hidden_objects.clear()
        self._touch(changed)

    def prefixes(self) -> set[str]:
        """Return the key prefixes that objects have."""
        return {sobject.prefix for sobject in self._objects.values()}

    def add_object(self, added: SObject, changed: datetime) -> None:
        """Add an object to the org. Raises ValueError where it has one of that name."""
        if added.name.lower() in self._objects:
            raise ValueError(f"The org has an object called {added.name} already.")
        self._objects[added.name.lower()] = added
        self._touch(changed)

    def add_field(self, sobject: str, field: Field, changed: datetime) -> None:
        """Add a field to an object."""
        self._define(sobject, (*self.everything(sobject).fields, field), changed)

    def change_object(self, changed_object: SObject, changed: datetime) -> None:
        """Replace the object of the same name."""
        self._objects[changed_object.name.lower()] = changed_object
        self._touch(changed)

    def change_field(self, sobject: str, field: Field, changed: datetime) -> None:
        """Replace the field of the same name."""
        fields = self.everything(sobject).fields
        self._define(sobject, tuple(field if known.name == field.name else known for known in fields), changed)

    def remove_field(self, sobject: str, name: str, changed: datetime) -> None:
        """Remove a field from an object."""
        self._define(sobject, tuple(known for known in self.everything(sobject).fields if known.name != name), changed)

    def field(self, sobject: str, name: str) -> Field:
        """Return a field, hidden or not, by its name in any case; KeyError where there is none."""
        for known in self.everything(sobject).fields:
            if known.name.lower() == name.lower():
                return known
        raise KeyError(name)

    def _define(self, sobject: str, fields: tuple[Field, ...], changed: datetime) -> None:
        known = self.everything(sobject)
        self.change_object(replace(known, fields=fields), changed)

    def _touch(self, changed: datetime) -> None:
        # Last-Modified counts seconds: two changes within one must not look like one.
        self.changed = max(changed, self.changed + timedelta(seconds=1))
        self._visible.clear()
        self._children.clear()
