"""One way in which Salesforce refuses a sign-in, and which refusals it explains."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Actor", "Refusal"]

Actor: TypeAlias = Literal["user", "admin", "developer", "nobody"]
"""Who must act: the one who signs in, the org's administrator, the owner of the app's settings, or nobody."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Explain one refusal: where it occurs, who must act, why it happened and what to do.

    `reason` is the reason in a word; without one, who must act says it. `retried` says whether trying again soon
    helps, where nobody must act. `part` is the part of the credentials that is refused, `missing` one that was not
    sent and is asked for, `secret_sent` whether a client secret was sent with them, where that matters.
    """

    error: str
    pattern: str
    actor: Actor
    cause: str
    remedy: str
    flow: str | None = None
    retried: bool = True
    reason: str = ""
    part: str = ""
    missing: str = ""
    secret_sent: bool | None = None

    @property
    def code(self) -> str:
        """The reason in a word, for programs and for other words to people."""
        return self.reason or {"developer": "app_settings", "nobody": "salesforce_busy"}.get(self.actor, "refused")

    def fits(self, error: str, description: str, flow: str | None, secret_sent: bool | None) -> bool:
        """Return whether this row explains an error with a lower-case description, of a request in this OAuth flow."""
        return (
            re.fullmatch(self.error, error) is not None
            and re.search(self.pattern, description) is not None
            and self.flow in (None, flow)
            and self.secret_sent in (None, secret_sent)
        )
