"""Masking: values of some columns are replaced by a keyed hash before they are stored.

The hash is HMAC-SHA-256 of the value's UTF-8 bytes, as 64 hexadecimal digits. Its key is the connection's own, so equal
values have equal hashes in every table of a connection, and rows still join; without the key nobody can try values out.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

from .schema import Row, Schema, StoredValue

__all__ = ["fingerprint", "hash_of", "masked"]


def masked(schema: Schema, rows: Sequence[Row], key: bytes) -> Sequence[Row]:
    """Return rows with the columns masked that the class masks."""
    places = {at for at, column in enumerate(schema.columns) if column.mask}
    if not places or not rows:
        return rows
    return [
        tuple(hash_of(value, key) if at in places and value is not None else value for at, value in enumerate(row))
        for row in rows
    ]


def hash_of(value: StoredValue, key: bytes) -> str:
    """Return what is stored in place of a text."""
    return hmac.digest(key, str(value).encode("utf-8", "surrogatepass"), "sha256").hex()


def fingerprint(key: bytes) -> str:
    """Return what tells one key from another and gives neither away: a changed key makes other hashes."""
    return hmac.new(key, b"orgsync masking key", sha256).hexdigest()[:12]
