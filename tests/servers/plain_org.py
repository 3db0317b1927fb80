"""A second org, written for checking alone, from what is known of Salesforce's wire; the demo org shares no line of it.

It is as odd as the facts allow: HTTP/1.0 that closes after every answer, no Date, no Sforce-Limit-Info, lower-case
headers, short pages, numbers in E-notation, 401 in HTML, Ids of 15 characters in the log of deletions, Bulk jobs that
do not count their rows, and describes that know no Last-Modified.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .soql import Query, Row, parsed

__all__ = ["FIELDS", "PlainOrg", "Quirks", "short"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_OWN = {"Id": "id", "IsDeleted": "boolean", "SystemModstamp": "datetime"}
FIELDS: dict[str, dict[str, str]] = {
    "Contact": {**_OWN, "LastName": "string", "Email": "email", "Score__c": "double", "AccountId": "reference"},
    "Account": {**_OWN, "Name": "string", "AnnualRevenue": "currency"},
}
_PREFIXES = {"Contact": "003", "Account": "001"}


@dataclass(frozen=True, slots=True)
class Quirks:
    """In what this org differs from the next: `end` is the locator behind the last page of a Bulk job's result."""

    page: int = 7
    bulk_page: int = 11
    end: str | None = "null"
    delete_log: bool = True


@dataclass(slots=True)
class PlainOrg:
    """Rows, what was deleted of them, and one transaction that may be open."""

    quirks: Quirks
    now: datetime = datetime(2026, 5, 2, 11, 0, 5, tzinfo=UTC)
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in FIELDS})
    deleted: list[tuple[str, str, datetime]] = field(default_factory=list[tuple[str, str, datetime]])
    late_since: datetime | None = None
    late: list[tuple[str, Row]] = field(default_factory=list[tuple[str, Row]])
    made: int = 0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def insert(self, sobject: str, **values: Any) -> str:
        """Add a row."""
        self.made += 1
        key = _long(f"{_PREFIXES[sobject]}8w{_digits(self.made * 2_654_435_761 % 62**6)}ABCD")
        empty = dict.fromkeys(FIELDS[sobject])
        self._put(sobject, {**empty, **values, "Id": key, "IsDeleted": False})
        return key

    def update(self, sobject: str, key: str, **values: Any) -> None:
        """Change a row."""
        self._put(sobject, {**self.rows[sobject][key], **values})

    def hard_delete(self, sobject: str, key: str) -> None:
        """Remove a row for good."""
        del self.rows[sobject][key]
        self.deleted.append((sobject, key, self.now))

    def begin(self) -> None:
        """Open a transaction: rows are stamped, and seen by nobody."""
        self.late_since = self.late_since or self.now

    def commit(self) -> None:
        """Make the open transaction's rows visible; a row that was removed meanwhile stays away."""
        for sobject, row in self.late:
            self.rows[sobject][row["Id"]] = row
        self.late, self.late_since = [], None

    def live(self, sobject: str) -> list[Row]:
        """List the rows outside of the recycle bin."""
        return [row for row in self.rows[sobject].values() if not row["IsDeleted"]]

    @property
    def covered(self) -> datetime:
        """Up to when everything can be seen, in whole minutes."""
        return min(self.now, self.late_since or self.now).replace(second=0)

    def found(self, soql: str, *, deleted: bool) -> tuple[Query, Sequence[Row]]:
        """Answer a query."""
        query = parsed(soql)
        rows = [row for row in self.rows[query.sobject].values() if deleted or not row["IsDeleted"]]
        matching = [row for row in rows if query.matches(row, self.value)]
        return query, sorted(matching, key=lambda row: [self.value(row, path) for path in query.order])

    def value(self, row: Row, path: str) -> Any:
        """Read a field of a row or of its account."""
        if not path.startswith("Account."):
            return row[path]
        parent = self.rows["Account"].get(row["AccountId"] or "")
        return None if parent is None else parent[path.removeprefix("Account.")]

    def _put(self, sobject: str, row: Row) -> None:
        row["SystemModstamp"] = self.now.replace(microsecond=0)
        if self.late_since is None:
            self.rows[sobject][row["Id"]] = row
        elif not any(each["Id"] == row["Id"] for _, each in self.late):
            self.late.append((sobject, row))


def _digits(number: int) -> str:
    text = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        text = _ALPHABET[digit] + text
    return text


def _long(key: str) -> str:
    """Add the three characters that tell the capitals of the first fifteen."""
    parts = (key[:5], key[5:10], key[10:15])
    return key + "".join(_LETTERS[sum(1 << at for at, letter in enumerate(part) if letter.isupper())] for part in parts)


def short(key: str) -> str:
    """Write an Id with the fifteen characters that a user sees."""
    return key[:15]
