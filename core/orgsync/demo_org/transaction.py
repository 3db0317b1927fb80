"""Inserting, updating, deleting, undeleting and merging, as one transaction."""

from types import TracebackType
from typing import Self

from .database import Database, Deletion, OpenTransaction
from .fields import Row, SObject, Value
from .files import document_values, measured
from .ids import to18
from .refusal import Refusal
from .row_index import key_of
from .support import FEEDS, tracked_change
from .tracking import HISTORIES, history_of, owner_share
from .writes import checked, require_present


class Transaction:
    """Changes that become visible together when the `with` block ends, and vanish if it raises.

    Rows are stamped while the block runs. Until it ends they are invisible, others cannot change them
    (UNABLE_TO_LOCK_ROW), and `latestDateCovered` stays at the transaction's start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._staged: dict[tuple[str, str], Row | None] = {}
        self._deletions: list[Deletion] = []
        self._self = OpenTransaction(database.clock.stamp, set())
        with database.lock:
            database.open.append(self._self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._database.lock:
            if kind is None:
                self._database.apply(self._staged, self._deletions)
            self._database.open.remove(self._self)

    def insert(self, sobject: str, /, **fields: object) -> str:
        """Create a record and return its 18 character id."""
        with self._database.lock:
            definition = self._database.schema.everything(sobject)
            values = checked(definition, fields)
            values |= measured(definition, values)
            require_present(definition, values)
            self._require_references(definition, values)
            self._require_unique(definition, values, None)
            record_id = self._database.next_id(definition.name)
            row = self._new_row(definition, record_id, values)
            self._write(definition.name, record_id, row)
            self._leave_history(definition, None, row)
            if definition.name == "Account":
                self.insert("AccountShare", **owner_share(row))
            if definition.name == "ContentVersion":
                self._publish(definition, row)
            return record_id

    def update(self, sobject: str, record_id: str, /, **fields: object) -> None:
        """Change fields of a live record."""
        with self._database.lock:
            definition, row = self._live(sobject, record_id)
            values = checked(definition, fields)
            values |= measured(definition, values)
            require_present(definition, {**row, **values})
            self._require_references(definition, values)
            self._require_unique(definition, values, row)
            changed = {**row, **self._touched(definition), **values}
            self._write(definition.name, str(row["Id"]), changed)
            self._leave_history(definition, row, changed)
            if definition.name == "Case" and (post := tracked_change(row, changed)):
                self.insert("FeedItem", **post)
            if definition.name == "Account" and changed["OwnerId"] != row["OwnerId"]:
                self._share_with_owner(changed)

    def delete(self, sobject: str, record_id: str, /) -> None:
        """Move a record, and what belongs to it, into the recycle bin."""
        with self._database.lock:
            definition, row = self._live(FEEDS.get(sobject, sobject), record_id)
            self._require_deletable(definition)
            if definition.has_recycle_bin:
                self._bin(definition, row)
            else:
                self.hard_delete(sobject, record_id)

    def hard_delete(self, sobject: str, record_id: str, /) -> None:
        """Remove a record, and what belongs to it, for good; only the delete log still knows it."""
        with self._database.lock:
            definition, row = self._known(FEEDS.get(sobject, sobject), record_id)
            self._require_deletable(definition)
            self._remove(definition, row)

    def empty_recycle_bin(self, sobject: str, /) -> None:
        """Remove an object's deleted records for good, and what was deleted with them."""
        with self._database.lock:
            definition = self._database.schema.everything(sobject)
            for row in self._rows(definition.name):
                if row.get("IsDeleted"):
                    self._remove(definition, row)

    def undelete(self, sobject: str, record_id: str, /) -> None:
        """Restore a record from the recycle bin, and what was deleted along with it."""
        with self._database.lock:
            definition, row = self._known(sobject, record_id)
            if not row.get("IsDeleted"):
                raise Refusal(400, "UNDELETE_FAILED", "Entity is not in the recycle bin", [])
            binned = row.get("SystemModstamp")
            for child, child_row in self._owned(definition, row):
                if child_row["IsDeleted"] and child_row.get("SystemModstamp", binned) == binned:
                    self.undelete(child.name, str(child_row["Id"]))
            back: Row = {"IsDeleted": False} | ({"MasterRecordId": None} if definition.mergeable else {})
            self._write(definition.name, str(row["Id"]), {**row, **self._touched(definition), **back})

    def merge(self, sobject: str, winner: str, losers: list[str], /) -> None:
        """Delete the losers into the winner; what referred to them now refers to it, with its stamp unmoved."""
        with self._database.lock:
            definition, row = self._live(sobject, winner)
            if not definition.mergeable or not 1 <= len(losers) <= 2:
                raise Refusal(400, "INVALID_OPERATION", "Only two or three records of a kind can be merged", [])
            for loser in losers:
                _, lost = self._live(sobject, loser)
                self._move_children(definition, str(lost["Id"]), str(row["Id"]))
                self._bin(definition, {**lost, "MasterRecordId": row["Id"]})
            self._write(definition.name, str(row["Id"]), {**row, **self._touched(definition)})

    def _new_row(self, definition: SObject, record_id: str, values: dict[str, Value]) -> Row:
        row = dict(definition.blank)
        user = self._database.user_id
        made: dict[str, Value] = {"CreatedDate": self._database.clock.stamp, "CreatedById": user, "OwnerId": user}
        row |= self._touched(definition) | {name: value for name, value in made.items() if name in row}
        return row | {name: value for name, value in values.items() if value is not None} | {"Id": record_id}

    def _touched(self, definition: SObject) -> dict[str, Value]:
        """Return the stamps of a change, those that the object has."""
        stamp = self._database.clock.stamp
        stamps: dict[str, Value] = {
            "LastModifiedDate": stamp,
            "LastModifiedById": self._database.user_id,
            "SystemModstamp": stamp,
        }
        return {name: value for name, value in stamps.items() if name.lower() in definition.stored}

    def _leave_history(self, definition: SObject, before: Row | None, after: Row) -> None:
        for values in history_of(definition, before, after):
            history = self._database.schema.everything(HISTORIES.get(definition.name, f"{definition.name}History"))
            record_id = self._database.next_id(history.name)
            self._write(history.name, record_id, self._new_row(history, record_id, values))

    def _share_with_owner(self, account: Row) -> None:
        for share in self._having("AccountShare", "AccountId", account["Id"]):
            if share["RowCause"] == "Owner":
                self.update("AccountShare", str(share["Id"]), UserOrGroupId=account["OwnerId"])

    def _publish(self, definition: SObject, version: Row) -> None:
        """Make a version the latest of its document, which a first version creates along with its links."""
        document_id, owner = version.get("ContentDocumentId"), version["OwnerId"]
        earlier = self._having(definition.name, "ContentDocumentId", document_id) if document_id else []
        if not isinstance(document_id, str):
            document_id = self.insert("ContentDocument", **document_values(version), OwnerId=owner)
            for linked, share in ((owner, "I"), (version.get("FirstPublishLocationId"), "V")):
                if linked is not None:
                    own = {"ContentDocumentId": document_id, "LinkedEntityId": linked, "ShareType": share}
                    self.insert("ContentDocumentLink", **own)
        for one in earlier:
            if one["Id"] != version["Id"] and one.get("IsLatest"):
                self._write(definition.name, str(one["Id"]), {**one, **self._touched(definition), "IsLatest": False})
        number = sum(one["Id"] != version["Id"] for one in earlier) + 1
        latest: Row = {"ContentDocumentId": document_id, "IsLatest": True, "VersionNumber": str(number)}
        self._write(definition.name, str(version["Id"]), {**version, **latest})
        self.update("ContentDocument", document_id, **document_values(version))

    def _bin(self, definition: SObject, row: Row) -> None:
        for child, child_row in self._owned(definition, row):
            if not child_row["IsDeleted"]:
                self._bin(child, child_row)
        self._write(definition.name, str(row["Id"]), {**row, **self._touched(definition), "IsDeleted": True})
        self._log(definition, row)

    def _remove(self, definition: SObject, row: Row) -> None:
        for child, child_row in self._owned(definition, row):
            self._remove(child, child_row)
        if not row.get("IsDeleted"):
            self._log(definition, row)
        self._write(definition.name, str(row["Id"]), None)

    def _log(self, definition: SObject, row: Row) -> None:
        in_case_feed = definition.name == "FeedItem" and self._is_of_case(str(row["Id"]), row)
        for name in [definition.name, *(["CaseFeed"] if in_case_feed else [])]:
            self._deletions.append(Deletion(name, str(row["Id"]), self._database.clock.stamp))

    def _rows(self, sobject: str) -> list[Row]:
        """Return an object's rows as this transaction sees them."""
        own = {key[1]: row for key, row in self._staged.items() if key[0] == sobject}
        rows: dict[str, Row | None] = {**self._database.tables[sobject], **own}
        return [row for row in rows.values() if row is not None]

    def _having(self, sobject: str, field: str, value: Value) -> list[Row]:
        """Return the rows whose field has a value, as this transaction sees them."""
        own = {key[1]: row for key, row in self._staged.items() if key[0] == sobject}
        seen = [row for row in self._database.having(sobject, field, value) if row["Id"] not in own]
        return seen + [row for row in own.values() if row is not None and key_of(row.get(field)) == key_of(value)]

    def _find(self, sobject: str, record_id: str) -> Row | None:
        key = (sobject, record_id)
        return self._staged[key] if key in self._staged else self._database.find(sobject, record_id)

    def _write(self, sobject: str, record_id: str, row: Row | None) -> None:
        key = (sobject, record_id)
        if any(key in other.locked for other in self._database.open if other is not self._self):
            text = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
            raise Refusal(400, "UNABLE_TO_LOCK_ROW", text, [])
        self._self.locked.add(key)
        self._staged[key] = row
        if sobject == "FeedItem" and self._is_of_case(record_id, row):
            self._write("CaseFeed", record_id, row)

    def _is_of_case(self, record_id: str, post: Row | None) -> bool:
        """Return whether a post is a case's, so that it is in the feed of cases, under the same id."""
        if post is None:
            return self._find("CaseFeed", record_id) is not None
        return str(post["ParentId"]).startswith("500")

    def _known(self, sobject: str, record_id: str) -> tuple[SObject, Row]:
        definition = self._database.schema.everything(sobject)
        whole = to18(record_id)
        if whole is None or not whole.startswith(definition.prefix):
            raise Refusal(400, "MALFORMED_ID", f"malformed id {record_id}", ["Id"])
        row = self._find(definition.name, whole)
        if row is None:
            raise Refusal(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        return definition, row

    def _live(self, sobject: str, record_id: str) -> tuple[SObject, Row]:
        definition, row = self._known(sobject, record_id)
        if row.get("IsDeleted"):
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        return definition, row

    def _owned(self, definition: SObject, row: Row) -> list[tuple[SObject, Row]]:
        return [
            (child, child_row)
            for child in map(self._database.schema.everything, self._database.tables)
            for field in child.fields
            if field.cascades and definition.name in field.targets
            for child_row in self._having(child.name, field.name, row["Id"])
        ]

    def _move_children(self, definition: SObject, loser: str, winner: str) -> None:
        for child in map(self._database.schema.everything, self._database.tables):
            if child.belongs_to:
                continue  # history and shares go with the loser
            references = [field.name for field in child.fields if definition.name in field.targets]
            for row in self._rows(child.name):
                moved = {name: winner for name in references if row.get(name) == loser and name != "MasterRecordId"}
                if moved:
                    self._write(child.name, str(row["Id"]), {**row, **moved})

    def _require_deletable(self, definition: SObject) -> None:
        if not definition.deletable:
            text = f"entity type {definition.name} does not support delete"
            raise Refusal(400, "INVALID_TYPE_FOR_OPERATION", text, [])

    def _require_references(self, definition: SObject, values: dict[str, Value]) -> None:
        for name, value in values.items():
            field = definition.stored[name.lower()]
            if not field.targets or not isinstance(value, str):
                continue
            parents = map(self._database.schema.everything, field.targets)
            parent = next((parent for parent in parents if value.startswith(parent.prefix)), None)
            if parent is None:
                text = f"{field.label}: id value of incorrect type: {value}"
                raise Refusal(400, "MALFORMED_ID", text, [name])
            found = self._find(parent.name, value)
            if found is None:
                text = "invalid cross reference id"
                raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", text, [name])
            if found.get("IsDeleted"):
                raise Refusal(400, "ENTITY_IS_DELETED", "entity is deleted", [name])

    def _require_unique(self, definition: SObject, values: dict[str, Value], own: Row | None) -> None:
        for name, value in values.items():
            if value is None or not definition.stored[name.lower()].unique:
                continue
            for row in self._having(definition.name, name, value):
                if not row.get("IsDeleted") and (own is None or row["Id"] != own["Id"]):
                    text = f"duplicate value found: {name} duplicates value on record with id: {str(row['Id'])[:15]}"
                    raise Refusal(400, "DUPLICATE_VALUE", text, [])
