"""A process that holds a lock until its standard input ends, or it is killed."""

import asyncio
import sys
from pathlib import Path

from orgsync.store.sqlite.file_locks import Locks


async def main(folder: str, name: str) -> None:
    async with Locks(Path(folder)).hold(name, timeout=0):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
