"""A process that waits for a word, then makes one call on the connection acme: run by test_renewal.py."""

import sys
from pathlib import Path

import anyio

from orgsync.application import open_connection
from tests.projects import settings_for


async def main(folder: Path) -> None:
    """Make one call when a line comes in."""
    async with open_connection("acme", settings=settings_for(folder)) as org:
        print("ready", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        limits = await org.get("limits")
        print("called" if "DailyApiRequests" in limits else limits, flush=True)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]))
