"""Which host a sign-in goes to, and which hosts may be shown a token.

A login host comes from the environment or from a login URL that a person pasted, an API host from a token answer
(`instance_url`, `api_instance_url`). Both must be Salesforce's own, or be allowed by name; an API host may also be the
login host itself. A request's address (a next page, a path that a person gives) may name none but those hosts, with
their ports: another org's host is Salesforce's too. Everything here is a function from text to text.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from orgsync.errors import HostNotAllowed

__all__ = [
    "MY_DOMAINS",
    "Environment",
    "api_host_allowed",
    "host_of",
    "is_generic_login",
    "is_loopback",
    "is_named",
    "is_sandbox",
    "is_web_host",
    "login_url",
    "may_be_org",
    "no_api_host",
    "redirect_target",
    "require_api_host",
    "require_named_host",
]

Environment: TypeAlias = Literal["production", "sandbox"]

PRODUCTION = "https://login.salesforce.com"
SANDBOX = "https://test.salesforce.com"

_SALESFORCE = (".salesforce.com", ".salesforce.mil", ".sfcrmproducts.cn", ".my-salesforce.com")

# The hosts a browser shows, and the My Domain login host beside each.
_PAGES = (
    (".lightning.force.com", ".my.salesforce.com"),
    (".my.salesforce-setup.com", ".my.salesforce.com"),
    (".lightning.crmforce.mil", ".my.salesforce.mil"),
    (".lightning.sfcrmapps.cn", ".my.sfcrmproducts.cn"),
    (".my-lightning.com", ".my-salesforce.com"),
)
MY_DOMAINS = (".my.salesforce.com", ".my.salesforce.mil", ".my.sfcrmproducts.cn", ".my-salesforce.com")
_LABEL = r"(?!-)[a-z0-9_-]{1,63}"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_SANDBOX_NAME = re.compile(r"test\.|cs[0-9]+\.|.*\.(sandbox|scratch)\.|.*--")


@dataclass(frozen=True, slots=True)
class _Origin:
    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def salesforce(self) -> bool:
        return self.host.endswith(_SALESFORCE) and self.port is None

    def allowed_by(self, names: Collection[str]) -> bool:
        return self.authority in {name.strip().lower().removeprefix("https://").rstrip("/") for name in names}


def login_url(
    environment: Environment | None = None, url: str | None = None, *, allowed_hosts: Collection[str] = ()
) -> str:
    """Give the origin to sign in at, without a trailing slash.

    A URL, pasted from the browser or not, wins over the environment; with neither it is production (a Developer
    Edition is production). Raises HostNotAllowed for a host that is neither Salesforce's, nor on loopback, nor
    in `allowed_hosts`, and for http, another port or a user name off loopback.
    """
    if url is None:
        return SANDBOX if environment == "sandbox" else PRODUCTION
    origin = _login_origin(url)
    if not (origin.loopback or origin.salesforce or origin.allowed_by(allowed_hosts)):
        raise HostNotAllowed(
            f"{origin.authority} is not a Salesforce login host.",
            "Use the org's My Domain URL, https://NAME.my.salesforce.com; if the host is right, allow it by name: "
            "allowed_hosts in orgsync.toml.",
        )
    return str(origin)


def host_of(url: str) -> str:
    """Name a URL's host for a message, with its port."""
    origin = _parse(url)
    return "an address that is not a web host's" if origin is None else origin.authority


def is_loopback(url: str) -> bool:
    """Tell whether the URL leads to this machine's own loopback."""
    origin = _parse(url)
    return origin is not None and origin.loopback


def is_sandbox(url: str) -> bool:
    """Tell whether a login URL is that of a sandbox (or a scratch org), whose sign-ins test.salesforce.com judges."""
    origin = _parse(url)
    return origin is not None and origin.salesforce and _SANDBOX_NAME.match(origin.host) is not None


def is_named(url: str, names: Collection[str]) -> bool:
    """Tell whether a URL's host, with its port, is one of those that are allowed by name."""
    origin = _parse(url)
    return origin is not None and origin.allowed_by(names)


def is_web_host(url: str) -> bool:
    """Tell whether a URL is http or https, names no user, and means one host to every parser."""
    return _parse(url) is not None


def is_generic_login(url: str) -> bool:
    """Tell whether a login URL is one that all orgs share, rather than one org's My Domain."""
    return url in (PRODUCTION, SANDBOX)


def may_be_org(url: str, known: str) -> bool:
    """Tell whether a redirect from a known host to this URL may say that an org has moved.

    It may where the host is some org's My Domain, or both are on loopback. No token is sent there for that: the login
    host is asked where the org is.
    """
    origin = _parse(url)
    if origin is None:
        return False
    if origin.loopback:
        return is_loopback(known)
    return origin.scheme == "https" and origin.port is None and origin.host.endswith(MY_DOMAINS)


def api_host_allowed(url: str, *, login_url: str, allowed_hosts: Collection[str] = ()) -> bool:
    """Tell whether a token answer of this login may name the URL's host as the org's.

    It may where the host is Salesforce's, the login host itself, allowed by name, or, for a login on loopback, any
    port of loopback.
    """
    origin, login = _parse(url), _parse(login_url)
    if origin is None or login is None or (origin.scheme != "https" and not origin.loopback):
        return False
    if origin.loopback and login.loopback:
        return True
    return origin == login or origin.salesforce or origin.allowed_by(allowed_hosts)


