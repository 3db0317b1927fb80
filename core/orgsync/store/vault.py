"""Credentials at rest: encrypted with a key that is not in the database."""

import json
import os
import secrets
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from orgsync.drafts import flush_to_disk
from orgsync.errors import KeyUnusable, StoreUnavailable

from .private import GROUP_AND_OTHERS, require_private

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

__all__ = ["OwnerKind", "Vault"]

OwnerKind: TypeAlias = Literal["connection", "webhook", "sign-in", "session"]
"""Whose secrets are encrypted: a connection's, a webhook's, those of a sign-in in a browser, a session of the pages."""


class _Wording(NamedTuple):
    """How secrets of a kind are named, and what to do where the key does not come back."""

    secrets: str
    renew: str


_PUT_BACK = "Put the key back (ORGSYNC_KEY, or the file {path}), or "
_WORDING: dict[OwnerKind, _Wording] = {
    "connection": _Wording(
        "The credentials of {owner!r}",
        "run `orgsync connect {owner}` again. Where the key is lost, so are the credentials of every connection: "
        "connect each again; their rows stay.",
    ),
    "webhook": _Wording(
        "The secrets of the webhook {owner}",
        "run `orgsync webhooks rotate {owner}`, which makes a new secret; the receiver then needs that.",
    ),
    "sign-in": _Wording("The secrets of this sign-in", "begin the sign-in again."),
    "session": _Wording("The secrets of this session", "sign in again."),
}
_NO_KEY_FILE = (
    "Put the key back. Where it is lost, remove the file and run `orgsync connect NAME` for every connection again: "
    "a new key is made, and what the old one encrypted is lost; the rows stay."
)
_NO_KEY_VARIABLE = (
    "Correct the variable: a key is 32 bytes in URL-safe base64, 44 characters; several are separated by commas."
)


