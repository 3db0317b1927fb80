"""What tests do so that the org refuses, loses or garbles what is written to it."""

from collections.abc import Sequence
from typing import Literal

from .api import Api
from .database import Database
from .invocable import InvocableAction
from .quick_actions import QuickAction
from .write_rules import Condition, WriteRule, lock_refusal, rule_refusal


class WriteLevers:
    """The levers of writes; faults of the connection are `add_fault`, as for reads."""

    _api: Api
    _database: Database

    def refuse_writes(
        self,
        sobject: str,
        code: str,
        message: str,
        *,
        fields: Sequence[str] = (),
        where: Condition | None = None,
        times: int | None = None,
    ) -> None:
        """Refuse writes of an object through the API, as validation rules and missing rights do.

        `where` receives the fields of a write, and `Id` if the record has one: `where=lambda row: row["Age__c"] > 99`.
        The first `times` of them are refused, or all.
        """
        with self._database.lock:
            self._api.writer.rules.add(WriteRule(sobject, rule_refusal(code, message, fields), where, times))

    def lock_rows(self, sobject: str, *, where: Condition | None = None, times: int | None = 1) -> None:
        """Refuse the next writes of an object with UNABLE_TO_LOCK_ROW; the same row passes when it is written again."""
        with self._database.lock:
            self._api.writer.rules.add(WriteRule(sobject, lock_refusal(), where, times))

    def allow_writes(self) -> None:
        """Undo every `refuse_writes` and `lock_rows`."""
        with self._database.lock:
            self._api.writer.rules.clear()

    def add_action(self, action: InvocableAction) -> None:
        """Add a flow or an Apex method to the org; `action.run` is what it does."""
        with self._database.lock:
            self._api.actions.add(action)

    def add_quick_action(self, action: QuickAction) -> None:
        """Add a quick action to the org."""
        with self._database.lock:
            self._api.quick_actions.add(action)

    def lose_bulk_batches(self, times: int = 1, *, written: bool = False) -> None:
        """Leave the rows of the next batches out of every file of results; `written` writes them all the same.

        A batch has `bulk_batch_size` rows. The batches past `bulk_batches_limit` are lost, too, and not written.
        """
        lost: Literal["written", "lost"] = "written" if written else "lost"
        with self._database.lock:
            self._api.ingest.rows.lost += [lost] * times
