"""Shortening: an org looks as if it had no more rows than a recording is to hold."""

from .chains import Shortening
from .http import ShortHttp

__all__ = ["ShortHttp", "Shortening"]
