"""What can be recognised in any text: tokens, keys, hosts of orgs, ids of orgs and users, e-mail addresses."""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from urllib.parse import quote, unquote

from orgsync.records import long_id

from .org_facts import OrgFacts, is_loopback, is_salesforce
from .stand_ins import EMAIL, RECORD_ID, SECRET_STAND_IN, Kind, is_stand_in

__all__ = ["Found", "Sensitive"]


class Found(StrEnum):
    """What was found in a text."""

    EMAIL = "an e-mail address"
    HOST = "an org's host"
    ORG_ID = "an org's id"
    USER_ID = "a user's id"
    ACCESS_TOKEN = "an access token"  # noqa: S105 - a word, not a secret
    CLIENT_ID = "a consumer key"
    REFRESH_TOKEN = "a refresh token"  # noqa: S105 - a word, not a secret
    PRIVATE_KEY = "a private key"
    TOKEN = "a token"  # noqa: S105 - a word, not a secret


_VALUE = r"(?![\w.!+/=~%-]*@)[\w.!+/=~%-]{8,}"  # and not an address
_TOKENS = (
    (Found.PRIVATE_KEY, r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    (Found.ACCESS_TOKEN, r"00D[0-9A-Za-z]{12,15}![\w.+/=-]+"),
    (Found.TOKEN, r"eyJ[\w-]{2,}\.eyJ[\w-]*(?:\.[\w-]*)*"),
    (Found.CLIENT_ID, r"3MVG[\w.]{16,}"),
    (Found.REFRESH_TOKEN, r"5Aep[\w.=!-]{16,}"),
    (
        Found.ACCESS_TOKEN,
        rf"(?i:(?<=\bbearer )|(?<=\bsid=)|(?<=\boauth_token=)|(?<=\baccess_token=))(?=\S*\d){_VALUE}",
    ),
    (Found.REFRESH_TOKEN, rf"(?i:(?<=\brefresh_token=)){_VALUE}"),
    (Found.TOKEN, rf"(?i:(?<=\bclient_secret=)){_VALUE}"),
)
_TOKEN = re.compile("|".join(f"({pattern})" for _, pattern in _TOKENS), re.S)
_HINTS = (
    "@", "%", "=", "005", "00D", "://", "orce", "ORCE", "127.", "localhost", "[::1]", "eyJ", "3MVG", "5Aep", "earer ",
    "EARER ", "-----BEGIN", ".site.com", ".mil", ".cn", "-lightning",
)  # fmt: skip
"""A text with none of these holds nothing of what is looked for; this test is faster than the search."""

_ENCODED = re.compile(r"[^\s\"'<>/?&=#;,]*%[0-9A-Fa-f]{2}[^\s\"'<>/?&=#;,]*")
_HOST = re.compile(
    r"(?<![\w.@-])(?:(?i:(https?)://)([\w.-]*\w|\[[0-9A-Fa-f:]+\])"
    r"|((?:[\w-]+\.)+[A-Za-z]{2,}|localhost|127(?:\.\d{1,3}){3}|\[::1\]))(:\d+)?(?![\w-])"
)

Replace = Callable[[Found, str], str]
"""Takes the kind of a finding and its text; returns what replaces it."""


class Sensitive:
    """Finds what can be recognised, by its form or because the cassette names it.

    `secrets` are the values that the cassette's sign-ins hold, which are looked for in every text.
    """

    def __init__(self, facts: OrgFacts, secrets: Mapping[str, str] | None = None) -> None:
        self._facts = facts
        self._secrets = secrets or {}
        self._secret = _any_of(self._secrets)
        self._hints = (*_HINTS, *(host for host in facts.hosts if "." in host or ":" in host), *self._secrets)

    def sub(self, text: str, replace: Replace) -> str:
        """Replace all that is found, in what is percent-encoded too."""
        for hint in self._hints:
            if hint in text:
                break
        else:
            return text
        text = through_percent(text, lambda decoded: self._plain(decoded, replace))
        return self._plain(text, replace)

    def _plain(self, text: str, replace: Replace) -> str:
        if self._secret is not None:
            text = self._secret.sub(lambda found: self._secrets[found[0]], text)
        text = _TOKEN.sub(lambda found: _token(found, replace), text)
        if "@" in text:
            text = EMAIL.sub(lambda found: _email(found[0], replace), text)
        text = _HOST.sub(lambda found: self._host(found, replace), text)
        return RECORD_ID.sub(lambda found: self._id(found, replace), text)

    def _host(self, found: re.Match[str], replace: Replace) -> str:
        host = f"{found[2] or found[3]}{found[4] or ''}".lower()
        if host in self._facts.hosts:
            known = found[1] is not None or "." in host or ":" in host
        else:
            known = is_salesforce(host) or (is_loopback(host) and (found[1] is not None or found[4] is not None))
        if not known:
            return found[0]
        return f"https://{replace(Found.HOST, host)}" if found[1] else replace(Found.HOST, host)

    def _id(self, found: re.Match[str], replace: Replace) -> str:
        short, check = found[1], found[2]
        if short[3:8] == "TESTS":
            return found[0]
        genuine = long_id(short) == found[0] if check else not short.isdigit()
        if not genuine and short not in self._facts.ids:
            return found[0]
        return replace(Found.ORG_ID if short[2] == "D" else Found.USER_ID, found[0])


def through_percent(text: str, replace: Callable[[str], str]) -> str:
    """Replace in the percent-encoded parts of a text; parts in which nothing changes stay as they are."""
    if "%" not in text:
        return text

    def part(found: re.Match[str]) -> str:
        decoded = unquote(found[0])
        replaced = replace(decoded)
        return found[0] if replaced == decoded else quote(replaced, safe="")

    return _ENCODED.sub(part, text)


def _any_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    ordered = sorted(set(texts), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


def _token(found: re.Match[str], replace: Replace) -> str:
    number = found.lastindex or 1
    return found[0] if SECRET_STAND_IN.match(found[0]) else replace(_TOKENS[number - 1][0], found[0])


def _email(address: str, replace: Replace) -> str:
    return address if is_stand_in(Kind.EMAIL, address) else replace(Found.EMAIL, address)
