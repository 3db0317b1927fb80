"""Invented contacts: Ids as Salesforce makes them, names of several alphabets, gaps, quotes and line ends."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

__all__ = [
    "BEGAN",
    "BULK_COLUMNS",
    "INSTANTS",
    "REST_COLUMNS",
    "SHIPPED_COLUMNS",
    "Value",
    "contacts",
    "last_stamp",
    "record_id",
]

Value: TypeAlias = str | bool | None
"""One field of a row; instants are without their offset, `2026-01-31T10:15:00.000`."""

BULK_COLUMNS = (
    *("Id", "SystemModstamp", "IsDeleted", "AccountId", "FirstName", "LastName", "Email", "Phone", "Title"),
    *("MailingStreet", "MailingCity", "CreatedDate"),
)
"""The 12 columns of a first pass by Bulk."""

REST_COLUMNS = (
    *("Id", "SystemModstamp", "IsDeleted", "AccountId", "FirstName", "LastName", "Name", "Email", "Phone"),
    *("MobilePhone", "Title", "Department", "MailingStreet", "MailingCity", "MailingPostalCode", "MailingCountry"),
    *("OwnerId", "LeadSource", "CreatedDate", "LastModifiedDate"),
)
"""The 20 columns of a first pass by REST."""

SHIPPED_COLUMNS = (
    *("Id", "SystemModstamp", "IsDeleted", "AccountId", "Account.Name", "FirstName", "LastName", "Name", "Email"),
    *("Phone", "MobilePhone", "Title", "Department", "MailingStreet", "MailingCity", "MailingState"),
    *("MailingPostalCode", "MailingCountry", "OwnerId", "LeadSource", "CreatedDate", "LastModifiedDate"),
)
"""The columns of the contacts sync that comes with orgsync."""

BEGAN = datetime(2023, 1, 1, tzinfo=UTC)
"""The first stamp."""

INSTANTS = frozenset({"SystemModstamp", "CreatedDate", "LastModifiedDate"})

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_TRIPLES = [a + b + c for a in _DIGITS for b in _DIGITS for c in _DIGITS]
_GAP, _SCATTER = 7919, 2654435761
_ROWS_A_STAMP = 200  # rows are written 200 at a time, and each chunk has one stamp

_FIRST = (
    *("Ana", "Bram", "Chloé", "Dmitri", "Élodie", "Farah", "Gökhan", "Hana", "Ivo", "Jürgen", "Kenji", "Łukasz"),
    *(
        "Maria",
        "Noor",
        "Olu",
        "Priya",
        "Quentin",
        "Rosa",
        "Søren",
        "Tomás",
        "Uma",
        "Víctor",
        "Wei",
        "Zoë",
        "健太",
        "Ольга",
    ),
)
_LAST = (
    *("Andersen", "Bianchi", "Çelik", "Dubois", "Edwards", "Fernández", "García", "Haddad", "Ivanova", "Johansson"),
    *("Kowalski", "Lindqvist", "Müller", "Nguyễn", "O'Neil", "Petrov", "Quiroga", "Rossi", "Smith", "Tanaka", "Weiß"),
)
_TITLE = (
    *("Account Executive", "Buyer", "CFO", "Customer Success Lead", "Directora de compras", "Engineer"),
    *("Geschäftsführerin", "IT Manager", 'Head of "Special" Projects', "Sales Representative", "VP, Operations"),
)
_DEPARTMENT = ("Accounting", "Engineering", "Finance", "Marketing", "Procurement", "Sales", "Support")
_STREET = ("High Street", "Hauptstraße", "Rue de la Paix", "Calle Mayor", "Market Street", "Nørregade")
_CITY = ("Amsterdam", "Berlin", "København", "London", "Madrid", "New York", "Paris", "São Paulo", "Tokyo", "Zürich")
_STATE = ("CA", "IL", "NY", "TX", "WA", None, None)
_COUNTRY = ("Brazil", "Denmark", "France", "Germany", "Japan", "Netherlands", "Spain", "Switzerland", "United States")
_SOURCE = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other", None)


def record_id(prefix: str, number: int) -> str:
    """Make the 18-character Id of a number below 238,328 ** 3; greater numbers have Ids of greater bytes."""
    high, low = divmod(number, len(_TRIPLES))
    highest, high = divmod(high, len(_TRIPLES))
    short = f"{prefix}5g0{_TRIPLES[highest]}{_TRIPLES[high]}{_TRIPLES[low]}"
    return short + _checksum(short[:5]) + _checksum(short[5:10]) + _checksum(short[10:])


def _checksum(block: str) -> str:
    return _CHECK[sum(1 << at for at, letter in enumerate(block) if "A" <= letter <= "Z")]


def last_stamp(rows: int) -> datetime:
    """Tell when the last of so many rows was changed."""
    return BEGAN + timedelta(minutes=max(0, rows - 1) // _ROWS_A_STAMP)


def contacts(columns: Sequence[str], numbers: Sequence[int], positions: Sequence[int]) -> list[tuple[Value, ...]]:
    """Make one row for each number, in this order; the same numbers give the same people.

    A greater number has a greater Id, with gaps that look random. `positions` say when each row was last changed:
    rows of greater positions later, 200 of them at the same second.
    """
    people = _People(random.Random(numbers[0]), numbers, positions)
    return list(zip(*(people.column(name) for name in columns), strict=True))


class _People:
    """Columns of values, made one at a time."""

    def __init__(self, dice: random.Random, numbers: Sequence[int], positions: Sequence[int]) -> None:
        self._dice = dice
        self._numbers = numbers
        self._positions = positions
        self._first = dice.choices(_FIRST, k=len(numbers))
        self._last = dice.choices(_LAST, k=len(numbers))

    def column(self, name: str) -> Sequence[Value]:
        made = self._makers.get(name)
        return made() if made else self._chosen(_POOLS[name])

    @property
    def _makers(self) -> dict[str, Callable[[], Sequence[Value]]]:
        return {
            "Id": lambda: [record_id("003", number * _GAP + number * _SCATTER % _GAP) for number in self._numbers],
            "SystemModstamp": self._stamps,
            "LastModifiedDate": self._stamps,
            "CreatedDate": lambda: [_instant(number * 11) for number in self._numbers],
            "IsDeleted": lambda: [False] * len(self._numbers),
            "AccountId": lambda: [record_id("001", number // 5 * _GAP) for number in self._numbers],
            "FirstName": lambda: self._first,
            "LastName": lambda: self._last,
            "Name": lambda: [f"{first} {last}" for first, last in zip(self._first, self._last, strict=True)],
            "Account.Name": lambda: [f"Company {number // 5}" for number in self._numbers],
            "Email": lambda: [f"contact{number}@example.com" if number % 9 else None for number in self._numbers],
            "Phone": self._phones,
            "MobilePhone": self._phones,
            "MailingStreet": self._streets,
        }

    def _chosen(self, pool: Sequence[Value]) -> Sequence[Value]:
        return self._dice.choices(pool, k=len(self._numbers))

    def _stamps(self) -> Sequence[Value]:
        return [_instant(position // _ROWS_A_STAMP * 60) for position in self._positions]

    def _phones(self) -> Sequence[Value]:
        made = self._dice.choices(range(100_000, 1_000_000), k=len(self._numbers))
        return [f"+1 (555) {number // 1000}-{number % 1000:04}" if number % 4 else None for number in made]

    def _streets(self) -> Sequence[Value]:
        streets, made = self._dice.choices(_STREET, k=len(self._numbers)), self._numbers
        return [
            f"{number % 300} {street}" + ("\n2nd floor" if number % 50 == 0 else "")
            for number, street in zip(made, streets, strict=True)
        ]


_POOLS: dict[str, Sequence[Value]] = {
    "Title": (*_TITLE, None, None),
    "Department": (*_DEPARTMENT, None),
    "MailingCity": _CITY,
    "MailingState": _STATE,
    "MailingPostalCode": [f"{code:05}" for code in range(10_000, 99_000, 97)],
    "MailingCountry": _COUNTRY,
    "OwnerId": [record_id("005", number) for number in range(40)],
    "LeadSource": _SOURCE,
}


def _instant(seconds: int) -> str:
    return (BEGAN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000")
