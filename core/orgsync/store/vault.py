"""Credentials at rest: encrypted with a key that is not in the database."""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orgsync.drafts import sync_folder
from orgsync.errors import KeyUnusable, StoreUnavailable

from .private import GROUP_AND_OTHERS, require_private

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

__all__ = ["Vault"]

_PUT_BACK = (
    "Put the key back (ORGSYNC_KEY, or the file {path}), or run `orgsync connect {name}` again. Where the key is lost, "
    "so are the credentials of every connection: connect each again; their rows stay."
)
_NO_KEY_FILE = (
    "Put the key back. Where it is lost, remove the file and run `orgsync connect NAME` for every connection again: "
    "a new key is made, and what the old one encrypted is lost; the rows stay."
)
_NO_KEY_VARIABLE = (
    "Correct the variable: a key is 32 bytes in URL-safe base64, 44 characters; several are separated by commas."
)


class Vault:
    """Encrypts and decrypts the credentials of connections.

    The key is `key` (several, separated by commas: the first encrypts, every one decrypts) or the content of the
    file `path`. What is encrypted names its connection, so that swapping two rows' credentials is noticed.
    """

    def __init__(self, key: str | None, path: Path) -> None:
        self._given = key
        self._path = path
        self._fernet: MultiFernet | None = None

    def make_key(self) -> None:
        """Make the key file, readable by its owner alone, unless there is a key; raise if that is unusable."""
        if self._given is None:
            self._require_private()
        if self._given is not None or self._path.exists():
            self._open("")
            return
        from cryptography.fernet import Fernet

        draft = self._path.with_name(f"key.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(Fernet.generate_key())
                file.flush()
                os.fsync(file.fileno())  # what it encrypts is durable, too
            # A link appears whole and never replaces a key that another process has made meanwhile.
            with suppress(FileExistsError):
                os.link(draft, self._path)
            draft.unlink()
            sync_folder(self._path.parent)
        except OSError as error:
            raise StoreUnavailable(
                f"The key file {self._path} cannot be written.", "Give this user the right to write there."
            ) from error

    def encrypt(self, connection: str, values: Mapping[str, Any]) -> bytes:
        """Encrypt a connection's credentials."""
        plain = json.dumps({"connection": connection, "secrets": dict(values)}).encode()
        return self._open(connection).encrypt(plain)

    def decrypt(self, connection: str, encrypted: bytes) -> dict[str, Any]:
        """Decrypt a connection's credentials; raises KeyUnusable when the key is missing or another."""
        from cryptography.fernet import InvalidToken

        if not encrypted:
            return {}
        try:
            plain = json.loads(self._open(connection).decrypt(encrypted))
        except InvalidToken:
            raise self._unreadable(connection, "they were encrypted with another key") from None
        if plain["connection"] != connection:
            raise self._unreadable(connection, "they belong to another connection")
        return dict(plain["secrets"])

    def _open(self, connection: str) -> "MultiFernet":
        if self._fernet is None:
            self._fernet = self._load(connection)
        return self._fernet

    def _load(self, connection: str) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet

        given = self._given is not None
        keys = (self._given if self._given is not None else self._read(connection)).replace(",", " ").split()
        try:
            return MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise KeyUnusable(
                f"The key in {'ORGSYNC_KEY' if given else self._path} is not a Fernet key.",
                _NO_KEY_VARIABLE if given else _NO_KEY_FILE,
            ) from None

    def _read(self, connection: str) -> str:
        self._require_private()
        try:
            return self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            raise self._unreadable(connection, "there is no key") from None
        except UnicodeDecodeError:
            raise KeyUnusable(f"The key in {self._path} is not a Fernet key.", _NO_KEY_FILE) from None
        except OSError as error:
            raise KeyUnusable(
                f"The key file {self._path} cannot be read.", "Give this user the right to read it."
            ) from error

    def _require_private(self) -> None:
        instead = "Put the key itself there, or give it in the variable ORGSYNC_KEY."
        require_private(self._path, "The key file", closed_to=GROUP_AND_OTHERS, instead=instead)

    def _unreadable(self, connection: str, why: str) -> KeyUnusable:
        return KeyUnusable(
            f"The credentials of {connection!r} cannot be decrypted: {why}.",
            _PUT_BACK.format(path=self._path, name=connection),
        )
