"""Which fields hold personal data, judged by the words of their names."""

import re
from functools import lru_cache

from .pieces import Role

__all__ = ["names_a_person", "role_by_name", "words_of"]

_SUFFIX = re.compile(r"__(?:c|pc|pr|r|s|x|mdt|e|b|kav)$", re.I)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")

_BIRTH = re.compile(r"\b(birth ?(day|date|dt)|date of birth|dob|born)\b")
_COORDINATE = re.compile(r"\b(latitude|longitude)\b")
_IDENTITY = re.compile(
    r"\b(ssn|social security|passport|iban|tin|nino?|pesel|aadhaar|cpf"
    r"|tax ?(payer|file)? ?(id|ident\w*|number|no|code)|(national|personal|citizen) ?(id|ident\w*|number|no|insurance)"
    r"|identity ?(card|number|no)|driv\w* licen[cs]e|licen[cs]e (number|no)|bank account"
    r"|(credit|debit|bank) card|card (number|no))\b"
)
_PHONE = re.compile(
    r"\b((tele|cell|mobile|smart|home|work)?phones?|mobile|cell|fax(es)?|tel|telefon|pager|whats ?app|sms|voicemail)\b"
)
_TEXT = re.compile(
    r"\b(e ?mails?|mail|alias|nick|street|address(es)?|(postal|post|zip) ?codes?|zip|signature|federation identifier"
    r"|skype|linked ?in|twitter|facebook|instagram"
    r"|(first|last|middle|maiden|nick|sur|fore|given|family|full|user|display|legal|preferred|birth|spouse|partner"
    r"|assistant|contact|owner|person|sender|recipient|from|employee|patient|student|guardian|mother|father)"
    r" ?names?|spouse|mother|father|maiden|birth ?place)\b"
)
_ABOUT = re.compile(
    r"\b(type|status|date|time|reason|count|counter|number of \w+|source|preferences?|verified|bounced|opt|out|allowed"
    r"|enabled|template|domain|flag|accuracy|format|language|frequency|sent|score|ids?|city|state|country|province|url"
    r"|app|version|calls?|campaign|settings?|s?object|kind|category|purpose|provider|carrier|label|encoding|key)$"
)
_PERSONS = re.compile(
    r"\b(owner|user|manager|contact|who|lead|individual|person|reports to|created by|last modified by|employee"
    r"|requester|approver|actor|assignee|delegated|sender|recipient|customer|patient|student)\b"
)


@lru_cache(maxsize=10_000)
def words_of(name: str) -> str:
    """Split an API name into words: `npe01__HomeEmail__c` is `npe 01 home email`."""
    return " ".join(_WORD.findall(_SUFFIX.sub("", name))).lower()


def role_by_name(name: str) -> Role:
    """Return the role of a field with this name: `PROSE` where no word of it suggests a person."""
    words = words_of(name)
    if _BIRTH.search(words):
        return Role.DATE
    if _COORDINATE.search(words):
        return Role.NUMBER
    if _IDENTITY.search(words):
        return Role.IDENTITY
    if _ABOUT.search(words):
        return Role.PROSE
    if _PHONE.search(words):
        return Role.PHONE
    return Role.TEXT if _TEXT.search(words) else Role.PROSE


def names_a_person(relationship: str) -> bool:
    """Return whether a relationship leads to a person, by its name."""
    return _PERSONS.search(words_of(relationship)) is not None
