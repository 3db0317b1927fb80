"""What a person's sign-in needs: the URL to sign in at, credentials from an sfdx URL, and the browser."""

from collections.abc import Callable, Collection, Sequence

from orgsync.engine import Resources
from orgsync.errors import ArgumentInvalid
from orgsync.salesforce.auth.browser_callback import CALLBACK_PORT, open_in_browser
from orgsync.salesforce.auth.browser_callback import sign_in_by_browser as browser_flow
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.grants import parse_sfdx_auth_url
from orgsync.salesforce.hosts import is_loopback, is_named, is_sandbox, login_url
from orgsync.settings import Settings
from orgsync.store import Environment

__all__ = [
    "Credentials",
    "checked_tags",
    "credentials_of_sfdx_url",
    "environment_of",
    "is_on_loopback",
    "login_url_of",
    "require_name",
    "sign_in_by_browser",
]


def login_url_of(settings: Settings, environment: str | None = None, url: str | None = None) -> str:
    """Return the URL to sign in at: that of a page of the org if one is given, else of production or the sandbox.

    A login URL may also stand in place of the environment's name. Raises HostNotAllowed for a host that is
    neither Salesforce's, nor on this machine, nor among the settings' `allowed_hosts`.
    """
    if environment not in (None, "production", "sandbox"):
        return login_url(None, environment, allowed_hosts=settings.allowed_hosts)
    return login_url("sandbox" if environment == "sandbox" else None, url, allowed_hosts=settings.allowed_hosts)


def is_on_loopback(login_url: str, *, but: Collection[str] = ()) -> bool:
    """Return whether a login URL leads to this machine, and to none of the hosts that are allowed by name."""
    return is_loopback(login_url) and not is_named(login_url, but)


def environment_of(login_url: str) -> Environment:
    """Return the kind of org that a login URL leads to; custom is one on this machine."""
    if is_loopback(login_url):
        return "custom"
    return "sandbox" if is_sandbox(login_url) else "production"


def require_name(name: str, *, kind: str = "connection") -> None:
    """Raise ArgumentInvalid for a name that would be hard to write in a shell or a URL."""
    if not _is_word(name):
        raise ArgumentInvalid(
            f"{name!r} is not a name for a {kind}.",
            "Use letters, digits, dots, dashes and underscores: acme-sandbox.",
        )


def checked_tags(tags: Sequence[str]) -> list[str]:
    """Return tags, each once, in their order.

    Raises ArgumentInvalid for one that would be hard to write in a shell, and for one text in place of a list, whose
    letters would be taken for tags.
    """
    if isinstance(tags, str):
        raise ArgumentInvalid(f"tags is the text {tags!r}, but it takes a list.", f"Pass tags=[{tags!r}].")
    for tag in tags:
        if not _is_word(tag, more=":"):
            raise ArgumentInvalid(
                f"{tag!r} is not a tag.", "Use letters, digits, dots, dashes, underscores and colons: eu, plan:gold."
            )
    return list(dict.fromkeys(tags))


def _is_word(text: str, *, more: str = "") -> bool:
    return text[:1].isalnum() and all(letter.isalnum() or letter in f"-_.{more}" for letter in text)


def credentials_of_sfdx_url(url: str, settings: Settings) -> Credentials:
    """Return the credentials that an sfdx auth URL holds; raises CredentialsInvalid for any other text."""
    return parse_sfdx_auth_url(url, allowed_hosts=settings.allowed_hosts)


async def sign_in_by_browser(
    project: Resources, app: Credentials, *, announce: Callable[[str], None], port: int | None = None
) -> Credentials:
    """Sign a person in with the browser of this machine; `announce` is called with the URL to open.

    The app must know the callback URL of the port, 8788 unless another is given.
    """
    return await browser_flow(
        project.http,
        app,
        announce=announce,
        open_url=open_in_browser,
        port=CALLBACK_PORT if port is None else port,
        allowed_hosts=project.settings.allowed_hosts,
    )
