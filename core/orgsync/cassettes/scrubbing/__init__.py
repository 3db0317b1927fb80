"""Scrubbing: secrets, hosts, ids and personal data get stand-ins; checking: what slipped through is found."""

from .leaks import Leak, leaks
from .scrub import scrubbed
from .stand_ins import Kind, StandIns, comparable, is_stand_in

__all__ = ["Kind", "Leak", "StandIns", "comparable", "is_stand_in", "leaks", "scrubbed"]
