"""Scrubbing, which replaces secrets, hosts, ids and personal data by stand-ins, and checking for what it missed."""

from .leaks import Leak, leaks
from .scrub import scrubbed
from .stand_ins import Kind, StandIns, comparable, is_stand_in

__all__ = ["Kind", "Leak", "StandIns", "comparable", "is_stand_in", "leaks", "scrubbed"]
