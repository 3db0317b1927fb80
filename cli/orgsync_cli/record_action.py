"""`orgsync record` of an action: run it once, and keep the HTTP exchange and a first test."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import amount, json_line, result, say, short_path
from .signals import Interruption

if TYPE_CHECKING:
    from orgsync import Action
    from orgsync.cassettes import Cassette
    from orgsync.settings import Settings

__all__ = ["RecordedAction"]

_STOPPING = "Stopping; what was sent may be carried out. Once more to stop at once."


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
        with (
            anyio.CancelScope() as scope,
            Interruption(scope, stopping=_STOPPING) as interruption,
            tempfile.TemporaryDirectory() as folder,
        ):
            recording = Recording(RecordFrom(self.settings, self.connection), Path(folder))
            with recording.capturing():
                await recording.sandbox.do(self.action, self.arguments)
            cassette, arguments = recording.cassette(), recording.arguments(self.arguments)
            self._write(cassette, arguments, await self._replayed(cassette, arguments))
        if interruption.code:
            say("Interrupted; nothing was written, but what was sent may have been carried out.")
        return interruption.code

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
        from orgsync.cassettes import leaks, name_of_action_test, write_cassette

        name = name_of_action_test(self.action)
        path = self.settings.project / "cassettes" / name / f"{name}.yaml"
        write_cassette(path, cassette)
        self._report(f"  wrote    {short_path(path)} ({amount(len(cassette.interactions), 'step')})")
        found = leaks(cassette.interactions, fields=self.settings.scrub)
        for leak in found[:5]:
            say(f"  check    step {leak.step}, {leak.where}: {leak.what}")
        test = self.settings.project / "tests" / f"{name}.py"
        state = self._write_test(test, name, arguments, document)
        say(f"\nNext: pytest {short_path(test)}")
        if self.as_json:
            doubts = [{"step": each.step, "where": each.where, "what": each.what} for each in found]
            written = {"cassette": str(path), "steps": len(cassette.interactions), "test": str(test), "test_is": state}
            json_line({"action": self.action.name, **written, "leaks": doubts})

    def _write_test(self, path: Path, name: str, arguments: Mapping[str, Any], document: object) -> str:
        """Write the test, and return what it is: written, missing, there already, or incomplete."""
        from orgsync.cassettes import compose_action_test

        text = compose_action_test(self.action, self._importable, arguments, document)
        if not text:
            self._report(f"  no test  no module has a name for {self.action.name}; let a {name} of yours run it")
            return "missing"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            self._report(f"  wrote    {short_path(path)}")
            return "written"
        if f"def {name}(" in path.read_text(encoding="utf-8"):
            self._report(f"  exists   {short_path(path)}; its {name} replays the cassette")
            return "there already"
        body = text.partition("\n\n")[2]
        self._report(f"  exists   {short_path(path)}; to replay the cassette, add to it:\n\n{body}")
        return "incomplete"

    def _report(self, line: str) -> None:
        (say if self.as_json else result)(line)

    def _importable(self, module: str) -> str:
        own = module.partition(".")[0] == "syncs"  # what discovery calls the project's folder of scripts
        return ".".join((*self.settings.syncs.parts, module.partition(".")[2])) if own else module
