"""Webhooks out: whose addresses may be sent to, how a message is signed and sent, and who delivers the outbox."""

from typing import TYPE_CHECKING

from orgsync.lazy import importer

if TYPE_CHECKING:
    from .addresses import Allowed, checked_url
    from .deliverer import deliver, deliver_due
    from .sending import Attempt, send

_HOMES = {
    "Allowed": "addresses",
    "Attempt": "sending",
    "checked_url": "addresses",
    "deliver": "deliverer",
    "deliver_due": "deliverer",
    "send": "sending",
}

__all__ = ["Allowed", "Attempt", "checked_url", "deliver", "deliver_due", "send"]

__getattr__ = importer(__name__, _HOMES)
