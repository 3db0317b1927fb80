"""The people, companies and deals of a new demo org: invented, seeded, and awkward on purpose.

Names come from several languages, streets have two lines, some texts hold quotes, line ends or emoji, many
fields are empty, and rows are in chunks that share one second, as bulk loads leave them. Domains and telephone
numbers are those reserved for fiction.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TypeVar

from orgsync.errors import PackageMissing

from .database import Database
from .fields import Row, Value
from .objects import ACCOUNT_TYPES, STAGES
from .standard_fields import INDUSTRIES, RATINGS, SALUTATIONS, SOURCES
from .tracking import owner_share

T = TypeVar("T")
Fields = dict[str, Value]
CHUNK = 200
_POOL = 120
_NOTES = (
    'Said "call me\nafter five"; prefers e-mail.',
    "Met at the fair 🎪 — wants a demo",
    "Ünïcödé, naïve café, 東京, שלום",
    "It's O'Brien's decision; 100% sure_thing",
    "Line one\nLine two\n\nLine four, with a comma, a \\ and a tab\there",
)
_ODD_LAST_NAMES = ("O'Brien", 'de "la" Cruz', "Nguyễn", "Smith-Jones", "Zoë🙂", "null", "李")


@dataclass(frozen=True, slots=True)
class Pool:
    """Words that rows are made of."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]
    companies: tuple[str, ...]
    jobs: tuple[str, ...]


_INSTEAD = {"Sexy Babe": "Savoy Bay", "Sexsi Senorita": "Sierra Senorita"}
"""Names of companies that nobody wants to show to a colleague."""


@cache
def pool(seed: int) -> Pool:
    """Return the words for a seed, from mimesis in seven languages."""
    try:
        from mimesis import Address, Finance, Locale, Person
    except ImportError as missing:
        raise PackageMissing("The demo org needs packages that are not installed.", extra="demo") from missing
    locales = (Locale.EN, Locale.DE, Locale.FR, Locale.ES, Locale.PL, Locale.JA, Locale.EN)
    people = [Person(locale, seed=seed) for locale in locales]
    places = [Address(locale, seed=seed) for locale in locales]
    firms = [Finance(locale, seed=seed) for locale in locales]
    turns = [(turn, turn % len(locales)) for turn in range(_POOL)]
    return Pool(
        first_names=tuple(people[at].first_name() for _, at in turns),
        last_names=(*(people[at].last_name() for _, at in turns), *_ODD_LAST_NAMES),
        cities=tuple((places[at].city(), places[at].default_country()) for _, at in turns),
        streets=tuple(places[at].street_name() for _, at in turns),
        companies=tuple(_INSTEAD.get(name, name) for name in (firms[at].company() for _, at in turns)),
        jobs=tuple(people[at].occupation() for _, at in turns),
    )


