"""The command that a backup is refused with: pg_dump takes it as it is printed."""

from pathlib import Path
from urllib.parse import quote

import pytest
from anyio import run_process

from orgsync.errors import StoreUnavailable
from orgsync.store import Store, open_view
from tests.postgres_server import shared_server
from tests.store.contacts import contact, deliver
from tests.store.databases import PostgresDatabase
from tests.store.running import running


@pytest.mark.parametrize("schema", ["public", "Project A", 'it\'s "5*" $HOME', "x.y"])
async def test_the_printed_command_backs_up_the_schema_whatever_its_name(
    database: PostgresDatabase, tmp_path: Path, schema: str
) -> None:
    named = '"' + schema.replace('"', '""') + '"'
    database.execute(f"CREATE SCHEMA IF NOT EXISTS {named}")
    given = named.replace(" ", "\\ ")  # libpq parts options by spaces
    url = f"{database.url}&options={quote(f'-csearch_path={given}', safe='')}&password=s3cret"
    async with Store.open(url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
    with open_view(url, folder=tmp_path) as view, pytest.raises(StoreUnavailable) as refused:
        view.back_up(tmp_path / "copy", lambda _done, _total: None)
    assert "s3cret" not in str(refused.value)
    assert "Give pg_dump the URL's password in PGPASSWORD or ~/.pgpass." in refused.value.remedy
    command = refused.value.remedy.partition("tools: ")[2].partition("; pg_restore")[0]
    programs = shared_server().programs
    await run_process(["bash", "-c", f"{programs}/{command.replace('FILE', str(tmp_path / 'dump'))}"])
    listed = await run_process([str(programs / "pg_restore"), "--list", str(tmp_path / "dump")])
    assert f"TABLE DATA {schema} contact " in listed.stdout.decode()
