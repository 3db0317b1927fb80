"""The forms that ask for a token, one for each way of signing in; nothing here touches the network."""

import re
from collections.abc import Callable
from datetime import datetime

from orgsync.errors import CredentialsInvalid

from ..hosts import PRODUCTION, SANDBOX, host_of, is_generic_login, is_loopback, is_sandbox, login_url
from .credentials import Credentials, Grant

__all__ = ["audience", "code_form", "parse_sfdx_auth_url", "token_form"]

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

_ASSERTION_SECONDS = 180
_SFDX_AUTH_URL = re.compile(
    r"force://(?P<client_id>[a-zA-Z0-9._-]+={0,2}):(?P<client_secret>[a-zA-Z0-9._-]*={0,2})"
    r":(?P<refresh_token>[a-zA-Z0-9._-]+={0,2})@(?P<host>[a-zA-Z0-9:._-]+)/?"
)
_SHOW_SFDX_URL = (
    "Copy the whole URL that `sf org auth show-sfdx-auth-url --target-org NAME` shows (sf of before May 2026: "
    "`sf org display --verbose`)."
)
_SITES = (".my.site.com", ".force.com", ".salesforce-sites.com")


def token_form(credentials: Credentials, now: datetime) -> dict[str, str]:
    """Return the form that requests a new access token with these credentials.

    Signing an assertion takes some 60 ms of CPU. Raises CredentialsInvalid where a part is missing or unusable.
    """
    return _FORMS[credentials.grant](credentials, now)


def code_form(
    code: str, *, client_id: str, client_secret: str | None, redirect_uri: str, code_verifier: str
) -> dict[str, str]:
    """Return the form that exchanges an authorization code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    return form | ({"client_secret": client_secret} if client_secret else {})


def audience(login_url: str) -> str:
    """Derive the `aud` of a JWT assertion: the host that judges sign-ins of this login URL's kind of org.

    Raises CredentialsInvalid for a host of another cloud than salesforce.com, whose judge is not known.
    """
    if is_loopback(login_url) or login_url.endswith(_SITES):
        return login_url
    if not login_url.endswith(".salesforce.com"):
        raise CredentialsInvalid(
            f"The audience of a JWT sign-in at {host_of(login_url)} cannot be derived from the login URL.",
            "Give the URL that the cloud's documentation names for `aud`: --audience, or ORGSYNC_JWT_AUDIENCE.",
        )
    return SANDBOX if is_sandbox(login_url) else PRODUCTION


def parse_sfdx_auth_url(text: str, *, allowed_hosts: tuple[str, ...] = ()) -> Credentials:
    """Read `force://CLIENT_ID:SECRET:REFRESH_TOKEN@HOST`, as `sf org auth show-sfdx-auth-url` shows it.

    Raises CredentialsInvalid for any other text, and for a host that no token may be sent to.
    """
    if "[REDACTED]" in text:
        raise CredentialsInvalid(
            "This is not an sfdx auth URL, but what the sf command prints in its place since May 2026: [REDACTED].",
            _SHOW_SFDX_URL,
        )
    match = _SFDX_AUTH_URL.fullmatch(text.strip())
    if match is None:
        raise CredentialsInvalid(
            "The sfdx auth URL is not of the form force://CLIENT_ID:SECRET:REFRESH_TOKEN@HOST.", _SHOW_SFDX_URL
        )
    return Credentials(
        grant="refresh-token",
        login_url=login_url(url=match["host"], allowed_hosts=allowed_hosts),
        client_id=match["client_id"],
        client_secret=match["client_secret"] or None,
        refresh_token=match["refresh_token"],
    )


def _refresh_form(credentials: Credentials, _now: datetime) -> dict[str, str]:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": _required(credentials.refresh_token, "refresh token", "ORGSYNC_REFRESH_TOKEN"),
        "client_id": credentials.client_id,
    }
    return form | ({"client_secret": credentials.client_secret} if credentials.client_secret else {})


def _client_credentials_form(credentials: Credentials, _now: datetime) -> dict[str, str]:
    if is_generic_login(credentials.login_url):
        raise CredentialsInvalid(
            "The client credentials flow works at the org's own My Domain only.",
            "Give --login-url https://NAME.my.salesforce.com (Setup, My Domain).",
        )
    return {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": _required(credentials.client_secret, "client secret", "ORGSYNC_CLIENT_SECRET"),
    }


def _jwt_form(credentials: Credentials, now: datetime) -> dict[str, str]:
    claims: dict[str, str | int] = {
        "iss": credentials.client_id,
        "sub": _required(credentials.username, "user name", "--username"),
        "aud": credentials.audience or audience(credentials.login_url),
        "exp": int(now.timestamp()) + _ASSERTION_SECONDS,
    }
    key = _required(credentials.private_key, "private key", "ORGSYNC_PRIVATE_KEY")
    key = key.replace("\\n", "\n")  # as it is written into an environment variable
    assertion = _signed(claims, key)
    if assertion is None:
        raise _unusable_key(key)
    return {"grant_type": JWT_BEARER, "assertion": assertion}


def _signed(claims: dict[str, str | int], key: str) -> str | None:
    import jwt  # with all that it needs of cryptography, which other ways of signing in do not

    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        return None  # the error's own text may show parts of the key


def _unusable_key(key: str) -> CredentialsInvalid:
    """Return what is wrong with a private key that cannot sign, without anything of it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        is_rsa = isinstance(load_pem_private_key(key.encode(), None), RSAPrivateKey)
    except TypeError:  # what is raised for want of a passphrase
        return CredentialsInvalid(
            "The private key is encrypted with a passphrase.",
            "Give it decrypted: openssl pkey -in KEY.pem -out DECRYPTED.pem.",
        )
    except (ValueError, UnsupportedAlgorithm):
        return CredentialsInvalid(
            "The private key is not a private key in PEM form, or is not whole.",
            "Give the key whose certificate the app holds: the text from -----BEGIN to -----END, line ends included.",
        )
    return CredentialsInvalid(
        "Nothing can be signed with the private key."
        if is_rsa
        else "The private key is not an RSA key; Salesforce accepts no other.",
        "Give the RSA key whose certificate the app holds.",
    )


def _required(part: str | None, name: str, variable: str) -> str:
    if part:
        return part
    raise CredentialsInvalid(f"The sign-in lacks its {name}.", f"Give it with {variable}, and connect again.")


_FORMS: dict[Grant, Callable[[Credentials, datetime], dict[str, str]]] = {
    "refresh-token": _refresh_form,
    "client-credentials": _client_credentials_form,
    "jwt": _jwt_form,
}
