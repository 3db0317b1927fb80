"""Rows for a demo org, as a script's record classes and its own words suggest, and the changes that follow them.

Values are awkward on purpose: nothing, letters of every alphabet, line ends, negative numbers and fractions, and
stamps that many rows share. Words that the script itself writes are among them, so that its conditions find rows.
"""

import base64
import random
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from orgsync.demo_org import DemoOrg, Refusal
from orgsync.demo_org.fields import Field, SObject

from .literals import Literals
from .org_setup import Provided

__all__ = ["change", "fill"]

_ROWS, _MORE, _LATER = 25, 8, 4
_UNREFERRED, _FOR_GOOD = 3, 2
_TOGETHER = 6  # rows of one transaction, and so of one stamp
_TEXTS = (
    "Zoë 🙂", "O'Brien, \"Bob\"", "line one\nline two", "ünï ködé 東京", "null", "0", "50% off; a\\b", "North", "South",
    "true",
)  # fmt: skip
_NUMBERS = (-12.5, 0.0, 0.1, 7.0, 99.99, 1_500.25, 1_234_567.875)
_WHOLE = (-5, 0, 1, 7, 1_000, 123_456)
_OMITTED = 0.2


def fill(org: DemoOrg, provided: Provided, words: Literals, seed: int) -> None:
    """Insert rows into every object that the script reads, some of them deleted at once."""
    rows = _Rows(org, provided, words, random.Random(seed))  # noqa: S311 - invents rows
    for sobject in rows.sobjects():
        made = rows.insert(sobject, _MORE if _live(org, sobject.name) else _ROWS)
        for deleted in made[:2] if sobject.deletable else []:
            org.delete(sobject.name, deleted)
    for sobject in reversed(rows.sobjects()):  # children first, so that nothing refers to the last ones
        rows.insert(sobject, _UNREFERRED)
    org.advance(hours=1)


