"""A process that keeps a table and an object in step, and dies at a place: SIGKILL, without a word of farewell.

`python -m tests.docs.two_way_process PLACE`: "sent" dies when the org has the first write and nothing is noted of it,
a number dies before so many statements.
"""

import os
import signal
import sys
from typing import Any, NoReturn

import anyio

import orgsync

from .two_way import at_statement, program


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


def main(place: str) -> None:
    shown = program()
    if place == "sent":
        write: Any = orgsync.Org.write

        async def last_write(*arguments: Any, **options: Any) -> NoReturn:
            await write(*arguments, **options)
            die()

        orgsync.Org.write = last_write  # type: ignore[method-assign]
    else:
        at_statement(shown, int(place), die)
    anyio.run(shown.keep_in_step, "shop.db", "acme")


if __name__ == "__main__":
    main(sys.argv[1])
