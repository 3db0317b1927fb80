"""jsforce, a client in JavaScript that is not ours, in a node process of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["JsforceClient", "absent", "jsforce_at"]

SCRIPT = Path(__file__).parent / "jsforce" / "call.js"


def absent() -> str | None:
    """Say why jsforce is not here; None where it is."""
    folder = os.environ.get("JSFORCE_FOLDER")
    if not folder:
        return "JSFORCE_FOLDER names no folder with jsforce (npm install tests/demo_org/jsforce)"
    if not shutil.which("node"):
        return "node is not here"
    there = (Path(folder) / "node_modules" / "jsforce" / "package.json").is_file()
    return None if there else f"{folder} does not hold jsforce"


class JsforceClient:
    """A connection of jsforce's to an org, in one node process for all calls."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self, call: str, *arguments: object) -> Any:
        answer = self.answer(call, *arguments)
        assert "error" not in answer, answer
        return answer.get("value")

    def answer(self, call: str, *arguments: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"call": call, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def jsforce_at(url: str, token: str) -> Generator[JsforceClient]:
    """Let jsforce call the instance at a URL."""
    command = ["node", str(SCRIPT), url, token]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        yield JsforceClient(process)
