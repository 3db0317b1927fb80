"""The texts that a message consists of, and the role of each in scrubbing."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

__all__ = ["SECRETS", "Role", "Visit"]


class Role(StrEnum):
    """The role of a text in scrubbing."""

    PLAIN = "plain"
    """The protocol's own words and ids: only what is recognised by itself is replaced."""
    PROSE = "prose"
    """A customer's text: known names and numbers are replaced in it, too."""
    SOQL = "soql"
    URL = "url"
    SECRET = "secret"  # noqa: S105 - a word, not a secret
    TEXT = "text"
    PHONE = "phone"
    DATE = "date"
    NUMBER = "number"
    """A number that shows something of a person, such as a coordinate."""
    IDENTITY = "identity"
    """What a state or a bank names a person by, as a text or as a number."""
    CONTENT = "content"
    """The content of a file in base64, as it is uploaded; responses have a path in its place, which stays."""
    CHOSEN = "chosen"
    """A field that the user named."""


Visit: TypeAlias = Callable[[str, Role, str], str]
"""Takes a text, its role and the name of the field, parameter or header that holds it; returns what replaces it."""

SECRETS = {
    "access_token": "ACCESS-TOKEN",
    "assertion": "ASSERTION",
    "client_assertion": "ASSERTION",
    "client_id": "CLIENT-ID",
    "client_secret": "CLIENT-SECRET",
    "code": "CODE",
    "code_challenge": "CODE-CHALLENGE",
    "code_verifier": "CODE-VERIFIER",
    "id_token": "ID-TOKEN",
    "oauth_token": "ACCESS-TOKEN",
    "password": "PASSWORD",
    "private key": "PRIVATE-KEY",
    "refresh_token": "REFRESH-TOKEN",
    "session_id": "ACCESS-TOKEN",
    "sessionid": "ACCESS-TOKEN",
    "sid": "ACCESS-TOKEN",
    "signature": "SIGNATURE",
    "token": "TOKEN",
}
"""Names of secrets in forms, responses and URLs, in lower case, and the names of their stand-ins."""
