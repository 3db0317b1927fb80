"""The log of deliveries, as structlog events: each trouble once, and its end. A URL is not logged: it may be secret."""

import structlog

from orgsync.errors import OrgsyncError
from orgsync.logs import get_logger

__all__ = ["DeliveryLog"]


class DeliveryLog:
    """Reports what goes wrong with an endpoint once, and again only after it has worked meanwhile."""

    def __init__(self) -> None:
        self._log: structlog.stdlib.BoundLogger = get_logger("orgsync.webhooks")
        self._failing: set[str] = set()
        self._reported: dict[str, str] = {}

    def failed(self, webhook: str, problem: str) -> None:
        """Report an attempt that failed."""
        if webhook not in self._failing:
            self._failing.add(webhook)
            self._log.warning("webhook fails", webhook=webhook, error=problem)

    def works(self, webhook: str) -> None:
        """Report that an endpoint works; "" is the delivery itself."""
        was_reported = self._reported.pop(webhook, None)
        if webhook in self._failing or was_reported:
            self._failing.discard(webhook)
            self._log.info("webhook works again" if webhook else "webhooks work again", webhook=webhook)

    def switched_off(self, webhook: str, reason: str) -> None:
        """Report that an endpoint gets nothing more."""
        self._failing.discard(webhook)
        self._log.warning("webhook switched off", webhook=webhook, error=reason)

    def problem(self, webhook: str, problem: OrgsyncError) -> None:
        """Report what keeps messages from being sent at all."""
        text = str(problem)
        if self._reported.get(webhook) != text:
            self._reported[webhook] = text
            self._log.warning("webhooks not delivered", webhook=webhook, error=text, error_code=problem.code)
