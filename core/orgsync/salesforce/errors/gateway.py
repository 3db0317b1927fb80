"""Errors for responses without an error of Salesforce's: from a proxy, an edge, or a maintenance page."""

import re

from orgsync.errors import (
    InstanceMoved,
    NoRoute,
    OrgsyncError,
    ProxyRefused,
    QueryRefused,
    ResponseUnreadable,
    ServerProblem,
    SessionInvalid,
)

from ..hosts import host_of, may_be_org, redirect_target
from ..http.messages import Response

__all__ = ["by_status_alone", "no_route", "passes", "without_an_error"]

_LOGIN_PAGE = re.compile(r"/(login|secur|_ui|idp)\b|[?&]ec=\d|[?&]startURL=", re.IGNORECASE)
_PAGE_REMEDY = "Run it again later; if this persists, sign in again: orgsync connect NAME."
_GATEWAY_REMEDY = "Look for a proxy or gateway on the way that changes addresses; Salesforce's is https at port 443."
_REDIRECTS = {
    "http": ("which is not https", _GATEWAY_REMEDY),
    "port": ("which is not Salesforce's port", _GATEWAY_REMEDY),
    "page": ("a page of Salesforce's for a person in a browser", _PAGE_REMEDY),
}


def passes(status: int) -> bool:
    """Return whether a server, edge or proxy is busy, restarting or down; 501 stays what it is."""
    return status in (406, 408, 421, 425, 429) or (status >= 500 and status not in (501, 505))


def no_route(request: str) -> NoRoute:
    """Return the error for a host that Salesforce's edge does not know."""
    return NoRoute(
        f"Salesforce's edge has no route for {request} (status 420).",
        "Run it again later; a deleted sandbox or scratch org, or one that has just been renamed, has this status too.",
    )


def without_an_error(response: Response) -> OrgsyncError:
    """Return the error for an unsuccessful response of the API that has no Salesforce error in it."""
    if response.status == 401 and _is_sessions(response):
        return SessionInvalid(f"{response.place} was refused with status 401.", "Sign in again.")
    if response.redirected_to is not None and may_be_org(response.redirected_to, response.url):
        return InstanceMoved(
            f"{response.place} was redirected to {host_of(response.redirected_to)}, but a new sign-in leads to the old "
            "host.",
            "Run it again later; if this persists, sign in again: orgsync connect NAME.",
        )
    if response.status in (414, 431):
        return QueryRefused(
            f"The request is longer than Salesforce accepts (status {response.status}).",
            "Select fewer fields or bind shorter lists: address and headers have room for 16,384 bytes.",
        )
    return by_status_alone(response)


def by_status_alone(response: Response) -> OrgsyncError:
    """Return the error for a status that Salesforce's own servers may not have sent, at any endpoint."""
    if response.status == 420:
        return no_route(response.place)
    if passes(response.status):
        maintained = b"maintenance" in response.content[:4096].lower()
        kind = "a maintenance page" if maintained else f"status {response.status}"
        return ServerProblem(
            f"{response.place} was answered with {kind}.", "Salesforce is down or busy; run it again later."
        )
    if response.status == 407:
        return ProxyRefused(
            f"A proxy on the way demands a user name and password for {response.place} (status 407).",
            "Write them into the proxy's address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT.",
        )
    if 300 <= response.status < 400:
        return _redirected(response)
    return ResponseUnreadable(
        f"{response.place} was refused with status {response.status}, without an error of Salesforce's.",
        "Run it again later; if this persists, look for a proxy or firewall on the way to the org.",
    )


def _is_sessions(response: Response) -> bool:
    """Return whether a 401 may be Salesforce's, and not a proxy's, which another token does not solve.

    Every recorded one of Salesforce's says `WWW-Authenticate: Token` and holds an error; an empty one may have lost it.
    """
    scheme = response.headers.get("www-authenticate", "").partition(" ")[0].lower()
    return scheme in ("token", "bearer") if scheme else not response.content.strip()


def _redirected(response: Response) -> ResponseUnreadable:
    """Return the error for a redirection, most often to a login page for people: no token is sent there."""
    if response.redirected_to is None and _LOGIN_PAGE.search(response.headers.get("location", "")):
        return ResponseUnreadable(
            f"{response.place} was redirected to a login page of the same host (status {response.status}).",
            _PAGE_REMEDY,
        )
    if response.redirected_to is None:
        return ResponseUnreadable(
            f"{response.place} was answered with a redirection (status {response.status}), not by Salesforce.",
            "Run it again later; if this persists, look for a proxy or firewall on the way to the org.",
        )
    target, wrong = redirect_target(response.redirected_to)
    if wrong in _REDIRECTS:
        what, remedy = _REDIRECTS[wrong]
        return ResponseUnreadable(
            f"{response.place} was redirected to {target}, {what}; nothing was sent there.", remedy
        )
    return ResponseUnreadable(
        f"{response.place} was redirected to {target}, which is not Salesforce; nothing was sent there.",
        "Sign in to the network that this machine is in (a guest network, a VPN or a proxy demands it), then run "
        "it again.",
    )
