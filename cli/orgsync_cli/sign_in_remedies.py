"""What to do about a sign-in that failed: where a refused part came from, and the command as it was given."""

import shlex
from dataclasses import replace

from orgsync.errors import OrgsyncError, SignInNeeded

from .sign_in_options import TYPED, Flow, Options, Parts

__all__ = ["remedy_of"]

_AGAIN = "Sign in again: "
_NAMES = {"client_secret": "client secret", "refresh_token": "refresh token", "client_id": "client id"}


def remedy_of(error: OrgsyncError, parts: Parts, flow: Flow, name: str) -> str:
    """Return the remedy of an error of signing in, with the options that were given in the commands that it names."""
    error.name_connection(name)
    bare, again = f"orgsync connect {name}", _command(name, parts.options)
    elsewhere = _command(name, _with_stored(parts), has_login_url=False)
    refused = error.part if isinstance(error, SignInNeeded) else ""
    remedy = error.remedy
    if refused and flow == "sfdx-url":
        remedy = f"Copy the URL again, as `sf org auth show-sfdx-auth-url` shows it, then: {bare}."
    elif refused == "refresh_token":  # the same command would send it again
        by_browser = f"{_command(name, parts.options, has_flow=False)} --flow browser"
        another = f"Give another refresh token in ORGSYNC_REFRESH_TOKEN, or sign in with the browser: {by_browser}."
        return f"{_came_from(parts, refused, flow)} {remedy.replace(f'{_AGAIN}{bare}.', another)}"
    elif refused == "client_secret" and parts.source(refused, flow) == TYPED:  # the same command asks for it again
        remedy = remedy.replace("Set ORGSYNC_CLIENT_SECRET to", "Type").replace(
            "then sign in again", "as you sign in again"
        )
    remedy = remedy.replace(f"{bare} --login-url", f"{elsewhere} --login-url").replace(f"{bare}.", f"{again}.")
    return f"{_came_from(parts, refused, flow)} {remedy}" if refused else remedy


def _came_from(parts: Parts, part: str, flow: Flow) -> str:
    return f"The {_NAMES[part]} came from {parts.source(part, flow)}."


def _with_stored(parts: Parts) -> Options:
    """Return the options with the stored flow and client id, where neither an option nor a variable gives others."""
    existing, options = parts.existing, parts.options
    if existing is None:
        return options
    stored: dict[str, Flow] = {"jwt": "jwt", "client-credentials": "client-credentials"}
    client_id = options.client_id or (None if parts.settings.client_id else existing.client_id)
    return replace(options, flow=options.flow or stored.get(existing.grant), client_id=client_id)


def _command(name: str, options: Options, *, has_flow: bool = True, has_login_url: bool = True) -> str:
    """Return the command that signs a connection in, with the options that were given."""
    given = {
        "--environment": options.environment if has_login_url else None,
        "--login-url": options.login_url if has_login_url else None,
        "--flow": options.flow if has_flow else None,
        "--client-id": options.client_id,
        "--username": options.username,
        "--private-key": options.private_key,
        "--audience": options.audience,
        "--sfdx-url-file": options.sfdx_url_file if has_flow else None,
        "--port": options.port,
        "--metadata": options.metadata,
    }
    words = [word for option, value in given.items() if value is not None for word in (option, str(value))]
    words += [word for tag in options.tags for word in ("--tag", tag)]
    return shlex.join(["orgsync", "connect", name, *words])
