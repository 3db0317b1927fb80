"""What `orgsync record` leaves in a project: the cassette, and a test where there is none."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orgsync.printable import counted

from .output import json_line, result, say, short_path

if TYPE_CHECKING:
    from orgsync.cassettes import Cassette
    from orgsync.settings import Settings

__all__ = ["Recorded"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording of a sync or an action, by its `kind` and name, and the name of the test that replays it."""

    settings: "Settings"
    kind: str
    of: str
    test: str
    as_json: bool

    def write(self, cassette: "Cassette", text: str, *, untested: str) -> None:
        """Write the cassette, and a file with this test; `untested` says why there is none where the text is empty."""
        from orgsync.cassettes import leaks, write_cassette

        path = self.settings.project / "cassettes" / self.test / f"{self.test}.yaml"
        write_cassette(path, cassette)
        self._report(f"  wrote    {short_path(path)} ({counted(len(cassette.interactions), 'step')})")
        found = leaks(cassette.interactions, fields=self.settings.scrub)
        for leak in found[:5]:
            say(f"  check    step {leak.step}, {leak.where}: {leak.what}")
        test = self.settings.project / "tests" / f"{self.test}.py"
        state = self._write_test(test, text, untested)
        say(f"\nNext: pytest {short_path(test)}")
        if self.as_json:
            doubts = [{"step": each.step, "where": each.where, "what": each.what} for each in found]
            written = {"cassette": str(path), "steps": len(cassette.interactions), "test": str(test), "test_is": state}
            json_line({self.kind: self.of, **written, "leaks": doubts})

    def importable(self, module: str) -> str:
        """Return a script's module as a test imports it."""
        own = module.partition(".")[0] == "syncs"  # what discovery calls the project's folder of scripts
        return ".".join((*self.settings.syncs.parts, module.partition(".")[2])) if own else module

    def _write_test(self, path: Path, text: str, untested: str) -> str:
        """Write the test, and return what it is: written, missing, there already, or incomplete."""
        if not text:
            self._report(f"  no test  {untested}; let a {self.test} of yours run it")
            return "missing"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            self._report(f"  wrote    {short_path(path)}")
            return "written"
        existing = path.read_text(encoding="utf-8")
        if f"def {self.test}(" in existing:
            self._report(f"  exists   {short_path(path)}; its {self.test} replays the cassette")
            for line in _other_results(text, existing):
                self._report(f"  check    what that test expects; with this cassette: {line}")
            return "there already"
        body = text.partition("\n\n")[2]
        self._report(f"  exists   {short_path(path)}; to replay the cassette, add to it:\n\n{body}")
        return "incomplete"

    def _report(self, line: str) -> None:
        """Write a line for a person: to stderr, where a program reads stdout."""
        (say if self.as_json else result)(line)


def _other_results(text: str, existing: str) -> list[str]:
    """Return assertions of a new test that an existing one makes of another result."""
    asserted = [line.strip() for line in text.splitlines() if line.lstrip().startswith("assert ")]
    return [line for line in asserted if line not in existing and f"{line.partition(' == ')[0]} == " in existing]
