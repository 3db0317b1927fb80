"""An independent SOQL parser (@jetstreamapp/soql-parser-js), in one node process for a whole module of tests."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.node_programs import NodeProgram, node_program, reason_to_skip

__all__ = ["Grammar", "grammar", "with_grammar"]

_SCRIPT = Path(__file__).parent / "parser" / "parse.js"
_MISSING = reason_to_skip("SOQL_PARSER_FOLDER", "@jetstreamapp/soql-parser-js")

with_grammar = pytest.mark.skipif(_MISSING is not None, reason=_MISSING or "the parser is here")


class Grammar:
    """Reads SOQL as the parser does."""

    def __init__(self, program: NodeProgram) -> None:
        self._program = program

    def parse(self, soql: str) -> dict[str, Any]:
        """Return the parser's result: `query`, its tree, or `error`, why it refuses the text."""
        result: dict[str, Any] = self._program.answer(soql)
        return result

    def refused(self, texts: Iterable[str]) -> dict[str, str]:
        """Return the texts that the parser refuses, and why."""
        results = {soql: self.parse(soql) for soql in texts}
        return {soql: result["error"] for soql, result in results.items() if "error" in result}


@contextmanager
def grammar() -> Generator[Grammar]:
    """Start the parser, and end it."""
    with node_program(_SCRIPT) as program:
        yield Grammar(program)