class Vault:
    """Encrypts and decrypts the credentials of connections, and the secrets of webhooks, sign-ins and sessions.

    The key is `key` (several, separated by commas: the first encrypts, every one decrypts) or the content of the
    file `path`, which is read again when it has been replaced. What is encrypted names its owner, so that swapping
    two rows' secrets is noticed.
    """

    def __init__(self, key: str | None, path: Path) -> None:
        self._given = key
        self._path = path
        self._fernet: MultiFernet | None = None
        self._keys: list[str] = []  # every key that was read; those that are no longer in the file come last
        self._read_from: tuple[int, int] | None = None  # the number of the file that was read, and when it was written

    def make_key(self) -> None:
        """Make the key file, readable by its owner alone, unless there is a key; raise if that is unusable."""
        if self._given is None:
            self._require_private()
        if self._given is not None or self._path.exists():
            self._open()
            return
        from cryptography.fernet import Fernet

        with self._draft(Fernet.generate_key().decode()) as draft:
            # A link appears whole and never replaces a key that another process has made meanwhile.
            with suppress(FileExistsError):
                os.link(draft, self._path)
            draft.unlink()

    @property
    def place(self) -> str:
        """Where the key is: the variable or the file."""
        return str(self._path) if self._given is None else "ORGSYNC_KEY"

    @property
    def is_file(self) -> bool:
        """Whether the key is in the file."""
        return self._given is None

    @property
    def has_key(self) -> bool:
        """Whether there is a key, usable or not."""
        return self._given is not None or os.path.lexists(self._path)

    def count_keys(self) -> int:
        """Return how many keys there are; raises KeyUnusable where there is none."""
        return len(self._given_keys())

    def add_key(self) -> None:
        """Put a new key before those of the file; each still decrypts."""
        from cryptography.fernet import Fernet

        self._replace([Fernet.generate_key().decode(), *self._given_keys()])

    def drop_old_keys(self) -> None:
        """Leave the first key of the file alone there; this process still decrypts with the others."""
        self._replace(self._given_keys()[:1])

    def with_first_key(self, owner: str, encrypted: bytes, *, kind: OwnerKind = "connection") -> bytes | None:
        """Return what is encrypted, encrypted with the first key; None for what is so already.

        Raises KeyUnusable where none of the keys decrypts it.
        """
        from cryptography.fernet import Fernet, InvalidToken

        values = self.decrypt(owner, encrypted, kind=kind)
        try:
            Fernet(self._given_keys()[0]).decrypt(encrypted)
        except InvalidToken:
            return self.encrypt(owner, values, kind=kind)
        return None

    def encrypt(self, owner: str, values: Mapping[str, Any], *, kind: OwnerKind = "connection") -> bytes:
        """Encrypt an owner's secrets; raises KeyUnusable when the key is missing."""
        plain = json.dumps({"connection": owner, "secrets": dict(values)}).encode()
        return self._open_for(owner, kind, "encrypted").encrypt(plain)

    def decrypt(self, owner: str, encrypted: bytes, *, kind: OwnerKind = "connection") -> dict[str, Any]:
        """Decrypt an owner's secrets; raises KeyUnusable when the key is missing or another."""
        from cryptography.fernet import InvalidToken

        if not encrypted:
            return {}
        fernet = self._open_for(owner, kind, "decrypted")
        try:
            plain = json.loads(fernet.decrypt(encrypted))
        except InvalidToken:
            raise self._unusable(owner, kind, "decrypted: they were encrypted with another key") from None
        if plain["connection"] != owner:
            raise self._unusable(owner, kind, "decrypted: they were encrypted for another owner")
        return dict(plain["secrets"])

    def _open_for(self, owner: str, kind: OwnerKind, what: str) -> "MultiFernet":
        try:
            return self._open()
        except KeyUnusable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise self._unusable(owner, kind, f"{what}: there is no key") from None
            raise

    def _open(self) -> "MultiFernet":
        found = None if self._given is not None else _version_of(self._path)
        if self._fernet is None or (found is not None and found != self._read_from):
            self._fernet = self._load()
            self._read_from = found
        return self._fernet

    def _load(self) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet

        keys = [*dict.fromkeys([*self._given_keys(), *self._keys])]
        try:
            made = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise KeyUnusable(
                f"The key in {self.place} is not a Fernet key.", _NO_KEY_FILE if self.is_file else _NO_KEY_VARIABLE
            ) from None
        self._keys = keys  # of a file that was replaced, the old ones decrypt what this process has read before
        return made

    def _given_keys(self) -> list[str]:
        given = self._given if self._given is not None else self._read()
        return given.replace(",", " ").split()

    def _replace(self, keys: Sequence[str]) -> None:
        """Replace the file by one with these keys: at every moment it is whole, the old or the new one."""
        with self._draft(",".join(keys)) as draft:
            draft.replace(self._path)

    @contextmanager
    def _draft(self, text: str) -> Generator[Path]:
        """Write a file beside the key file, on the disk and readable by its owner alone, to take that one's place."""
        draft = self._path.with_name(f"key.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())  # what it encrypts is durable, too
            yield draft
            flush_to_disk(self._path.parent)
        except OSError as error:
            raise StoreUnavailable(
                f"The key file {self._path} cannot be written: {error.strerror}.",
                "Make its folder writable for this user.",
            ) from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _read(self) -> str:
        self._require_private()
        try:
            return self._path.read_text(encoding="ascii")
        except FileNotFoundError as error:
            raise KeyUnusable(
                f"The key file {self._path} is missing.", "Put it back, or give the key in ORGSYNC_KEY."
            ) from error
        except UnicodeDecodeError:
            raise KeyUnusable(f"The key in {self._path} is not a Fernet key.", _NO_KEY_FILE) from None
        except OSError as error:
            raise KeyUnusable(
                f"The key file {self._path} cannot be read.", "Give this user the right to read it."
            ) from error

    def _require_private(self) -> None:
        instead = "Put the key itself there, or give it in the variable ORGSYNC_KEY."
        require_private(self._path, "The key file", closed_to=GROUP_AND_OTHERS, instead=instead)

    def _unusable(self, owner: str, kind: OwnerKind, why: str) -> KeyUnusable:
        wording = _WORDING[kind]
        return KeyUnusable(
            f"{wording.secrets.format(owner=owner)} cannot be {why}.",
            _PUT_BACK.format(path=self._path) + wording.renew.format(owner=owner),
        )


def _version_of(path: Path) -> tuple[int, int] | None:
    """Return what tells one key file from another that took its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
