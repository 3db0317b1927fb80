"""Programs in JavaScript that others wrote, in a node process that answers a line of JSON with one."""

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

__all__ = ["NodeProgram", "node_program", "reason_to_skip"]


class NodeProgram:
    """A running program."""

    def __init__(self, requests: IO[str], responses: IO[str]) -> None:
        self._requests = requests
        self._responses = responses

    def answer(self, request: object) -> Any:
        """Send a line of JSON, and return the one that comes back."""
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        return json.loads(self._responses.readline())


@contextmanager
def node_program(script: Path, *arguments: str) -> Generator[NodeProgram]:
    """Start a program, and end it."""
    with subprocess.Popen(
        ["node", str(script), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin
        assert process.stdout
        yield NodeProgram(process.stdin, process.stdout)


def reason_to_skip(variable: str, package: str) -> str | None:
    """Return why a package of npm's is missing from the folder that a variable names; None where it is there."""
    folder = os.environ.get(variable)
    if not folder:
        return f"{variable} names no folder where npm has installed {package}"
    if not shutil.which("node"):
        return "node is not here"
    return None if (Path(folder, "node_modules", package, "package.json")).is_file() else f"{folder} lacks {package}"
