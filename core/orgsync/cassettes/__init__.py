"""Cassettes: recorded HTTP, kept as readable text without secrets, and replayed."""

from .action_test import compose_action_test, name_of_action_test
from .cassette_file import read_cassette, write_cassette
from .interaction import Cassette, RecordedConnection
from .recording import RecordFrom, Recording, project_connection
from .replay import Replay, Replayed
from .scrubbing import Leak, leaks
from .test_template import compose_test, name_of_test
from .throwaway_project import Ran, Sandbox, throw_away, without_waiting

__all__ = [
    "Cassette",
    "Leak",
    "Ran",
    "RecordFrom",
    "RecordedConnection",
    "Recording",
    "Replay",
    "Replayed",
    "Sandbox",
    "compose_action_test",
    "compose_test",
    "leaks",
    "name_of_action_test",
    "name_of_test",
    "project_connection",
    "read_cassette",
    "throw_away",
    "without_waiting",
    "write_cassette",
]
