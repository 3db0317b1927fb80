"""Signing in for the first time: a token, whom it acts for and how long it lives, before anything is stored."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime

import anyio.to_thread

from orgsync.errors import ResponseUnreadable, SignInNeeded

from ..hosts import require_api_host
from ..http.http import Http
from .credentials import Credentials
from .grants import token_form
from .token_endpoint import identity, introspect, request_token, retried
from .token_response import TokenResponse, same_org

__all__ = ["accepted", "sign_in", "utc_now"]


def utc_now() -> datetime:
    """Give this machine's time, aware."""
    return datetime.now(UTC)


async def sign_in(
    http: Http,
    credentials: Credentials,
    *,
    allowed_hosts: Collection[str] = (),
    clock: Callable[[], datetime] = utc_now,
) -> Credentials:
    """Sign in with these credentials and give them completed, ready to be stored.

    Credentials that come with an access token (from the browser flow) are not asked for another. The org id, where
    given, must be the org's that answers. The user name and the token's lifetime stay None where Salesforce does not
    tell them. Raises SignInNeeded, ConfigurationProblem, or a TransientProblem after retries.
    """
    if credentials.access_token is None:

        async def attempt() -> Credentials:
            asked_at = clock()
            form = await anyio.to_thread.run_sync(token_form, credentials, asked_at)
            answer = await request_token(http, credentials.login_url, form)
            return accepted(credentials, answer, asked_at, allowed_hosts=allowed_hosts)

        credentials = await retried(attempt)
    if credentials.lifetime is None:
        credentials = replace(credentials, lifetime=await introspect(http, credentials))
    who = await identity(http, credentials)
    return replace(
        credentials,
        username=credentials.username or who.username,
        org_id=credentials.org_id or who.org_id,
        user_id=credentials.user_id or who.user_id,
    )


def accepted(
    credentials: Credentials, answer: TokenResponse, asked_at: datetime, *, allowed_hosts: Collection[str] = ()
) -> Credentials:
    """Give the credentials as a token answer leaves them.

    Raises SignInNeeded if another org has answered, or may have: where the instance is another than before, the answer
    must name the org. Raises HostNotAllowed if the instance is no host that a token may be sent to.
    """

    def checked(url: str) -> str:
        return require_api_host(url, login_url=credentials.login_url, allowed_hosts=allowed_hosts)

    if credentials.org_id and answer.org_id and not same_org(credentials.org_id, answer.org_id):
        raise SignInNeeded(
            f"The sign-in leads to the org {answer.org_id}, but this connection is to {credentials.org_id}.",
            "Sign in as a user of the connection's own org, or connect the other org under another name.",
        )
    instance_url = answer.instance_url or credentials.instance_url
    if instance_url is None:
        unknown = ResponseUnreadable(
            "The login host's answer does not tell where the org's API is.",
            "Use the org's My Domain as login URL.",
        )
        unknown.retried = True  # it does not pass by itself
        raise unknown
    instance_url = checked(instance_url)
    if credentials.instance_url not in (None, instance_url) and not (credentials.org_id and answer.org_id):
        raise SignInNeeded(
            f"The sign-in leads to {instance_url} instead of {credentials.instance_url}, and nothing shows that this "
            "is the same org.",
            "If the org has moved, connect again.",
        )
    return replace(
        credentials,
        access_token=answer.access_token,
        refresh_token=answer.refresh_token or credentials.refresh_token,
        instance_url=instance_url,
        api_instance_url=checked(answer.api_instance_url) if answer.api_instance_url else None,
        org_id=credentials.org_id or answer.org_id,
        user_id=answer.user_id or credentials.user_id,
        scope=answer.scope or credentials.scope,
        issued_at=asked_at,  # by our own clock: an age measured with Salesforce's would err by the difference
        lifetime=answer.expires_in or credentials.lifetime,
    )
