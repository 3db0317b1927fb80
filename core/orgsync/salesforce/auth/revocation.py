"""Revoking the token that a connection signs in with."""

from orgsync.errors import ResponseUnreadable

from ..http.http import Http, Response
from .credentials import Credentials
from .token_endpoint import refused, retried

__all__ = ["revoke"]

_TIMEOUT = 10.0
_LARGEST = 64 * 1024
_UNKNOWN = ("invalid_token", "unsupported_token_type")  # what a token is called that was revoked or has expired


async def revoke(http: Http, credentials: Credentials) -> bool:
    """Revoke the refresh token, and with it every access token that it gave; return whether it was valid.

    Credentials without a refresh token have at most an access token: that alone is revoked. Raises SignInNeeded and
    others where Salesforce refuses, and a TransientProblem where it does not answer.
    """
    token = credentials.refresh_token or credentials.access_token
    if token is None:
        return False

    async def attempt() -> bool:
        response = await http.send(
            "POST",
            f"{credentials.login_url}/services/oauth2/revoke",
            form={"token": token},
            headers={"Accept": "application/json"},
            timeout=_TIMEOUT,
            largest=_LARGEST,
        )
        if response.status == 200:
            return True
        if _error_of(response) in _UNKNOWN:
            return False
        raise refused(response, None)

    return await retried(attempt)


def _error_of(response: Response) -> object:
    try:
        document = response.json()
    except ResponseUnreadable:
        return None
    return document.get("error") if isinstance(document, dict) else None