def change(org: DemoOrg, provided: Provided, words: Literals, seed: int, *, copied: Collection[str] = ()) -> None:
    """Insert, update, delete and undelete rows of every object that the script reads, at several instants.

    A few of those whose Ids are `copied` are deleted for good.
    """
    rows = _Rows(org, provided, words, random.Random(seed + 1_000))  # noqa: S311 - invents rows
    org.advance(hours=1)
    for sobject in rows.sobjects():
        rows.delete_for_good(sobject, copied)
        live = _live(org, sobject.name)
        rows.update(sobject, live[::3])
        rows.delete(sobject, live[1::3])
        rows.undelete(sobject)
        rows.insert(sobject, _LATER)
        org.advance(minutes=3)
    org.advance(hours=1)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Makes and changes rows of an org."""

    org: DemoOrg
    provided: Provided
    words: Literals
    draw: random.Random

    def sobjects(self) -> list[SObject]:
        """The objects that are read, those that others refer to first; a history's rows come with its parent's."""
        known = {each.name: each for each in self.org.objects()}
        names = [_written(known[name]) for name in self.provided.sobjects]
        ordered: dict[str, None] = {}
        for name in names:
            _parents_first(known, name, ordered, set(names))
        return [known[name] for name in ordered]

    def insert(self, sobject: SObject, count: int) -> list[str]:
        """Create rows, several at one instant; what the org refuses is left out."""
        made: list[str] = []
        for number in range(count):
            if number % _TOGETHER == 0:
                self.org.advance(seconds=20)
            with suppress(Refusal):
                made.append(self.org.insert(sobject.name, **self._values(sobject, number)))
        return made

    def update(self, sobject: SObject, ids: Iterable[str]) -> None:
        """Change some of the fields of some rows."""
        for number, record_id in enumerate(ids):
            if number % _TOGETHER == 0:
                self.org.advance(seconds=20)
            values = self._values(sobject, number, among=[each for each in sobject.fields if each.updateable])
            kept = {name: value for name, value in values.items() if self.draw.random() > _OMITTED}
            with suppress(Refusal):
                self.org.update(sobject.name, record_id, **kept)

    def delete(self, sobject: SObject, ids: list[str]) -> None:
        """Delete a few rows that no lookup refers to."""
        if not sobject.deletable:
            return
        referred = self._referred(sobject)
        free = [record_id for record_id in ids if record_id not in referred]
        for record_id in free[: max(1, len(ids) // 4)]:
            with suppress(Refusal):
                self.org.delete(sobject.name, record_id)

    def delete_for_good(self, sobject: SObject, copied: Collection[str]) -> None:
        """Delete a few of the copied rows that no lookup refers to, so that no query returns them any more."""
        if not sobject.deletable or not copied:
            return
        referred = self._referred(sobject)
        live = _live(self.org, sobject.name)
        for record_id in [each for each in live if each in copied and each not in referred][-_FOR_GOOD:]:
            with suppress(Refusal):
                self.org.hard_delete(sobject.name, record_id)

    def undelete(self, sobject: SObject) -> None:
        """Bring the row back that was deleted first."""
        if not sobject.has_recycle_bin:
            return
        rows = self.org.rows(sobject.name, fields=["Id", "IsDeleted"], deleted=True)
        for row in [each for each in rows if each["IsDeleted"]][:1]:
            with suppress(Refusal):
                self.org.undelete(sobject.name, str(row["Id"]))

    def _referred(self, sobject: SObject) -> set[str]:
        """Collect the Ids that live rows refer to, but for children that are deleted with their parent."""
        references = [
            (child.name, field.name)
            for child in self.org.objects()
            for field in child.fields
            if sobject.name in field.targets and not field.cascades
        ]
        return {str(row[name]) for child, name in references for row in self.org.rows(child, fields=[name])}

    def _values(self, sobject: SObject, number: int, *, among: Iterable[Field] | None = None) -> dict[str, object]:
        fields = [each for each in among or sobject.fields if each.createable and each.derive is None]
        return {each.name: self._value(sobject, each, number) for each in fields}

    def _value(self, sobject: SObject, field: Field, number: int) -> object:
        column = self.provided.columns.get((sobject.name, field.name))
        names = [field.name, column.name] if column else [field.name]
        meant = self.words.meant(names)
        if meant and number % 3 == 0:
            return _fitting(field, meant[number // 3 % len(meant)])
        may_omit = field.nillable and (column is None or column.nullable)
        if may_omit and self.draw.random() < _OMITTED:
            return None
        if column and column.type in (dict, list):
            return None
        if column and column.type is time:
            return f"{self.draw.randrange(24):02}:30:15.000Z"
        return _fitting(field, self.draw.choice(meant)) if meant and number % 3 == 1 else self._drawn(sobject, field)

    def _drawn(self, sobject: SObject, field: Field) -> object:
        """Draw a value of the field's type."""
        if field.refers_to:
            return self._reference(sobject, field)
        most = 10 ** (field.precision - field.scale) if field.precision else float("inf")
        numbers = [number for number in _NUMBERS if abs(number) < most]
        made: Mapping[str, object] = {
            "boolean": self.draw.random() < 0.5,
            "int": self.draw.choice(_WHOLE),
            "percent": float(self.draw.randrange(101)),
            "double": self.draw.choice(numbers),
            "currency": self.draw.choice(numbers),
            "date": self._instant().date(),
            "datetime": self._instant(),
            "email": f"person.{self.draw.randrange(10**6)}@seed.example",
            "url": f"https://seed-{self.draw.randrange(10**6)}.example",
        }
        if field.type in made:
            return made[field.type]
        if field.type == "base64":
            return base64.b64encode(self.draw.choice(_TEXTS).encode()).decode()
        if field.unique:
            return f"{self.draw.getrandbits(60):x}"[: field.length or None]
        others = () if field.restricted else self.words.any
        return _fitting(field, self.draw.choice([*(field.values or _TEXTS), *others]))

    def _instant(self) -> datetime:
        return self.org.now - timedelta(days=self.draw.randrange(800), seconds=self.draw.randrange(86_400))

    def _reference(self, sobject: SObject, field: Field) -> str | None:
        rows = [record_id for target in field.targets for record_id in _live(self.org, target)]
        return self.draw.choice(rows) if rows else None


def _live(org: DemoOrg, sobject: str) -> list[str]:
    """Return the Ids of an object's live rows."""
    return [str(row["Id"]) for row in org.rows(sobject, fields=["Id"])]


def _fitting(field: Field, value: object) -> object:
    """Return a word of the script as a value of the field's type, if it can be one."""
    if field.type in ("int", "double", "currency", "percent", "boolean"):
        return value if isinstance(value, int | float) else False if field.type == "boolean" else None
    if field.type in ("date", "datetime"):
        return _moment(str(value))
    if field.refers_to:
        return None
    text = str(value)[: field.length or None]
    return text.strip() or ("-" if not field.nillable else None)


def _moment(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _written(sobject: SObject) -> str:
    """Return the name of the object whose changes bring the rows: the parent of a history, else the object itself."""
    return sobject.belongs_to[1] if sobject.belongs_to and not sobject.createable else sobject.name


def _parents_first(known: Mapping[str, SObject], name: str, ordered: dict[str, None], wanted: set[str]) -> None:
    """Put an object behind those it refers to; where they refer to each other, behind those that are listed first."""
    if name in ordered:
        return
    wanted = wanted - {name}
    for parent in [target for each in known[name].fields for target in each.targets if target in wanted]:
        _parents_first(known, parent, ordered, wanted)
    ordered.setdefault(name, None)
