"""The rows of the demo org as a test changes them and looks at them, with an administrator's rights."""

from collections.abc import Collection, Iterable, Sequence

from .database import Database
from .fields import Derived, Scope, Value
from .files import content_of
from .ids import to18
from .transaction import Transaction


class Changes:
    """What tests do with the org's rows."""

    _database: Database

    def transaction(self) -> Transaction:
        """Open a transaction: its rows are stamped at once and visible when the `with` block ends."""
        return Transaction(self._database)

    def insert(self, sobject: str, /, **values: object) -> str:
        """Create a record and return its id."""
        with self.transaction() as transaction:
            return transaction.insert(sobject, **values)

    def update(self, sobject: str, record_id: str, /, **values: object) -> None:
        """Change a record."""
        with self.transaction() as transaction:
            transaction.update(sobject, record_id, **values)

    def update_without_stamp(self, sobject: str, record_id: str, /, **values: Value) -> None:
        """Change fields as Salesforce's own mass jobs do: no stamp of the record moves."""
        table = self._database.tables[self._database.schema.everything(sobject).name]
        table[record_id] = {**table[record_id], **values}

    def delete(self, sobject: str, record_id: str, /) -> None:
        """Put a record into the recycle bin: queryAll still returns it."""
        with self.transaction() as transaction:
            transaction.delete(sobject, record_id)

    def hard_delete(self, sobject: str, record_id: str, /) -> None:
        """Remove a record for good: only the delete log knows it."""
        with self.transaction() as transaction:
            transaction.hard_delete(sobject, record_id)

    def undelete(self, sobject: str, record_id: str, /) -> None:
        """Bring a record back from the recycle bin."""
        with self.transaction() as transaction:
            transaction.undelete(sobject, record_id)

    def merge(self, sobject: str, winner: str, losers: Sequence[str], /) -> None:
        """Merge one or two records into another of the same object."""
        with self.transaction() as transaction:
            transaction.merge(sobject, winner, list(losers))

    def empty_recycle_bin(self, sobject: str, /) -> None:
        """Remove an object's deleted records for good; the delete log keeps what it had."""
        with self.transaction() as transaction:
            transaction.empty_recycle_bin(sobject)

    def rows(
        self, sobject: str, *, fields: Collection[str] | None = None, deleted: bool = False
    ) -> list[dict[str, Derived]]:
        """Return the truth: every field of every row by API name; `deleted` adds those in the recycle bin.

        It is everybody's truth: rows and fields that are hidden from the user are in it. With `fields`, only these
        are read, which is quicker: others may follow from other rows. Raises KeyError for a field that there is not.
        """
        with self._database.lock:
            scope = Scope(self._database.find, self._database.clock.now.date())
            schema, rows = self._database.schema, sorted(self._database.table(sobject).items())
            every = schema.everything(sobject).fields
            chosen = every if fields is None else [schema.field(sobject, name) for name in fields]
            return [
                {known.name: known.derive(row, scope) if known.derive else row.get(known.name) for known in chosen}
                for _, row in rows
                if deleted or not row.get("IsDeleted")
            ]

    def content(self, sobject: str, record_id: str, /) -> bytes:
        """Return the content of a ContentVersion, an Attachment or a Document.

        Raises:
            ValueError: the object's records hold none.
        """
        with self._database.lock:
            definition = self._database.schema.everything(sobject)
            row = self._database.tables[definition.name][to18(record_id) or record_id]
            content = content_of(definition, row)
            if content is None:
                raise ValueError(f"Records of {definition.name} hold no content.")
            return content

    def archive(self, sobject: str, record_id: str, /) -> None:
        """Archive a Task or an Event, as Salesforce does with old ones: no stamp moves, and queryAll alone gives it.

        Raises:
            ValueError: the object's records are never archived.
        """
        with self._database.lock:
            definition = self._database.schema.everything(sobject)
            if not definition.archives:
                raise ValueError(f"Records of {definition.name} are never archived, only Tasks and Events are.")
            table, whole = self._database.tables[definition.name], to18(record_id) or record_id
            table[whole] = {**table[whole], "IsArchived": True}

    def view(self, sobject: str, record_id: str, /) -> None:
        """Look at a record's page, as a user does: it is first among the recent ones."""
        with self._database.lock:
            seen = (self._database.schema.everything(sobject).name, to18(record_id) or record_id)
            self._database.viewed = [each for each in self._database.viewed if each != seen] + [seen]

    def purge_delete_log(self) -> None:
        """Forget deletions: getDeleted reaches back to this moment only."""
        with self._database.lock:
            self._database.deletions.clear()
            self._database.deletions_since = self._database.clock.stamp

    def restrict_rows(self, sobject: str, hidden_ids: Iterable[str]) -> None:
        """Stop sharing these rows of an object with the user, and share its others; none shows them all again.

        No stamp moves. The user sees the rows nowhere: not in queries, queryAll, Bulk, getUpdated or getDeleted,
        nor by their id. Formulas still read them.
        """
        with self._database.lock:
            name = self._database.schema.everything(sobject).name
            self._database.hidden[name] = frozenset(to18(hidden) or hidden for hidden in hidden_ids)
