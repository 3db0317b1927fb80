"""An independent SOQL parser (@jetstreamapp/soql-parser-js), in one node process for a whole module of tests."""

import json
import os
import shutil
import subprocess
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

__all__ = ["Grammar", "absent", "grammar"]

_SCRIPT = Path(__file__).parent / "parser" / "parse.js"
_PACKAGE = "node_modules/@jetstreamapp/soql-parser-js/package.json"


class Grammar:
    """Reads SOQL as the parser does."""

    def __init__(self, requests: IO[str], responses: IO[str]) -> None:
        self._requests = requests
        self._responses = responses

    def parse(self, soql: str) -> dict[str, Any]:
        """Return the parser's result: `query`, its tree, or `error`, why it refuses the text."""
        self._requests.write(json.dumps(soql) + "\n")
        self._requests.flush()
        result: dict[str, Any] = json.loads(self._responses.readline())
        return result

    def refused(self, texts: Iterable[str]) -> dict[str, str]:
        """Return the texts that the parser refuses, and why."""
        results = {soql: self.parse(soql) for soql in texts}
        return {soql: result["error"] for soql, result in results.items() if "error" in result}


def absent() -> str | None:
    """Return why the parser is missing; None if it is installed."""
    folder = os.environ.get("SOQL_PARSER_FOLDER")
    if not folder:
        return "SOQL_PARSER_FOLDER names no folder with @jetstreamapp/soql-parser-js (npm install tests/soql/parser)"
    if not shutil.which("node"):
        return "node is not here"
    return None if (Path(folder) / _PACKAGE).is_file() else f"{folder} does not hold @jetstreamapp/soql-parser-js"


@contextmanager
def grammar() -> Generator[Grammar]:
    """Start the parser, and end it."""
    with subprocess.Popen(
        ["node", str(_SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin
        assert process.stdout
        yield Grammar(process.stdin, process.stdout)
