"""Scrubbing: secrets, hosts, ids of orgs and users, and personal data are replaced in a whole cassette at once.

It goes over the interactions twice. The first time it collects the values to replace, and the stand-ins that are there
already; then every value gets its stand-in; the second time values are replaced, in their own fields and wherever else
they occur. All of it happens in memory, before anything is written. What is replaced stays equal where it was
equal, keeps its type and length where it has room, and is recognised, so that scrubbing twice changes nothing.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote

from ..interaction import Interaction
from .contents import without_contents
from .known_words import KnownWords
from .names import Names
from .org_facts import HOST_STAND_IN, OrgFacts, learned, netloc
from .personal import PersonalFields, parts_of
from .pieces import SECRETS, Role
from .sensitive import Found, Sensitive, through_percent
from .stand_ins import RECORD_ID, SECRET_STAND_IN, Kind, StandIns, is_stand_in
from .walk import Walk

__all__ = ["scrubbed"]

_TOKEN_KINDS = {
    Found.ACCESS_TOKEN: "ACCESS-TOKEN",
    Found.CLIENT_ID: "CLIENT-ID",
    Found.REFRESH_TOKEN: "REFRESH-TOKEN",
    Found.PRIVATE_KEY: "PRIVATE-KEY",
    Found.TOKEN: "TOKEN",
}
_EMAIL_STAND_IN = re.compile(r"[x\d]+@x+\.invalid")
_LIKE_A_WORD = re.compile(r"[a-z_-]*")
_ROUNDS = 5


def scrubbed(
    interactions: Sequence[Interaction], *, fields: Sequence[str] = (), hosts: Collection[str] = ()
) -> list[Interaction]:
    """Return a cassette's interactions without secrets, hosts, ids of orgs and users, and personal data.

    `fields` are further personal ones: `Nickname__c` of any object, or `Contact.Nickname__c`. `hosts` are known to be
    the org's own, as URLs or bare, with a port or without. A request to the org has an empty origin then; other
    records' ids, the order of rows and everything that is not personal stay as they are, to the byte.
    """
    interactions = without_contents(interactions)
    facts = learned(interactions, hosts)
    personal = PersonalFields(facts, fields)
    survey = _Survey(facts)
    walk = Walk(facts, personal, survey.visit)
    for each in interactions:
        walk.interaction(each)
        for text in _texts(each):
            survey.count(text)
    replacement = _Replacement(facts, survey)
    walk = Walk(facts, personal, replacement.visit)
    return [_without_host(walk.interaction(each), facts) for each in interactions]


def _without_host(interaction: Interaction, facts: OrgFacts) -> Interaction:
    """Return an interaction with the org without the host of its request."""
    if netloc(interaction.request.origin) not in facts.hosts:
        return interaction
    return replace(interaction, request=replace(interaction.request, origin=""))


def _texts(interaction: Interaction) -> Iterator[str]:
    request, response = interaction.request, interaction.response
    yield from (request.path, request.body, *request.headers.values(), *response.headers.values())
    yield from (text for _, text in request.query)
    yield response.body if isinstance(response.body, str) else response.body.decode("latin-1")


class _Survey:
    """Collects, in the order of a walk, the values to replace and the stand-ins that are there."""

    def __init__(self, facts: OrgFacts) -> None:
        self.stand_ins = StandIns()
        self.values: dict[tuple[Kind, str], None] = {}
        self.secrets: dict[str, str] = dict(facts.odd_ids)
        self.ids: set[str] = set()
        self.hosts: dict[str, None] = {}
        self.numbers: dict[str, int] = {}
        self._sensitive = Sensitive(facts)
        self._seen: set[str] = set()
        self._split: set[tuple[str, Role]] = set()

    def visit(self, text: str, role: Role, name: str) -> str:
        """Collect what is in a text, and return it unchanged."""
        if role is Role.SECRET and SECRET_STAND_IN.fullmatch(text) is None:
            self.secrets.setdefault(text, SECRETS[name])
        elif role in (Role.PLAIN, Role.PROSE):
            if text not in self._seen:
                self._seen.add(text)
                self._sensitive.sub(text, self._found)
        elif (text, role) not in self._split:
            self._split.add((text, role))
            for kind, part in parts_of(text, role):
                if kind is None:
                    self._sensitive.sub(part, self._found)
                else:
                    self._value(kind, part)
        return text

    def _value(self, kind: Kind, value: str) -> None:
        if is_stand_in(kind, value):
            self.stand_ins.take(kind, value)
        else:
            self.values[kind, value] = None

    def count(self, text: str) -> None:
        """Note the stand-ins in a message's text, so that no other value is given theirs."""
        if any(f"{kind}-" in text for kind in set(SECRETS.values())):
            for found in SECRET_STAND_IN.finditer(text):
                kind, _, number = found[0].rpartition("-")
                self._reach(kind, int(number))
        if ".test" in text:
            for found in HOST_STAND_IN.finditer(text):
                self._reach(found[1], int(found[2] or 1))
        if "TESTS" in text:
            for found in RECORD_ID.finditer(text):
                if found[1][3:8] == "TESTS" and found[1][8:].isdigit():
                    self._reach(found[1][:3], int(found[1][8:]))
        if ".invalid" in text:
            for found in _EMAIL_STAND_IN.finditer(unquote(text) if "%40" in text else text):
                self.stand_ins.take(Kind.EMAIL, found[0])

    def _reach(self, kind: str, number: int) -> None:
        self.numbers[kind] = max(number, self.numbers.get(kind, 0))

    def _found(self, what: Found, text: str) -> str:
        if what is Found.EMAIL:
            self.values[Kind.EMAIL, text.replace("\\'", "'")] = None
        elif what is Found.HOST:
            self.hosts[text] = None
        elif what in _TOKEN_KINDS:
            self.secrets.setdefault(text, _TOKEN_KINDS[what])
        else:
            self.ids.add(text[:15])
        return text