class Loader:
    """Fills a database, before the org opens, with rows that look some years old."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self._random = random.Random(seed)  # noqa: S311 - plausible data, not secrets
        self._pool = pool(seed)
        self._now = database.clock.stamp

    def load(self, *, accounts: int, contacts: int) -> None:
        """Create the rows: users, accounts, contacts and a deal for one account in ten."""
        users = [self._row("User", fields, stamp) for fields, stamp in self._users()]
        self._database.user_id = str(users[0]["Id"])
        owners = [str(user["Id"]) for user in users]
        firms = [self._row("Account", fields, stamp) for fields, stamp in self._accounts(accounts, owners)]
        for fields, stamp in self._contacts(contacts, owners, firms):
            self._row("Contact", fields, stamp)
        for fields, stamp in self._opportunities(firms[: (accounts + 9) // 10], owners):
            self._row("Opportunity", fields, stamp)
        # Last, so that the rows before stay the same whatever there is beside them.
        for firm in firms:
            self._row("AccountShare", owner_share(firm), self._now - timedelta(days=1))
        for owner in owners:
            for preference in ("57", "58"):
                own: Fields = {"UserId": owner, "Preference": preference, "Value": "true"}
                self._row("UserPreference", own, self._now - timedelta(days=1))

    def _row(self, sobject: str, fields: dict[str, Value], created: datetime) -> Row:
        """Add one row; one in four was changed by someone since, with its whole chunk's neighbours or alone."""
        definition = self._database.schema.everything(sobject)
        step = 1 if self._random.random() < 0.7 else self._random.randrange(2, 40)
        record_id = self._database.next_id(sobject, step)
        user = self._database.user_id or record_id
        given: dict[str, Value] = {
            "Id": record_id, "CreatedDate": created, "CreatedById": user, "LastModifiedById": user,
            "LastModifiedDate": created, "SystemModstamp": created, **fields,
        }  # fmt: skip
        blank = definition.blank
        row = blank | {name: value for name, value in given.items() if name in blank}
        self._database.tables[sobject][record_id] = row
        return row

    def _stamps(self, count: int) -> Iterator[datetime]:
        """Assign a second to each row: chunks of 200 share one, as bulk loads leave them."""
        chunks = max(1, -(-count // CHUNK))
        for chunk in range(chunks):
            days = 700 * (chunks - chunk) / chunks
            stamp = self._now - timedelta(days=days, seconds=self._random.randrange(3600))
            for _ in range(min(CHUNK, count - chunk * CHUNK)):
                yield stamp.replace(microsecond=0)

    def _one_of(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def _maybe(self, value: Value, chance: float = 0.7) -> Value:
        return value if self._random.random() < chance else None

    def _changed(self, created: datetime) -> dict[str, Value]:
        """Return later stamps for one row in four: a person's change, or an automated one."""
        if self._random.random() > 0.25:
            return {}
        age = int((self._now - created).total_seconds()) - 7200
        later = created + timedelta(seconds=self._random.randrange(max(1, age)))
        if self._random.random() < 0.3:
            return {"SystemModstamp": later}
        return {"SystemModstamp": later, "LastModifiedDate": later}

    def _address(self, prefix: str) -> dict[str, Value]:
        if self._random.random() < 0.2:
            return {}
        city, country = self._one_of(self._pool.cities)
        street = f"{self._random.randrange(1, 300)} {self._one_of(self._pool.streets)}"
        if self._random.random() < 0.2:
            street += f"\nFloor {self._random.randrange(1, 30)}"
        return {
            f"{prefix}Street": street,
            f"{prefix}City": city[:40],
            f"{prefix}PostalCode": self._maybe(f"{self._random.randrange(10000, 99999)}"),
            f"{prefix}Country": country,
        }

    def _phone(self) -> str:
        return f"+1 {self._random.randrange(200, 999)} 555 01{self._random.randrange(100):02}"

    def _users(self) -> Iterator[tuple[Fields, datetime]]:
        created = self._now - timedelta(days=800)
        for number, (first, last) in enumerate((("Ada", "Admin"), ("Ines", "Integration"), ("Sam", "Seller"))):
            yield {
                "Username": f"{first.lower()}@demo.example", "FirstName": first, "LastName": last,
                "Email": f"{first.lower()}@demo.example", "Alias": first.lower()[:8], "IsActive": True,
                "UserType": "Standard", "TimeZoneSidKey": "GMT",
                "Title": None if number else "Administrator",
            }, created  # fmt: skip

    def _accounts(self, count: int, owners: list[str]) -> Iterator[tuple[Fields, datetime]]:
        for number, created in enumerate(self._stamps(count)):
            name = self._one_of(self._pool.companies)
            yield {
                "Name": name if number % 3 else f"{name} {number}", "Type": self._maybe(self._one_of(ACCOUNT_TYPES)),
                "Industry": self._maybe(self._one_of(INDUSTRIES)), "Phone": self._maybe(self._phone()),
                "AccountNumber": self._maybe(f"CD{number:06}", 0.5), "Rating": self._maybe(self._one_of(RATINGS), 0.5),
                "Website": self._maybe(f"https://company-{number}.example", 0.6),
                "AnnualRevenue": self._maybe(float(self._random.randrange(1, 5000) * 50_000)),
                "NumberOfEmployees": self._maybe(self._random.randrange(1, 20_000)),
                "Description": self._maybe(self._one_of(_NOTES), 0.2), "OwnerId": self._one_of(owners),
                **self._address("Billing"), **self._changed(created),
            }, created  # fmt: skip

    def _contacts(self, count: int, owners: list[str], accounts: list[Row]) -> Iterator[tuple[Fields, datetime]]:
        for number, created in enumerate(self._stamps(count)):
            first = self._one_of(self._pool.first_names)[:40]
            last = self._one_of(self._pool.last_names)[:80]
            account = str(self._one_of(accounts)["Id"]) if accounts else None
            yield {
                "AccountId": self._maybe(account, 0.95), "LastName": last, "FirstName": self._maybe(first, 0.95),
                "Salutation": self._maybe(self._one_of(SALUTATIONS), 0.6), "Phone": self._maybe(self._phone()),
                "MobilePhone": self._maybe(self._phone(), 0.4), "Title": self._maybe(self._one_of(self._pool.jobs)),
                "Email": self._maybe(f"contact.{number}@company-{number % 97}.example", 0.9),
                "Department": self._maybe(self._one_of(("Sales", "Finance", "Engineering", "Support")), 0.5),
                "LeadSource": self._maybe(self._one_of(SOURCES), 0.5), "Birthdate": self._maybe(self._birthday(), 0.4),
                "Description": self._maybe(self._one_of(_NOTES), 0.15), "OwnerId": self._one_of(owners),
                "HasOptedOutOfEmail": self._random.random() < 0.1, **self._address("Mailing"), **self._changed(created),
            }, created  # fmt: skip

    def _birthday(self) -> date:
        return date(1950, 1, 1) + timedelta(days=self._random.randrange(20_000))

    def _opportunities(self, accounts: list[Row], owners: list[str]) -> Iterator[tuple[Fields, datetime]]:
        for account, created in zip(accounts, self._stamps(len(accounts)), strict=True):
            stage = self._one_of(STAGES)
            yield {
                "AccountId": account["Id"], "Name": f"{account['Name']} renewal"[:120], "StageName": stage,
                "Amount": self._maybe(self._random.randrange(1, 400_000) / 4, 0.9),
                "Probability": {"Closed Won": 100.0, "Closed Lost": 0.0}.get(stage, 50.0),
                "CloseDate": (created + timedelta(days=90)).date(), "OwnerId": self._one_of(owners),
                "LeadSource": self._maybe(self._one_of(SOURCES), 0.5), "Type": "Existing Customer - Upgrade",
                "NextStep": None if stage.startswith("Closed") else "Send the new terms", **self._changed(created),
            }, created  # fmt: skip
