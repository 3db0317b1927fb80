"""The page where a user allows or denies the app: the first half of the web server flow."""

import html
import secrets
from urllib.parse import urlencode

from .clock import Clock
from .oauth import Code, OAuth
from .refusal import OAuthRefusal
from .settings import Settings
from .unserved import unserved_response_type
from .wire import Call, Response, html_response

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Allow Access?</title>
<style>body {{ font-family: sans-serif; max-width: 32rem; margin: 4rem auto }}
button {{ padding: .5rem 1.5rem }}</style>
</head><body><h1>Allow Access?</h1>
<p>The demo org asks: may the app act for <b>{username}</b>?</p>
<form method="post" action="/services/oauth2/authorize">{fields}
<button name="decision" value="deny">Deny</button> <button name="decision" value="allow">Allow</button>
</form></body></html>
"""


def authorize(call: Call, settings: Settings, clock: Clock, oauth: OAuth) -> Response:
    """Show the page; with `decision=allow` or `decision=deny`, by form or in the URL, go back to the app."""
    form = call.form
    if form.get("client_id") != settings.client_id:
        raise OAuthRefusal("invalid_client_id", "client identifier invalid")
    redirect_uri = form.get("redirect_uri", "")
    if redirect_uri not in settings.callback_urls:
        error = "redirect_uri_mismatch" if redirect_uri else "redirect_uri_missing"
        raise OAuthRefusal(error, "redirect_uri must match configuration")
    response_type = form.get("response_type", "")
    unserved = unserved_response_type(response_type)
    if unserved is not None:
        return _back(form, **unserved.body())
    if response_type != "code":
        return _back(form, error="unsupported_response_type", error_description="response type not supported")
    if form.get("code_challenge_method", "S256") != "S256":
        return _back(form, error="invalid_request", error_description="invalid code challenge method")
    decision = form.get("decision")
    if decision is None:
        return _page(form, settings)
    if decision != "allow":
        return _back(form, error="access_denied", error_description="end-user denied authorization")
    code = f"aPrx{secrets.token_urlsafe(48)}"
    scope = form.get("scope") or settings.scope
    oauth.codes[code] = Code(redirect_uri, scope, form.get("code_challenge"), clock.now)
    return _back(form, code=code)


def _page(form: dict[str, str], settings: Settings) -> Response:
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in form.items()
    )
    return html_response(200, _PAGE.format(username=html.escape(settings.username), fields=fields))


def _back(form: dict[str, str], **response: str) -> Response:
    """Send the browser back to the app, with the state that it brought."""
    query = urlencode(response | ({"state": form["state"]} if "state" in form else {}))
    separator = "&" if "?" in form["redirect_uri"] else "?"
    return Response(302, headers=[("Location", f"{form['redirect_uri']}{separator}{query}")])
