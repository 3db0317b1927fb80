"""A process that stores a renewed refresh token, and says when that begins and when the token may be used."""

import os
import sys
from pathlib import Path

import anyio

from orgsync.errors import StoreUnavailable
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.scripts.stored import StoredVault
from orgsync.store import Store


async def main(folder: Path) -> None:
    """Store a renewed token in the database of this folder."""
    async with Store.open(f"sqlite:///{folder}/orgsync.db", folder=folder) as store:
        vault = StoredVault(store, "acme")
        renewed = Credentials(
            grant="refresh-token", login_url="https://x.my.salesforce.com", client_id="x", refresh_token="renewed"
        )
        os.write(2, b"RENEWED\n")
        try:
            await vault.save(renewed, renewed=await vault.load())
        except StoreUnavailable:
            os.write(2, b"REFUSED\n")
            return
        os.write(2, b"USED\n")


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]))
