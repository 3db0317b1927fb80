"""Where browsers reach this server: customers' links, and the callback URL that the app in Salesforce knows."""

from fastapi import Request

from orgsync.project.return_url import public_url_of
from orgsync.settings import Settings

__all__ = ["CALLBACK_PATH", "callback_url", "public_base"]

CALLBACK_PATH = "/connect/callback"


def public_base(request: Request, settings: Settings) -> str:
    """Return the address of this server without a slash at its end: the setting `public_url`, or as it was called.

    Raises SettingInvalid where that is http and not this machine's loopback: Salesforce sends nobody back there.
    """
    return public_url_of(settings.public_url or str(request.base_url))


def callback_url(base: str) -> str:
    """Return where Salesforce sends customers back to; the app has to know exactly this URL."""
    return f"{base}{CALLBACK_PATH}"