def require_api_host(url: str, *, login_url: str, allowed_hosts: Collection[str] = ()) -> str:
    """Give the URL's origin without a trailing slash, if a token answer may name it as the org's.

    Raises HostNotAllowed if it may not: see `api_host_allowed`.
    """
    origin = _parse(url)
    if origin is not None and api_host_allowed(url, login_url=login_url, allowed_hosts=allowed_hosts):
        return str(origin)
    raise no_api_host(url)


def no_api_host(url: str) -> HostNotAllowed:
    """Say what is wrong with an address that a token answer names as the org's."""
    origin = _parse(url)
    if origin is None:
        wrong, remedy = "is not a web host", "Check the login URL, and look for a proxy that changes responses."
    elif origin.scheme != "https" and not origin.loopback:
        wrong = "is not https, so the token would travel in the clear"
        remedy = "Look for a proxy or gateway that changes addresses in answers; the org's own is https."
    elif origin.host.endswith(_SALESFORCE):
        wrong = f"names port {origin.port}, and Salesforce's own hosts are at port 443 alone"
        remedy = (
            "Look for a proxy or gateway that changes addresses in answers; if the address is right, allow it by name: "
            "allowed_hosts in orgsync.toml."
        )
    else:
        wrong = "is not a Salesforce host"
        remedy = "Check the login URL; if the host is right, allow it by name: allowed_hosts in orgsync.toml."
    where = "an address" if origin is None else str(origin) if origin.scheme == "http" else origin.authority
    return HostNotAllowed(f"The org's API is said to be at {where}, which {wrong}; no token was sent there.", remedy)


def redirect_target(url: str) -> tuple[str, Literal["http", "port", "page", "foreign"]]:
    """Name where a redirect leads that no org can be at, and what is wrong with it.

    `page` is one of Salesforce's for a person in a browser: a login page, Lightning. `http` and `port` are
    Salesforce's hosts, in the clear or at another port than 443.
    """
    origin = _parse(url)
    if origin is None:
        return "an address that is not a web host's", "foreign"
    pages = tuple(page for page, _ in _PAGES)
    if not origin.host.endswith((*_SALESFORCE, *pages)):
        return origin.authority, "foreign"
    if origin.scheme != "https":
        return str(origin), "http"
    return origin.authority, "page" if origin.port is None else "port"


def require_named_host(url: str, *, login_url: str, named: Collection[str], allowed_hosts: Collection[str] = ()) -> str:
    """Give the URL's origin without a trailing slash, if a token may be sent there.

    It may where the origin, its port included, is the login host, one of the origins `named` by the token's own
    answer, or allowed by name. Raises HostNotAllowed where it may not.
    """
    origin = _parse(url)
    known = origin is not None and origin in [_parse(each) for each in (login_url, *named)]
    if known or (origin is not None and origin.allowed_by(allowed_hosts)):
        return require_api_host(url, login_url=login_url, allowed_hosts=allowed_hosts)
    hosts = " and ".join(dict.fromkeys(host_of(each) for each in (*named, login_url)))
    raise HostNotAllowed(
        f"{origin or 'The address'} is not a host of this connection, whose token goes only to {hosts}; no token was "
        "sent there.",
        "Give the path alone, such as /services/data/; for another org name its connection (orgsync connections). If "
        "the org has moved, connect again.",
    )


def _login_origin(url: str) -> _Origin:
    text = url.strip()
    if "://" not in text:
        text = f"{'http' if is_loopback(f'http://{text}') else 'https'}://{text}"
    origin = _parse(text)
    if origin is None:
        if text.lower().startswith(("https://", "http://")):
            must = "hold no user name, and letters, digits, dots and dashes only; a port is a number up to 65535."
        else:
            must = "start with https://."
        raise HostNotAllowed(
            f"The login URL is not the address of a host: it must {must}",
            "Use one such as https://NAME.my.salesforce.com.",
        )
    if origin.scheme != "https" and not origin.loopback:
        raise HostNotAllowed(
            f"The login URL of {origin.authority} is not https, so secrets would travel in the clear.",
            "Use https.",
        )
    for page, login in _PAGES:
        if origin.host.endswith(page) and origin.port is None:
            return _Origin("https", origin.host.removesuffix(page) + login, None)
    return origin


@lru_cache(maxsize=1024)  # every request asks for the same few
def _parse(url: str) -> _Origin | None:
    """Give the URL's origin, or None for anything that two parsers could read as different hosts."""
    if not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _is_host(host):
        return None
    default = 443 if parts.scheme == "https" else 80
    return _Origin(parts.scheme, host, None if port == default else port)


def _is_host(host: str) -> bool:
    if ":" not in host:
        return _NAME.fullmatch(host) is not None
    try:
        return isinstance(ipaddress.ip_address(host), ipaddress.IPv6Address) and "%" not in host
    except ValueError:
        return False
