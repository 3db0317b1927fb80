"""Writes that the org refuses because a test set it so: locked rows, validation rules, missing rights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .refusal import Refusal

Condition = Callable[[Mapping[str, object]], bool]
"""What a rule looks at: the fields of a write, with the record's `Id` where it has one."""


@dataclass(slots=True)
class WriteRule:
    """Refuses writes of an object: the next `times` ones that match, or all of them where that is None."""

    sobject: str
    refusal: Refusal
    where: Condition | None
    times: int | None

    def strikes(self, sobject: str, fields: Mapping[str, object]) -> bool:
        """Return whether a write is refused, and count it."""
        if self.times == 0 or self.sobject.lower() != sobject.lower():
            return False
        if self.where is not None and not self.where(fields):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class WriteRules:
    """The rules that writes through the API are checked against; a test's own writes are not."""

    def __init__(self) -> None:
        self._rules: list[WriteRule] = []

    def add(self, rule: WriteRule) -> None:
        """Check writes against one more rule."""
        self._rules.append(rule)

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()

    def check(self, sobject: str, record_id: str | None, fields: Mapping[str, object]) -> None:
        """Raise the Refusal of the first rule that a write breaks."""
        if not self._rules:
            return
        written = {**fields, "Id": record_id} if record_id else fields
        for rule in self._rules:
            if rule.strikes(sobject, written):
                raise rule.refusal


def lock_refusal(record_id: str | None = None) -> Refusal:
    """Return what a write gets whose row, or whose parent's row, somebody else holds."""
    text = "unable to obtain exclusive access to this record or 1 records"
    return Refusal(400, "UNABLE_TO_LOCK_ROW", f"{text}: {record_id}" if record_id else text, [])


def rule_refusal(code: str, message: str, fields: Sequence[str]) -> Refusal:
    """Return a refusal as the rules of an org make it."""
    return Refusal(400, code, message, fields)
