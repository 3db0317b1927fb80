"""The demo org's objects, fields and permissions as an administrator changes them; no row's stamp moves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .database import Database
from .fields import Derive, Field, Row, SObject, Value
from .knowledge import KNOWLEDGE, first_articles
from .new_fields import NewField
from .new_objects import free_prefix, length_of, new_field, new_lookup, new_object, precision_of
from .refusal import Refusal
from .transaction import Transaction
from .writes import stored_value


class Administration:
    """What tests do with the org's schema; describe's Last-Modified moves with every change."""

    _database: Database

    def hide_field(self, sobject: str, name: str) -> None:
        """Hide a field from the user: describe leaves it out and queries do not know it."""
        with self._database.lock:
            self._database.schema.hide_field(sobject, name, self._database.clock.stamp)

    def hide_object(self, sobject: str) -> None:
        """Hide an object from the user."""
        with self._database.lock:
            self._database.schema.hide_object(sobject, self._database.clock.stamp)

    def show_everything(self) -> None:
        """Undo every `hide_field`, `hide_object` and `restrict_rows`."""
        with self._database.lock:
            self._database.schema.show(self._database.clock.stamp)
            self._database.hidden.clear()

    def objects(self) -> list[SObject]:
        """Return every object that the user sees, with all of its fields, hidden ones too."""
        with self._database.lock:
            return self._database.schema.sobjects()

    def add_object(
        self,
        name: str,
        *,
        label: str | None = None,
        fields: Mapping[str, str | NewField] | None = None,
        changes: bool = True,
        requires_filter: Sequence[str] = (),
        disjunctions: bool = True,
        **custom: str | NewField,
    ) -> None:
        """Add an object to the org, custom or not, without rows; its fields are given by type, or whole:

            org.add_object("Invoice__c", Key__c=key(), Total__c="currency", Account__c=lookup("Account", "Invoices__r"))

        `fields=` takes the same as a mapping, for names that are Python keywords or names of other options.

        Id and Name come with every object; an owner, the stamps and the recycle bin with one whose changes can be
        read. Without `changes` the object has none of these and is not replicated, so that only a snapshot reads it.
        With `requires_filter`, queries must compare one of these fields with Ids, by = or IN; without
        `disjunctions`, they are refused where their WHERE has an OR. Some standard objects are like that.
        """
        with self._database.lock:
            schema, given = self._database.schema, {**(fields or {}), **custom}
            for field in given.values():
                if isinstance(field, NewField) and field.parent not in {None, name}:
                    schema.everything(str(field.parent))  # KeyError, where there is no such parent
            added = new_object(name, free_prefix(name, schema.prefixes()), given, label=label, changes=changes)
            added = replace(added, requires_filter=tuple(requires_filter), disjunctions=disjunctions)
            schema.add_object(added, self._database.clock.stamp)
            self._database.tables[name] = {}

    def add_lookup(self, sobject: str, name: str, parent: str, *, relationship: str | None = None) -> None:
        """Add a field to an object that refers to rows of a parent.

        `Region__c` is followed by `Region__r.Name`, `AccountId` by `Account.Name`, unless `relationship` names it.
        """
        with self._database.lock:
            schema = self._database.schema
            added = new_lookup(name, schema.everything(parent).name, relationship)
            schema.add_field(sobject, added, self._database.clock.stamp)

    def add_field(
        self,
        sobject: str,
        name: str,
        *,
        type: str = "string",
        length: int = 255,
        values: Sequence[str] = (),
        external_id: bool = False,
        unique: bool = False,
        formula: Derive | None = None,
    ) -> None:
        """Add a field to an object, such as `Level__c`; existing rows are not touched by it.

        With a `formula`, a function of a row and its `Scope`, the field is computed whenever it is read, and its
        value changes while no stamp moves: `formula=lambda row, scope: scope.today`.
        """
        added = new_field(name, type, length, values=values, external_id=external_id, unique=unique, formula=formula)
        with self._database.lock:
            self._database.schema.add_field(sobject, added, self._database.clock.stamp)
            if type == "boolean" and formula is None:  # what has no value reads as null, but a checkbox is never null
                self._rewrite(sobject, lambda row: {**row, name: False})

    def change_field_type(self, sobject: str, name: str, type: str) -> None:
        """Change the type of a field; values that the new type cannot hold are lost, as in real orgs."""
        with self._database.lock:
            schema = self._database.schema
            known = schema.field(sobject, name)
            length, boolean = length_of(type, known.length or 255), type == "boolean"
            changed = replace(
                known, type=type, length=length, precision=precision_of(type), nillable=not boolean, defaulted=boolean
            )
            schema.change_field(sobject, changed, self._database.clock.stamp)
            self._rewrite(sobject, lambda row: {**row, known.name: _converted(changed, row.get(known.name))})

    def set_field_flags(
        self, sobject: str, name: str, *, filterable: bool | None = None, sortable: bool | None = None
    ) -> None:
        """Set whether queries may filter and sort by a field, as in its describe; None leaves it as it is."""
        with self._database.lock:
            known = self._database.schema.field(sobject, name)
            changed = replace(
                known,
                may_filter=known.may_filter if filterable is None else filterable,
                may_sort=known.may_sort if sortable is None else sortable,
            )
            self._database.schema.change_field(sobject, changed, self._database.clock.stamp)

    def set_object_rules(
        self, sobject: str, *, requires_filter: Sequence[str] | None = None, disjunctions: bool | None = None
    ) -> None:
        """Change what an object demands of queries, as `add_object` takes it; None leaves it."""
        with self._database.lock:
            schema = self._database.schema
            known = schema.everything(sobject)
            changed = replace(
                known,
                requires_filter=known.requires_filter if requires_filter is None else tuple(requires_filter),
                disjunctions=known.disjunctions if disjunctions is None else disjunctions,
            )
            schema.change_object(changed, self._database.clock.stamp)

    def enable_knowledge(self) -> list[str]:
        """Give the org Knowledge, with a few articles; return the Ids of their versions, the published ones first."""
        with self._database.lock:
            self._database.schema.add_object(KNOWLEDGE, self._database.clock.stamp)
            self._database.tables[KNOWLEDGE.name] = {}
        with Transaction(self._database) as transaction:
            return [transaction.insert(KNOWLEDGE.name, **article) for article in first_articles()]

    def log_setup(self, action: str, section: str, display: str) -> str:
        """Note a change of the org's setup in its log, SetupAuditTrail, now; return the Id of the entry."""
        with self._database.lock:
            table, made = self._database.tables["SetupAuditTrail"], self._database.next_id("SetupAuditTrail")
            table[made] = {
                "Id": made, "Action": action, "Section": section, "Display": display,
                "CreatedDate": self._database.clock.stamp, "CreatedById": self._database.user_id,
            }  # fmt: skip
            return made

    def remove_field(self, sobject: str, name: str) -> None:
        """Delete a field and its values."""
        with self._database.lock:
            removed = self._database.schema.field(sobject, name).name
            self._database.schema.remove_field(sobject, removed, self._database.clock.stamp)
            self._rewrite(sobject, lambda row: {key: value for key, value in row.items() if key != removed})

    def _rewrite(self, sobject: str, rewrite: Callable[[Row], Row]) -> None:
        table = self._database.table(sobject)
        table.update({key: rewrite(row) for key, row in table.items()})
        self._database.forget_indexes(self._database.schema.everything(sobject).name)


def _converted(field: Field, value: Value) -> Value:
    """Return a value as its field's new type holds it; what it cannot hold becomes null, or false."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        held = stored_value(field, None if value is None else text)
    except Refusal:
        held = None
    return False if held is None and field.type == "boolean" else held
