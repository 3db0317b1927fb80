"""The key that the demo app trusts, and the check of a JWT bearer assertion."""

import time
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, cast

from .refusal import OAuthRefusal
from .settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from jwt.types import Options

SKEW = 180
GENERIC_AUDIENCE = "https://login.salesforce.com"


@cache
def private_key_pem() -> str:
    """Return the RSA key of every demo org in this process, made on first use."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )  # fmt: skip


def check_assertion(assertion: str, settings: Settings, audiences: Sequence[str]) -> None:
    """Refuse an assertion that the app's certificate, its user or its audience does not match.

    Its end is judged by the machine's clock, not by the org's: the client that signs it knows no other.
    """
    import jwt
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise OAuthRefusal("invalid_grant", "invalid assertion") from None
    if claims.get("iss") != settings.client_id:
        raise OAuthRefusal("invalid_client_id", "client identifier invalid")
    key = cast("RSAPrivateKey", load_pem_private_key(private_key_pem().encode(), None)).public_key()
    unchecked: Options = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False}
    try:
        jwt.decode(assertion, key, algorithms=["RS256"], options=unchecked)
    except jwt.InvalidTokenError:
        raise OAuthRefusal("invalid_grant", "invalid assertion") from None
    if claims.get("aud") not in {GENERIC_AUDIENCE, *audiences}:
        raise OAuthRefusal("invalid_grant", "Audience validation failed")
    if not _in_time(claims.get("exp")):
        raise OAuthRefusal("invalid_grant", "Couldn't validate jwt token")
    if claims.get("sub") != settings.username:
        raise OAuthRefusal("invalid_grant", "user hasn't approved this consumer")


def _in_time(expires: object) -> bool:
    return str(expires).isdigit() and int(str(expires)) > time.time() - SKEW
