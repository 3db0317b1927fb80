"""The OAuth endpoints: token, introspect, revoke, and who a token's user is."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .assertion import check_assertion
from .clock import Clock, identity_datetime
from .refusal import OAuthRefusal, Refusal
from .sessions import Session, Sessions
from .settings import Settings
from .unserved import unserved_grant
from .wire import Call, Response, json_response

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CODE_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that has not been exchanged."""

    redirect_uri: str
    scope: str
    challenge: str | None
    issued: datetime


@dataclass(slots=True)
class Hosts:
    """Where the org is reached: to sign in, and for everything else."""

    login_url: str = ""
    instance_url: str = ""


class OAuth:
    """Answers the OAuth endpoints but the page of `authorize`."""

    def __init__(self, settings: Settings, clock: Clock, hosts: Hosts, sessions: Sessions) -> None:
        self._settings = settings
        self._clock = clock
        self._hosts = hosts
        self._sessions = sessions
        self.codes: dict[str, Code] = {}
        self._grants: dict[str, Callable[[Call], Response]] = {
            "authorization_code": self._exchange_code,
            "refresh_token": self._refresh,
            JWT_BEARER: self._jwt_bearer,
            "client_credentials": self._client_credentials,
        }

    def token(self, call: Call) -> Response:
        """Serve the token endpoint."""
        if call.method != "POST":
            raise OAuthRefusal("invalid_request", "must use HTTP POST")
        name = call.form.get("grant_type", "")
        grant = self._grants.get(name)
        if grant is None:
            raise unserved_grant(name) or OAuthRefusal("unsupported_grant_type", "grant type not supported")
        return grant(call)

    def introspect(self, call: Call) -> Response:
        """Return the token response."""
        self._require_client(call, secret_needed=True)
        session = self._sessions.find(call.form.get("token", ""))
        if session is None or not self._settings.introspection_allowed:
            return json_response({"active": False})
        issued = int(session.issued.timestamp())
        expires = session.expires or self._clock.stamp + timedelta(days=1)
        return json_response(
            {
                "active": True, "scope": session.scope, "client_id": self._settings.client_id,
                "username": self._settings.username, "sub": self._identity_url(), "token_type": "access_token",
                "exp": int(expires.timestamp()), "iat": issued, "nbf": issued,
            }
        )  # fmt: skip

    def revoke(self, call: Call) -> Response:
        """End a token; ending a refresh token ends its access tokens."""
        token = call.form.get("token", "")
        if not self._sessions.revoke(token):
            raise OAuthRefusal("invalid_token", "invalid token")
        return Response(200)

    def userinfo(self, call: Call) -> Response:
        """Return who the token's user is, in OpenID's words."""
        self._require_session(call)
        now = identity_datetime(self._clock.stamp)
        settings, urls = self._settings, self._urls()
        return json_response(
            {
                "sub": self._identity_url(), "user_id": settings.user_id, "organization_id": settings.org_id,
                "preferred_username": settings.username, "nickname": "ada", "name": "Ada Admin",
                "email": settings.username, "email_verified": True, "given_name": "Ada", "family_name": "Admin",
                "zoneinfo": "GMT", "photos": {}, "profile": f"{self._hosts.instance_url}/{settings.user_id}",
                "picture": "", "address": {}, "urls": urls, "active": True, "user_type": "STANDARD",
                "language": "en_US", "locale": "en_US", "utcOffset": 0, "updated_at": now,
            }
        )  # fmt: skip

    def identity(self, call: Call) -> Response:
        """Serve the identity URL."""
        self._require_session(call)
        settings = self._settings
        if call.path.rstrip("/") != f"/id/{settings.org_id}/{settings.user_id}":
            raise OAuthRefusal("Bad_Id", "Bad_Id", 404)
        return json_response(
            {
                "id": self._identity_url(), "asserted_user": True, "user_id": settings.user_id,
                "organization_id": settings.org_id, "username": settings.username, "nick_name": "ada",
                "display_name": "Ada Admin", "email": settings.username, "email_verified": True,
                "first_name": "Ada", "last_name": "Admin", "timezone": "GMT", "photos": {}, "addr_street": None,
                "addr_city": None, "addr_state": None, "addr_country": None, "addr_zip": None,
                "mobile_phone": None, "mobile_phone_verified": False, "is_lightning_login_user": False,
                "status": {"created_date": None, "body": None}, "urls": self._urls(), "active": True,
                "user_type": "STANDARD", "language": "en_US", "locale": "en_US", "utcOffset": 0,
                "last_modified_date": identity_datetime(self._clock.stamp), "is_app_installed": True,
            }
        )  # fmt: skip

    def session(self, call: Call) -> Session:
        """Return the session of a call to the data API.

        Raises:
            Refusal: 401 INVALID_SESSION_ID.
        """
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        session = self._sessions.find(token.strip()) if scheme.lower() in {"bearer", "oauth"} else None
        if session is None or not session.instance_url.endswith(f":{call.port}"):
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if not {"api", "full"} & set(session.scope.split()):
            raise Refusal(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
        self._sessions.used(session)
        return session

    def _require_session(self, call: Call) -> None:
        _, _, token = call.headers.get("authorization", "").partition(" ")
        if self._sessions.find(token.strip() or call.form.get("access_token", "")) is None:
            raise OAuthRefusal("Bad_OAuth_Token", "Bad_OAuth_Token", 403)

    def _require_client(self, call: Call, *, secret_needed: bool) -> None:
        form = call.form
        client_id, secret = form.get("client_id"), form.get("client_secret")
        scheme, _, basic = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            with_colon = _from_base64(basic)
            client_id, _, secret = with_colon.partition(":")
        if client_id != self._settings.client_id:
            raise OAuthRefusal("invalid_client_id", "client identifier invalid")
        if (secret is None and secret_needed) or (secret is not None and secret != self._settings.client_secret):
            raise OAuthRefusal("invalid_client", "invalid client credentials")

    def _exchange_code(self, call: Call) -> Response:
        form = call.form
        self._require_client(call, secret_needed=True)
        code = self.codes.pop(form.get("code", ""), None)
        if code is None:
            raise OAuthRefusal("invalid_grant", "invalid authorization code")
        if self._clock.now - code.issued > CODE_LIFETIME:
            raise OAuthRefusal("invalid_grant", "expired authorization code")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthRefusal("redirect_uri_mismatch", "redirect_uri must match configuration")
        if code.challenge is not None and pkce_challenge(form.get("code_verifier", "")) != code.challenge:
            raise OAuthRefusal("invalid_grant", "invalid code verifier")
        keeps = bool({"refresh_token", "offline_access"} & set(code.scope.split()))
        refresh_token = self._sessions.approve() if keeps else None
        return self._granted(code.scope, refresh_token, shown=refresh_token)

    def _refresh(self, call: Call) -> Response:
        self._require_client(call, secret_needed=True)
        token = call.form.get("refresh_token", "")
        if not self._sessions.is_refresh_token(token):
            raise OAuthRefusal("invalid_grant", "expired access/refresh token")
        if not self._settings.rotate_refresh_tokens:
            return self._granted(self._settings.scope, token)
        successor = self._sessions.rotate(token)
        return self._granted(self._settings.scope, successor, shown=successor)

    def _jwt_bearer(self, call: Call) -> Response:
        audiences = [self._hosts.login_url, self._hosts.instance_url]
        check_assertion(call.form.get("assertion", ""), self._settings, audiences)
        return self._granted("api", None)

    def _client_credentials(self, call: Call) -> Response:
        self._require_client(call, secret_needed=True)
        return self._granted("api", None)

    def _granted(self, scope: str, refresh_token: str | None, *, shown: str | None = None) -> Response:
        session = self._sessions.open(self._hosts.instance_url, scope, refresh_token)
        identity, issued_at = self._identity_url(), str(int(session.issued.timestamp() * 1000))
        signed = hmac.digest(self._settings.client_secret.encode(), f"{identity}{issued_at}".encode(), hashlib.sha256)
        response: dict[str, str] = {"access_token": session.token}
        if shown is not None:
            response["refresh_token"] = shown
        return json_response(
            response
            | {
                "signature": base64.b64encode(signed).decode(), "scope": scope,
                "instance_url": session.instance_url, "id": identity, "token_type": "Bearer",
                "issued_at": issued_at,
            }
        )  # fmt: skip

    def _identity_url(self) -> str:
        return f"{self._hosts.login_url}/id/{self._settings.org_id}/{self._settings.user_id}"

    def _urls(self) -> dict[str, str]:
        base, org = self._hosts.instance_url, self._settings.org_id[:15]
        data = f"{base}/services/data/v{{version}}"
        return {
            "enterprise": f"{base}/services/Soap/c/{{version}}/{org}", "rest": f"{data}/",
            "partner": f"{base}/services/Soap/u/{{version}}/{org}", "sobjects": f"{data}/sobjects/",
            "query": f"{data}/query/", "recent": f"{data}/recent/", "profile": f"{base}/{self._settings.user_id}",
        }  # fmt: skip


def pkce_challenge(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthRefusal("invalid_basic_auth_header", "invalid Basic authorization header") from None
