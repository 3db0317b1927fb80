"""Access tokens and refresh tokens: who they stand for, and until when."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from .clock import Clock
from .settings import Settings

MOST_APPROVALS = 5


@dataclass(slots=True)
class Session:
    """What an access token stands for."""

    token: str
    instance_url: str
    scope: str
    issued: datetime
    expires: datetime | None
    lifetime: float | None
    refresh_token: str | None


class Sessions:
    """The tokens in force."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._refresh_tokens: list[str] = [settings.refresh_token]
        self._replaced: dict[str, str] = {}

    def open(self, instance_url: str, scope: str, refresh_token: str | None) -> Session:
        """Return a new access token."""
        now, lifetime = self._clock.stamp, self._settings.token_lifetime
        token = f"{self._settings.org_id[:15]}!AQEAQ{secrets.token_urlsafe(64).replace('-', '.')}"
        expires = now + timedelta(seconds=lifetime) if lifetime is not None else None
        session = Session(token, instance_url, scope, now, expires, lifetime, refresh_token)
        self._sessions[token] = session
        return session

    def find(self, token: str) -> Session | None:
        """Return the session of a live access token."""
        session = self._sessions.get(token)
        if session is None or (session.expires is not None and session.expires <= self._clock.now):
            return None
        return session

    def used(self, session: Session) -> None:
        """Prolong a session that is used in the second half of its life."""
        if session.expires is None or session.lifetime is None:
            return
        if session.expires - self._clock.stamp < timedelta(seconds=session.lifetime / 2):
            session.expires = self._clock.stamp + timedelta(seconds=session.lifetime)

    def end_all(self) -> None:
        """End every access token."""
        self._sessions.clear()

    def approve(self) -> str:
        """Return a new refresh token; a sixth ends the oldest."""
        token = f"5Aep861{secrets.token_urlsafe(60)}"
        self._refresh_tokens.append(token)
        for oldest in self._refresh_tokens[:-MOST_APPROVALS]:
            self._end_refresh_token(oldest)
        return token

    def is_refresh_token(self, token: str) -> bool:
        """Return whether a refresh token is in force; using one that was replaced ends its successor too."""
        if token in self._refresh_tokens:
            return True
        while token in self._replaced:
            token = self._replaced[token]
        self._end_refresh_token(token)
        return False

    def rotate(self, token: str) -> str:
        """Replace a refresh token by a new one."""
        successor = f"5Aep861{secrets.token_urlsafe(60)}"
        self._refresh_tokens[self._refresh_tokens.index(token)] = successor
        self._replaced[token] = successor
        for session in self._sessions.values():
            if session.refresh_token == token:
                session.refresh_token = successor
        return successor

    def revoke(self, token: str) -> bool:
        """End a token of either kind; False where there is none."""
        if token in self._refresh_tokens:
            self._end_refresh_token(token)
            return True
        return self._sessions.pop(token, None) is not None

    def revoke_refresh_tokens(self) -> None:
        """End every refresh token and the access tokens derived from them."""
        for token in list(self._refresh_tokens):
            self._end_refresh_token(token)

    def _end_refresh_token(self, token: str) -> None:
        self._refresh_tokens = [other for other in self._refresh_tokens if other != token]
        self._sessions = {key: session for key, session in self._sessions.items() if session.refresh_token != token}
