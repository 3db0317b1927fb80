"""Which values of a cassette are personal, and how each is split into the parts that get stand-ins."""

import re
from collections.abc import Sequence

from orgsync.records import long_id

from .field_words import names_a_person, role_by_name
from .org_facts import FieldFacts, OrgFacts
from .pieces import Role
from .stand_ins import Kind, is_stand_in

__all__ = ["PersonalFields", "identity_role", "parts_of"]

_PERSONS = frozenset({"contact", "lead", "user", "individual", "person", "organization"})
_NOT_A_TEXT = frozenset(
    {"id", "reference", "boolean", "picklist", "multipicklist", "datetime", "time", "location", "anytype"}
)
_NUMERIC = frozenset({"int", "long", "double", "currency", "percent"})

_WHEN = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(T.*)?", re.S)
_NUMERAL = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_FRACTION = re.compile(r"-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)")
_FRACTIONS = (Role.CHOSEN, Role.IDENTITY)
_SEPARATOR = re.compile(r"([\s,;<>]+)")
_ADDRESS = re.compile(r"[^@]+@[^@]+\.[^@]+")
_LONG_ID = re.compile(r"[0-9A-Za-z]{18}")

_IDENTITY_TEXTS = frozenset(
    {
        "username", "preferred_username", "email", "name", "given_name", "family_name", "middle_name", "nickname",
        "nick_name", "display_name", "first_name", "last_name", "org_name", "organization_name", "company_name",
        "addr_street", "addr_city", "addr_state", "addr_country", "addr_zip", "street_address", "formatted", "locality",
        "region", "postal_code", "country", "body", "security_token",
    }
)  # fmt: skip
_CONTENTS = {
    "body": ("attachment", "document", "mailmergetemplate", "staticresource"),
    "content": ("contentnote",),
    "document": ("quotedocument",),
    "versiondata": ("contentversion",),
}
"""Fields that hold a file, and their objects: in others such a name is that of a prose, or of a reference."""
_IDENTITY_PHONES = frozenset({"mobile_phone", "phone_number", "phone"})


def identity_role(name: str, within: str) -> Role:
    """Return the role of a key of an identity or token response; `within` is the key of the object that it is in."""
    if name in _IDENTITY_TEXTS or within in ("custom_attributes", "address"):
        return Role.TEXT
    return Role.PHONE if name in _IDENTITY_PHONES else Role.PLAIN


class PersonalFields:
    """The role of each field: by the user's own rule, by its object's describe, and by its name."""

    def __init__(self, facts: OrgFacts, chosen: Sequence[str] = ()) -> None:
        self._facts = facts
        self._chosen = {rule.strip().lower() for rule in chosen}
        self._roles: dict[tuple[str, str], Role] = {}

    def role(self, sobject: str, path: str) -> Role:
        """Return the role of a field of an object, which may be empty; `path` may go through parents: `Owner.Email`."""
        role = self._roles.get((sobject, path))
        if role is None:
            *parents, name = path.split(".")
            for parent in parents:
                sobject = self.parent(sobject, parent)
            role = self._roles[sobject, path] = self._role(sobject.lower(), name)
        return role

    def parent(self, sobject: str, relationship: str) -> str:
        """Return the object that a relationship leads to, as far as describes or its name show it."""
        known = self._facts.parents.get((sobject.lower(), relationship.lower()))
        if known:
            return known
        return "Person" if names_a_person(relationship) else relationship

    def _role(self, sobject: str, name: str) -> Role:
        low = name.lower()
        described = self._facts.describes.get(sobject, {}).get(low)
        if low in self._chosen or f"{sobject}.{low}" in self._chosen:
            return Role.NUMBER if described is not None and described.type in _NUMERIC else Role.CHOSEN
        if low == "id":
            return Role.PLAIN
        if described is not None:
            return _described(described, name, sobject)
        if low == "name":
            return Role.TEXT if sobject in _PERSONS else Role.PROSE
        return Role.CONTENT if _holds_content(sobject, low) else role_by_name(name)


def _holds_content(sobject: str, name: str) -> bool:
    """Return whether a field holds a file, where no describe says so."""
    return sobject in _CONTENTS.get(name, ())


def _described(field: FieldFacts, name: str, sobject: str) -> Role:
    if field.type == "base64":
        return Role.CONTENT
    if field.type in _NOT_A_TEXT:
        return Role.PLAIN
    if field.type in ("email", "encryptedstring") or field.person_name:
        return Role.TEXT
    if field.type == "phone":
        return Role.PHONE
    if name.lower() == "name":
        return Role.TEXT if sobject in _PERSONS else Role.PROSE
    role = role_by_name(name)
    if field.type in _NUMERIC:
        return Role.NUMBER if role in (Role.NUMBER, Role.IDENTITY) else Role.PLAIN
    if field.type == "date":
        return Role.PLAIN if role is Role.PROSE else Role.DATE
    return role


def parts_of(text: str, role: Role) -> list[tuple[Kind | None, str]]:
    """Return the parts of a value: texts that need a stand-in, with its kind, and texts of which only details may."""
    if role is Role.CONTENT:
        return [(None if text.startswith("/services/data/") else Kind.TEXT, text)]
    if (
        role in (Role.PLAIN, Role.PROSE, Role.SECRET)
        or text in ("", "true", "false", "#N/A")
        or (role is not Role.CHOSEN and _is_long_id(text))
    ):
        return [(None, text)]
    when = _WHEN.fullmatch(text)
    if when is not None and (when[2] or role is not Role.PHONE):
        stays = when[2] is not None and role not in (Role.DATE, Role.CHOSEN)
        return [(None, text)] if stays else [(Kind.DATE, when[1]), (None, when[2] or "")]
    if _NUMERAL.fullmatch(text) and (role is Role.NUMBER or (role in _FRACTIONS and _FRACTION.fullmatch(text))):
        return [(Kind.NUMBER, text)]
    if "@" in text:
        return _around_addresses(text)
    is_phone = role is Role.PHONE and any(map(str.isnumeric, text)) and not is_stand_in(Kind.TEXT, text)
    return [(Kind.PHONE if is_phone else Kind.TEXT, text)]


def _around_addresses(text: str) -> list[tuple[Kind | None, str]]:
    """Return the parts of a list of addresses, or of a name and an address."""
    pieces = _SEPARATOR.split(text)
    if not any(map(_ADDRESS.fullmatch, pieces)):
        return [(Kind.TEXT, text)]
    return [(Kind.EMAIL if _ADDRESS.fullmatch(piece) else Kind.TEXT, piece) for piece in pieces if piece]


def _is_long_id(text: str) -> bool:
    return _LONG_ID.fullmatch(text) is not None and long_id(text[:15]) == text
