"""Shortening: an org looks as if it had no more rows than a recording is to hold."""

from .chains import Shortening
from .transport import ShorteningTransport

__all__ = ["Shortening", "ShorteningTransport"]
