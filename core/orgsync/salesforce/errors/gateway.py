"""What an answer without an error of Salesforce's means: a proxy's, an edge's, a maintenance page's."""

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

__all__ = ["no_route", "passes", "unspoken", "without_an_error"]

_LOGIN_PAGE = re.compile(r"/(login|secur|_ui|idp)\b|[?&]ec=\d|[?&]startURL=", re.IGNORECASE)
_PAGE_REMEDY = "Run it again later; where it stays so, sign in again: orgsync connect NAME."
_GATEWAY_REMEDY = "Look for a proxy or gateway on the way that changes addresses; Salesforce's is https at port 443."
_REDIRECTS = {
    "http": ("which is not https", _GATEWAY_REMEDY),
    "port": ("which is not Salesforce's port", _GATEWAY_REMEDY),
    "page": ("a page of Salesforce's for a person in a browser", _PAGE_REMEDY),
}


def passes(status: int) -> bool:
    """Tell the statuses of a server, edge or proxy that is busy, restarting or down; 501 is what it never does."""
    return status in (406, 408, 421, 425, 429) or (status >= 500 and status not in (501, 505))


def no_route(request: str) -> NoRoute:
    """Say that Salesforce's edge does not know the host."""
    return NoRoute(
        f"Salesforce's edge has no route for {request} (status 420).",
        "Run it again later; a deleted sandbox or scratch org, or one that has just been renamed, answers like this.",
    )


def without_an_error(answer: Response) -> OrgsyncError:
    """Judge an answer of the API that is no success and has no Salesforce error in it."""
    if answer.status == 401 and _is_sessions(answer):
        return SessionInvalid(f"{answer.place} was refused with status 401.", "Sign in again.")
    if answer.redirected_to is not None and may_be_org(answer.redirected_to, answer.url):
        return InstanceMoved(
            f"{answer.place} was redirected to {host_of(answer.redirected_to)}, but a new sign-in leads to the old "
            "host.",
            "Run it again later; where it stays so, sign in again: orgsync connect NAME.",
        )
    if answer.status in (414, 431):
        return QueryRefused(
            f"The request is longer than Salesforce takes (status {answer.status}).",
            "Select fewer fields or bind shorter lists: address and headers have room for 16,384 bytes.",
        )
    return unspoken(answer)


def unspoken(answer: Response) -> OrgsyncError:
    """Judge by its status an answer that Salesforce's own servers may never have seen, at whatever endpoint."""
    if answer.status == 420:
        return no_route(answer.place)
    if passes(answer.status):
        maintained = b"maintenance" in answer.content[:4096].lower()
        kind = "a maintenance page" if maintained else f"status {answer.status}"
        return ServerProblem(
            f"{answer.place} was answered with {kind}.", "Salesforce is down or busy; run it again later."
        )
    if answer.status == 407:
        return ProxyRefused(
            f"A proxy on the way wants a user name and password for {answer.place} (status 407).",
            "Write them into the proxy's address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT.",
        )
    if 300 <= answer.status < 400:
        return _redirected(answer)
    return ResponseUnreadable(
        f"{answer.place} was refused with status {answer.status}, without an error of Salesforce's in the answer.",
        "Run it again later; where it stays so, look for a proxy or firewall on the way to the org.",
    )


def _is_sessions(answer: Response) -> bool:
    """Tell a 401 that Salesforce may have given from a proxy's own, which no other token mends.

    Every recorded one of Salesforce's says `WWW-Authenticate: Token` and holds an error; an empty one may have lost it.
    """
    scheme = answer.headers.get("www-authenticate", "").partition(" ")[0].lower()
    return scheme in ("token", "bearer") if scheme else not answer.content.strip()


def _redirected(answer: Response) -> ResponseUnreadable:
    """Say that something redirects the request, most often to a page for a person: no token follows it."""
    if answer.redirected_to is None and _LOGIN_PAGE.search(answer.headers.get("location", "")):
        return ResponseUnreadable(
            f"{answer.place} was redirected to a login page of the same host (status {answer.status}).", _PAGE_REMEDY
        )
    if answer.redirected_to is None:
        return ResponseUnreadable(
            f"{answer.place} was answered with a redirection (status {answer.status}), not by Salesforce.",
            "Run it again later; where it stays so, look for a proxy or firewall on the way to the org.",
        )
    target, wrong = redirect_target(answer.redirected_to)
    if wrong in _REDIRECTS:
        what, remedy = _REDIRECTS[wrong]
        return ResponseUnreadable(f"{answer.place} was redirected to {target}, {what}; nothing was sent there.", remedy)
    return ResponseUnreadable(
        f"{answer.place} was redirected to {target}, which is not Salesforce; nothing was sent there.",
        "Sign in to the network that this machine is in (a guest network, a VPN or a proxy asks for that so), then run "
        "it again.",
    )