class _Replacement:
    """Replaces what a survey found in the texts of a cassette."""

    def __init__(self, facts: OrgFacts, survey: _Survey) -> None:
        self._stand_ins = survey.stand_ins
        self._names = Names(facts, survey.numbers)
        for text, kind in survey.secrets.items():
            self._names.secret(text, kind)
        for host in (*facts.hosts, *survey.hosts):
            self._names.host(host)
        for real in sorted(survey.ids):
            self._names.id(real)
        texts = {value.strip(): self._stand_ins.of(kind, value).strip() for kind, value in survey.values}
        self._words = KnownWords(texts, facts.words)
        distinctive = [text for text in survey.secrets if _is_distinctive(text) and text not in facts.words]
        self._sensitive = Sensitive(facts, {text: self._names.secret(text, "") for text in distinctive})
        self._known: dict[tuple[str, Role], str] = {}

    def visit(self, text: str, role: Role, name: str) -> str:
        """Return what replaces a text."""
        if role is Role.SECRET:
            return text if SECRET_STAND_IN.fullmatch(text) else self._names.secret(text, SECRETS[name])
        known = self._known.get((text, role))
        if known is None:
            known = self._known[text, role] = self._replaced(text, role)
        return known

    def _replaced(self, text: str, role: Role) -> str:
        if role in (Role.PLAIN, Role.PROSE):
            return self._settled(text, prose=role is Role.PROSE)
        parts = parts_of(text, role)
        return "".join(self._stand_ins.of(kind, part) if kind else self._settled(part) for kind, part in parts)

    def _settled(self, text: str, *, prose: bool = False) -> str:
        """Replace what is in a text until nothing is left: a replacement may uncover more."""
        for _ in range(_ROUNDS):
            before = text
            text = self._sensitive.sub(text, self._found)
            if prose:
                text = self._words.sub(through_percent(text, self._words.sub))
            if text == before:
                break
        return text

    def _found(self, what: Found, text: str) -> str:
        if what is Found.EMAIL:
            return self._stand_ins.of(Kind.EMAIL, text.replace("\\'", "'"))
        if what is Found.HOST:
            return self._names.host(text)
        if what in _TOKEN_KINDS:
            return self._names.secret(text, _TOKEN_KINDS[what])
        return self._names.id(text)


def _is_distinctive(secret: str) -> bool:
    """Return whether a secret is so unlike a word that it is replaced wherever it occurs."""
    return len(secret) >= 16 or (len(secret) >= 8 and _LIKE_A_WORD.fullmatch(secret) is None)
