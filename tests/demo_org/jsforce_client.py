"""jsforce, a client in JavaScript that is not ours, in a node process of its own."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.node_programs import NodeProgram, node_program, reason_to_skip

__all__ = ["JsforceClient", "jsforce_at", "with_jsforce"]

_SCRIPT = Path(__file__).parent / "jsforce" / "call.js"
_MISSING = reason_to_skip("JSFORCE_FOLDER", "jsforce")

with_jsforce = pytest.mark.skipif(_MISSING is not None, reason=_MISSING or "jsforce is here")


class JsforceClient:
    """A connection of jsforce's to an org, in one node process for all calls."""

    def __init__(self, program: NodeProgram) -> None:
        self._program = program

    def __call__(self, call: str, *arguments: object) -> Any:
        answer = self.answer(call, *arguments)
        assert "error" not in answer, answer
        return answer.get("value")

    def answer(self, call: str, *arguments: object) -> Any:
        return self._program.answer({"call": call, "arguments": arguments})


@contextmanager
def jsforce_at(url: str, token: str) -> Generator[JsforceClient]:
    """Let jsforce call the instance at a URL."""
    with node_program(_SCRIPT, url, token) as program:
        yield JsforceClient(program)
