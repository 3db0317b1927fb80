"""Signing in for the first time: a token, whose it is and how long it is valid, before anything is stored."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

import anyio.to_thread

from orgsync.clock import utc_now
from orgsync.errors import ResponseUnreadable, SignInNeeded

from ..hosts import require_api_host
from ..http.http import Http
from .credentials import Credentials
from .grants import token_form
from .token_endpoint import identity, introspect, request_token, retried
from .token_response import TokenResponse, same_org

__all__ = ["accepted", "sign_in"]


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
    say them. Raises SignInNeeded, ConfigurationProblem, or a TransientProblem after retries; at once where nothing
    listens at a port of this machine, or TLS is not spoken there.
    """
    if credentials.access_token is None:

        async def attempt() -> Credentials:
            asked_at = clock()
            form = await anyio.to_thread.run_sync(token_form, credentials, asked_at)
            response = await request_token(http, credentials.login_url, form)
            return accepted(credentials, response, asked_at, allowed_hosts=allowed_hosts)

        credentials = await retried(attempt, interactive=True)
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
    credentials: Credentials, response: TokenResponse, asked_at: datetime, *, allowed_hosts: Collection[str] = ()
) -> Credentials:
    """Return the credentials with what a token response says.

    Raises SignInNeeded if another org has responded, or may have: where the instance is another than before, the
    response must name the org. Raises HostNotAllowed if the instance is no host that a token may be sent to.
    """

    def checked(url: str) -> str:
        return require_api_host(url, login_url=credentials.login_url, allowed_hosts=allowed_hosts)

    if credentials.org_id and response.org_id and not same_org(credentials.org_id, response.org_id):
        raise SignInNeeded(
            f"The sign-in leads to the org {response.org_id}, but this connection is to {credentials.org_id}.",
            "Sign in as a user of the connection's own org, or connect the other org under another name.",
        )
    instance_url = response.instance_url or credentials.instance_url
    if instance_url is None:
        unknown = ResponseUnreadable(
            "The login host's response does not say where the org's API is.",
            "Use the org's My Domain as login URL.",
        )
        unknown.retried = True  # it does not pass by itself
        raise unknown
    instance_url = checked(instance_url)
    if credentials.instance_url not in (None, instance_url) and not (credentials.org_id and response.org_id):
        raise SignInNeeded(
            f"The sign-in leads to {instance_url} instead of {credentials.instance_url}, and nothing shows that this "
            "is the same org.",
            "If the org has moved, connect again.",
        )
    return replace(
        credentials,
        access_token=response.access_token,
        refresh_token=response.refresh_token or credentials.refresh_token,
        instance_url=instance_url,
        api_instance_url=checked(response.api_instance_url) if response.api_instance_url else None,
        org_id=credentials.org_id or response.org_id,
        user_id=response.user_id or credentials.user_id,
        scope=response.scope or credentials.scope,
        issued_at=asked_at,  # by our own clock: an age measured with Salesforce's would err by the difference
        lifetime=response.expires_in or credentials.lifetime,
    )
