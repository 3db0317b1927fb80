"""The My Domain that a customer types, made a login URL: one of Salesforce's own hosts, never an arbitrary one.

Whoever types it is a stranger, so this is stricter than `hosts.login_url`: loopback and other hosts only where
`allowed_hosts` names them. The token endpoint of that host is called, from this machine.
"""

import re
from collections.abc import Collection
from contextlib import suppress

from orgsync.errors import HostNotAllowed
from orgsync.suggest import nearest

from .hosts import MY_DOMAINS, host_of, is_generic_login, is_named, login_url

__all__ = ["my_domain_url"]

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ENDINGS = (
    *("my.salesforce.com", "sandbox.my.salesforce.com", "develop.my.salesforce.com", "scratch.my.salesforce.com"),
    *("trailblaze.my.salesforce.com", "lightning.force.com", "my.salesforce.mil"),
)
"""What stands behind the name in the My Domains that most orgs have, for the nearest of a typo."""

_WHERE = "Yours is in the address bar when you are signed in to Salesforce, and ends in .my.salesforce.com."
_LONGEST = 300


def my_domain_url(text: str, *, allowed_hosts: Collection[str] = ()) -> str:
    """Return the login URL of a My Domain: its name, its host, or the address of any page of the org.

    Raises HostNotAllowed, with the nearest where one is near, for anything that is not a My Domain of Salesforce's nor
    a host that is allowed by name.
    """
    typed = text.strip().lower()
    if not typed or len(typed) > _LONGEST:
        raise HostNotAllowed("The My Domain is missing." if not typed else "This is no My Domain.", _WHERE)
    bare = typed.removeprefix("http://").removeprefix("https://")
    if _NAME.fullmatch(bare) and bare != "localhost":
        kind = "sandbox.my" if "--" in bare else "my"
        return f"https://{bare}.{kind}.salesforce.com"
    with suppress(HostNotAllowed):
        url = login_url(url=bare, allowed_hosts=allowed_hosts)
        if is_generic_login(url):
            raise HostNotAllowed(f"{host_of(url)} is not a My Domain, but the address that all orgs share.", _WHERE)
        if host_of(url).endswith(MY_DOMAINS) or is_named(url, allowed_hosts):
            return url
    raise HostNotAllowed("This is not a My Domain of Salesforce's.", f"{_suggestion(bare)}{_WHERE}")


def _suggestion(typed: str) -> str:
    """Return what a customer may have meant, as the beginning of a remedy; empty where nothing is near."""
    host = typed.partition("/")[0].partition(":")[0]
    name, _, rest = host.partition(".")
    near = nearest(rest, _ENDINGS, cutoff=0.75)
    return f"Did you mean {name}.{near}? " if near and _NAME.fullmatch(name) else ""
