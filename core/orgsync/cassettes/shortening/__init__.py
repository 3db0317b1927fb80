"""Shortening: an org seems to have no more rows than a recording is to hold."""

from .chains import Shortening
from .transport import ShorteningTransport

__all__ = ["Shortening", "ShorteningTransport"]
