"""Where the parts of a sign-in come from: an option, a variable, the store, or a question to the person."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import typer

from orgsync.errors import CredentialsInvalid, FileUnusable
from orgsync.suggest import path_remedy

if TYPE_CHECKING:
    from orgsync.project import ConnectionRow, Credentials
    from orgsync.settings import Settings

__all__ = ["TYPED", "Flow", "Options", "Parts"]

TYPED = "what was typed"
"""The source of what nobody has given before."""

Flow: TypeAlias = Literal["browser", "refresh-token", "jwt", "client-credentials", "sfdx-url"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `orgsync connect`."""

    environment: str | None = None
    login_url: str | None = None
    flow: Flow | None = None
    client_id: str | None = None
    username: str | None = None
    private_key: Path | None = None
    audience: str | None = None
    sfdx_url_file: Path | None = None
    port: int | None = None
    tags: Sequence[str] = ()
    metadata: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a sign-in. Options win over variables, and these over what an earlier sign-in stored."""

    options: Options
    settings: "Settings"
    existing: "ConnectionRow | None" = None
    stored: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def flow(self) -> Flow:
        """Return how to sign in."""
        if self.options.flow:
            return self.options.flow
        if self.options.sfdx_url_file:
            return "sfdx-url"
        if self.existing is None:
            return "browser"
        if self.existing.grant == "jwt":
            return "jwt"
        if self.existing.grant == "client-credentials":
            return "client-credentials"
        return self._flow_again()

    def _flow_again(self) -> Flow:
        """Return how to renew a connection that has a refresh token: by a new one, the old one, or the browser."""
        if self.settings.refresh_token:
            return "refresh-token"
        if self.settings.sfdx_url:
            return "sfdx-url"
        refused = self.existing is not None and self.existing.status != "ready"
        usable = self._reusable("refresh_token") and not (refused and sys.stdin.isatty())
        return "refresh-token" if usable else "browser"

    def credentials(self, flow: Flow) -> "Credentials":
        """Return what the flow needs; raises CredentialsInvalid, which names what is missing."""
        from orgsync.project import Credentials, credentials_of_sfdx_url

        if flow == "sfdx-url":
            return credentials_of_sfdx_url(self._sfdx_url(), self.settings)
        app = Credentials(grant="refresh-token", login_url=self.login_url(), client_id=self.client_id())
        match flow:
            case "browser":
                return _with(app, client_secret=self._client_secret(), username=self.options.username)
            case "refresh-token":
                return _with(app, client_secret=self._client_secret(), refresh_token=self._refresh_token())
            case "client-credentials":
                return _with(app, grant=flow, client_secret=self._client_secret(required=True))
            case "jwt":
                key, username = self._private_key(), self._username()
                return _with(app, grant=flow, private_key=key, username=username, audience=self._audience())

    def source(self, part: str, flow: Flow) -> str:
        """Return where a part of the credentials comes from: an option, a variable, the store, or the person."""
        from orgsync.settings import PROJECT_FILE

        if flow == "sfdx-url":
            file = self.options.sfdx_url_file
            return f"the sfdx auth URL in {file or 'ORGSYNC_SFDX_URL'}" if file or self.settings.sfdx_url else TYPED
        if part == "client_id" and self.options.client_id:
            return "--client-id"
        if getattr(self.settings, part):
            variable = f"ORGSYNC_{part.upper()}"
            is_in_file = part == "client_id" and os.environ.get(variable) != self.settings.client_id
            return f"{part} in {PROJECT_FILE}" if is_in_file else variable
        if self.existing and (part == "client_id" or self._reusable(part)):
            return f"what an earlier sign-in has stored for {self.existing.name}"
        return TYPED

    def login_url(self) -> str:
        """Return the URL to sign in at."""
        from orgsync.project import login_url_of

        options = self.options
        if self.existing and not options.environment and not options.login_url:
            return self.existing.login_url
        return login_url_of(self.settings, options.environment, options.login_url)

    def client_id(self) -> str:
        """Return the app that signs in."""
        known = self.options.client_id or self.settings.client_id or (self.existing.client_id if self.existing else "")
        return known or self._prompted("Client id (the app's consumer key)", "--client-id or ORGSYNC_CLIENT_ID")

    def _client_secret(self, *, required: bool = False) -> str | None:
        given = self.settings.client_secret
        known = given.get_secret_value() if given else self._reusable("client_secret")
        if known:
            return known
        if required:
            return self._prompted("Client secret (the app's consumer secret)", "ORGSYNC_CLIENT_SECRET", hidden=True)
        if not sys.stdin.isatty() or self._reusable("refresh_token"):
            return None
        label = "Client secret (empty if the app asks for none)"
        return _ask(label, hidden=True, empty=True) or None

    def _refresh_token(self) -> str:
        given = self.settings.refresh_token
        known = given.get_secret_value() if given else self._reusable("refresh_token")
        return known or self._prompted("Refresh token", "ORGSYNC_REFRESH_TOKEN", hidden=True)

    def _sfdx_url(self) -> str:
        if self.options.sfdx_url_file:
            return _text_of(self.options.sfdx_url_file, "sfdx auth URL")
        given = self.settings.sfdx_url
        if given:
            return given.get_secret_value()
        return self._prompted("Sfdx auth URL", "ORGSYNC_SFDX_URL or --sfdx-url-file", hidden=True)

    def _private_key(self) -> str:
        path = self.options.private_key or self.settings.private_key
        if path:
            return _text_of(path, "private key")
        known = self._reusable("private_key")
        if known:
            return known
        place = self._prompted("Private key (a PEM file's path)", "--private-key or ORGSYNC_PRIVATE_KEY")
        return _text_of(Path(place), "private key")

    def _username(self) -> str:
        known = self.options.username or (self.existing.username if self.existing else "")
        return known or self._prompted("User name", "--username")

    def _audience(self) -> str | None:
        return self.options.audience or self.settings.jwt_audience or self._reusable("audience")

    def _reusable(self, name: str) -> str | None:
        """Return a stored secret, if it would be sent where it came from: by the same app to the same login host."""
        if self.existing is None:
            return None
        app = self.options.client_id or self.settings.client_id or self.existing.client_id
        same = app == self.existing.client_id and self.login_url() == self.existing.login_url
        return self.stored.get(name) if same else None

    def _prompted(self, label: str, source: str, *, hidden: bool = False) -> str:
        if not sys.stdin.isatty():
            what = label.partition(" (")[0]
            raise CredentialsInvalid(
                f"The sign-in lacks its {what[0].lower()}{what[1:]}, and there is no terminal to ask for it.",
                f"Give {source}.",
            )
        return _ask(label, hidden=hidden)


def _ask(label: str, *, hidden: bool, empty: bool = False) -> str:
    """Ask the person. The handler of `CtrlC` would hold Ctrl-C back until there is an answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        default = "" if empty else None
        answer: str = typer.prompt(label, default=default, show_default=False, hide_input=hidden, err=True)
    finally:
        signal.signal(signal.SIGINT, before)
    return answer.strip()


def _with(credentials: "Credentials", **parts: str | None) -> "Credentials":
    from dataclasses import replace
    from typing import Any, cast

    return replace(credentials, **cast("dict[str, Any]", parts))


def _text_of(path: Path, what: str) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise FileUnusable(
            f"The {what} cannot be read from {path}: {reason}.", path_remedy(path.expanduser())
        ) from None
