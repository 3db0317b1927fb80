"""Cassettes: HTTP as it was spoken once, kept as readable text without secrets, and spoken again."""

from .composing import compose_test, name_of_test
from .file import Cassette, RecordedConnection, read_cassette, write_cassette
from .recording import Recording, Source, project_connection
from .replaying import Replay, Replayed
from .scrubbing import Leak, leaks
from .stage import Ran, Stage, throw_away, without_waiting

__all__ = [
    "Cassette",
    "Leak",
    "Ran",
    "RecordedConnection",
    "Recording",
    "Replay",
    "Replayed",
    "Source",
    "Stage",
    "compose_test",
    "leaks",
    "name_of_test",
    "project_connection",
    "read_cassette",
    "throw_away",
    "without_waiting",
    "write_cassette",
]
