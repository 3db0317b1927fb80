"""A first pass by orgsync: `first_pass FOLDER URL rest|bulk ROWS [DATABASE]`, into SQLite where no database is named.

orgsync chooses the way itself: REST where the server refuses Bulk jobs, and Bulk for 50,000 rows or more. So that a
smaller trial of the Bulk benchmark is one of Bulk, the number from which orgsync takes it is lowered to ROWS there.
"""

import sys
from datetime import datetime
from pathlib import Path

import anyio

from benchmarks.server import Server
from orgsync import Batches, Context, Record, Sync, sync
from orgsync.engine import Job
from orgsync.project import GivenScripts, open_project

from .connecting import connect_to, settings_in
from .telling import measured, tell


def wide() -> Sync[Record]:
    """Declare the class of 20 columns."""

    class Contact(Record, table=True):
        account_id: str | None
        first_name: str | None
        last_name: str | None
        name: str | None
        email: str | None
        phone: str | None
        mobile_phone: str | None
        title: str | None
        department: str | None
        mailing_street: str | None
        mailing_city: str | None
        mailing_postal_code: str | None
        mailing_country: str | None
        owner_id: str | None
        lead_source: str | None
        created_date: datetime | None
        last_modified_date: datetime | None

    @sync
    def contacts(ctx: Context) -> Batches[Contact]:
        return ctx.changes(Contact)

    return contacts


def narrow() -> Sync[Record]:
    """Declare the class of 12 columns."""

    class Contact(Record, table=True):
        account_id: str | None
        first_name: str | None
        last_name: str | None
        email: str | None
        phone: str | None
        title: str | None
        mailing_street: str | None
        mailing_city: str | None
        created_date: datetime | None

    @sync
    def contacts(ctx: Context) -> Batches[Contact]:
        return ctx.changes(Contact)

    return contacts


async def _main(folder: Path, url: str, kind: str, rows: int, database: str) -> None:
    server, settings = Server(url), settings_in(folder, database_url=database)
    if kind == "bulk":
        settings = settings_in(folder, database_url=database, bulk_from=min(rows, settings.bulk_from))
    contacts = {"rest": wide, "bulk": narrow}[kind]()
    async with open_project(settings) as project:
        name = await connect_to(url, project)
    server.calls()
    with measured() as span:
        async with open_project(settings, scripts=GivenScripts([contacts])) as project:
            outcome = await project.execute(Job("sync", contacts.name, name))
    if outcome.problem:
        raise outcome.problem
    tell(span, rows=outcome.run.added, calls=server.calls())


if __name__ == "__main__":
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), "".join(sys.argv[5:]))
