"""One process of several that share a connection: says when it holds the token, then renews it when told to."""

import sys
from pathlib import Path

import anyio
import anyio.to_thread

from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.http.http import Http

from .vaults import FileVault


async def main() -> None:
    """Take the vault's path from the command line; answer on standard output."""
    async with Http() as http:
        session = Session(http, FileVault(Path(sys.argv[1])))
        access = await session.access()
        sys.stdout.write(f"{access.token}\n")
        sys.stdout.flush()
        await anyio.to_thread.run_sync(sys.stdin.readline)
        renewed = await session.renew(access)
        sys.stdout.write(f"{renewed.token}\n")


if __name__ == "__main__":
    anyio.run(main)
