"""Columns of the script's own: never queried, stored as the script yields them."""

from pathlib import Path

from orgsync import Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg
from tests.extract.extracting import copied, reading, warnings
from tests.projects import project_at


class Contact(Record, table=True):
    last_name: str | None
    shout: str = field(local=True, index=True)


def shouting(mark: str) -> Sync[Record]:
    def shouted(contact: Contact) -> Contact:
        contact.shout = f"{contact.last_name}{mark}".upper()
        return contact

    @sync(name="reading")
    async def read(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Contact):
            yield batch.map(shouted)

    return read


async def test_a_local_column_holds_what_the_script_yields(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(shouting("!"))
        expected = {row["Id"]: f"{row['LastName']}!".upper() for row in org.rows("Contact")}
        assert await copied(project, "contact", "shout") == expected
        assert not any("shout" in str(request).lower() for request in org.requests)


async def test_another_value_of_a_local_column_is_a_change(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(shouting("!"))
        ran = await project.run(shouting("?"), full=True)
        assert ran.updated == len(org.rows("Contact"))
        ran = await project.run(shouting("?"), full=True)
        assert (ran.updated, ran.unchanged) == (0, len(org.rows("Contact")))


async def test_a_local_column_that_no_script_fills_is_null_without_a_warning(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        with warnings() as logged:
            await project.run(reading(Contact))
        assert set((await copied(project, "contact", "shout")).values()) == {None}
        assert logged == []


async def test_a_deleted_row_keeps_its_local_value(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(shouting("!"))
        row = org.rows("Contact")[0]
        key = str(row["Id"])
        org.delete("Contact", key)
        org.advance(minutes=30)
        await project.run(reading(Contact))
        found = await project.opened.store.rows.get("contact", "acme", [key])
        assert found[key]["is_deleted"]
        assert found[key]["shout"] == f"{row['LastName']}!".upper()
