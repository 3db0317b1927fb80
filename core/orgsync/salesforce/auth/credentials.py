"""What a connection signs in with, and the vault that keeps it."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from orgsync.errors import CredentialsInvalid, SignInNeeded

__all__ = ["SECRET_PARTS", "Credentials", "CredentialsVault", "Grant"]

Grant: TypeAlias = Literal["refresh-token", "jwt", "client-credentials"]
"""How new access tokens are got; the browser flow and an sfdx auth URL both end in a refresh token."""

SECRET_PARTS = ("client_secret", "refresh_token", "private_key", "access_token")
"""The fields of Credentials that are encrypted at rest and shown nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Everything that a connection signs in with, and what its last sign-in returned.

    The URLs are origins without a trailing slash. `private_key` is PEM text. `audience` is the `aud` of JWT
    assertions, None where the login URL determines it. `issued_at` is when this machine got
    the access token, by its own clock; `lifetime` is how many seconds a token is valid, None if unknown.
    """

    grant: Grant
    login_url: str
    client_id: str = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    audience: str | None = None
    username: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    instance_url: str | None = None
    api_instance_url: str | None = None
    org_id: str | None = None
    user_id: str | None = None
    scope: str | None = None
    issued_at: datetime | None = None
    lifetime: float | None = None

    def secrets(self) -> dict[str, str]:
        """Return the secret parts that are present, by field name."""
        parts = {name: getattr(self, name) for name in SECRET_PARTS}
        return {name: value for name, value in parts.items() if value is not None}

    def with_secrets(self, secrets: Mapping[str, str]) -> "Credentials":
        """Return the same credentials with these secret parts in place; the inverse of `secrets`.

        Raises CredentialsInvalid for a name that is not a secret part's.
        """
        unknown = sorted(set(secrets) - set(SECRET_PARTS))
        if unknown:
            raise CredentialsInvalid(
                f"Credentials have no secret part called {', '.join(unknown)}.",
                f"Use {', '.join(SECRET_PARTS)}.",
            )
        return replace(
            self,
            client_secret=secrets.get("client_secret", self.client_secret),
            refresh_token=secrets.get("refresh_token", self.refresh_token),
            private_key=secrets.get("private_key", self.private_key),
            access_token=secrets.get("access_token", self.access_token),
        )


class CredentialsVault(Protocol):
    """Keep one connection's credentials where every process that uses the connection finds them."""

    async def load(self) -> Credentials:
        """Read the credentials as they are stored now."""
        ...

    async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
        """Store the credentials that came of renewing `renewed`, and return what is stored, durably, then.

        That is something else where others have replaced `renewed` meanwhile, whom the lock no longer kept out.
        """
        ...

    async def refused(self, error: SignInNeeded, *, renewed: Credentials) -> Credentials:
        """Note that Salesforce refuses `renewed`, so that the connection needs to be signed in again.

        Return what is stored then: where others have replaced `renewed` meanwhile, theirs, and nothing is noted.
        """
        ...

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Keep every other holder of this connection's lock out, in this process and in others."""
        ...
