"""`orgsync record` of an action: run it once, and keep the HTTP exchange and a first test."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .interruptions import RECORDING_ACTION
from .output import say
from .recorded import Recorded
from .signals import Interruption

if TYPE_CHECKING:
    from orgsync import Action
    from orgsync.cassettes import Cassette
    from orgsync.settings import Settings

__all__ = ["RecordedAction"]


@dataclass(frozen=True, slots=True)
class RecordedAction:
    """An action that is recorded on a connection, with what it is given."""

    settings: "Settings"
    action: "Action[..., Any]"
    arguments: Mapping[str, Any]
    connection: str
    as_json: bool

    async def record(self) -> int:
        """Run the action, write its cassette and a test, and return the exit code."""
        import anyio

        from orgsync.cassettes import RecordFrom, Recording

        self.action.bound(self.arguments)
        recorded: tuple[Cassette, Mapping[str, Any], object] | None = None
        with (
            anyio.CancelScope() as scope,
            Interruption(scope, lambda: RECORDING_ACTION) as interruption,
            tempfile.TemporaryDirectory() as folder,
        ):
            recording = Recording(RecordFrom(self.settings, self.connection), Path(folder))
            with recording.capturing():
                await recording.sandbox.do(self.action, self.arguments)
            cassette, arguments = recording.cassette(), recording.arguments(self.arguments)
            recorded = cassette, arguments, await self._replayed(cassette, arguments)
        if recorded is None or interruption.code:
            say(f"Interrupted; {RECORDING_ACTION.kept}")
            return interruption.code
        self._write(*recorded)
        return 0

    async def _replayed(self, cassette: "Cassette", arguments: Mapping[str, Any]) -> object:
        """Replay the cassette, and return the result as JSON: one that cannot be replayed is not written."""
        from orgsync.cassettes import Replay, Replayed, without_waiting

        with tempfile.TemporaryDirectory() as folder, without_waiting():
            replay = Replay(cassette, "What was recorded", Path(folder), self.settings, Replayed())
            with replay.playing():
                value = await replay.sandbox.do(self.action, arguments)
            replay.player.require_played()
        return self.action.types.returned(value)[1]

    def _write(self, cassette: "Cassette", arguments: Mapping[str, Any], document: object) -> None:
        from orgsync.cassettes import compose_action_test, name_of_action_test

        name, test = self.action.name, name_of_action_test(self.action)
        recorded = Recorded(self.settings, "action", name, test, self.as_json)
        text = compose_action_test(self.action, recorded.importable, arguments, document)
        recorded.write(cassette, text, untested=f"no module has a name for {name}")
