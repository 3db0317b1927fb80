"""Masked columns: the script sees the value, the database holds a keyed hash that rows still join by."""

import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from orgsync import Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg
from orgsync.engine import Job
from orgsync.errors import ArgumentInvalid
from orgsync.project import open_dry_run
from tests.extract.extracting import copied, reading, snapshotting
from tests.projects import SampleProject, credentials_for, executed, project_at


class Contact(Record, table=True):
    """A person whose address stays in the org."""

    last_name: str | None
    email: str | None = field(mask="hash", index=True)


class Lead(Record, table=True):
    """Somebody who may be the same person."""

    address: str | None = field("Email", mask="hash")


class Plain(Record, table=True):
    """The same table before it was masked."""

    __sobject__ = "Contact"
    __tablename__ = "contact"

    last_name: str | None
    email: str | None


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncIterator[SampleProject]:
    async with project_at(tmp_path, org) as opened:
        yield opened


async def hashes(project: SampleProject, connection: str = "acme", path: str = "Email") -> dict[str, str | None]:
    """Return what the copy has to hold."""
    key = await project.opened.store.connections.masking_key(connection)
    return {
        str(row["Id"]): hmac.new(key, str(row[path]).encode(), "sha256").hexdigest() if row[path] else None
        for row in project.org.rows("Contact")
    }


def on_disk(folder: Path) -> bytes:
    """Return all that the project's folder holds."""
    return b"".join(path.read_bytes() for path in (folder / ".orgsync").iterdir() if path.is_file())


@pytest.mark.parametrize("api", ["rest", "bulk"])
@pytest.mark.parametrize("kind", [reading, snapshotting])
async def test_only_the_hash_is_stored_and_nothing_else_on_the_disk_holds_the_value(
    tmp_path: Path, project: SampleProject, kind: Any, api: str
) -> None:
    await project.run(kind(Contact, api=api))
    wanted = await hashes(project)
    assert await copied(project, "contact", "email") == wanted
    assert len(set(wanted.values())) > 20
    stored = on_disk(tmp_path)
    emails = [str(row["Email"]).encode() for row in project.org.rows("Contact") if row["Email"]]
    assert emails
    assert not [email for email in emails if email in stored]


async def test_equal_values_of_two_tables_have_equal_hashes_on_one_connection_and_others_on_another(
    tmp_path: Path, project: SampleProject
) -> None:
    person = next(iter(project.org.rows("Contact")))
    lead = project.org.insert("Lead", LastName="x", Company="y", Email=person["Email"])
    await project.opened.connections.connect("beta", credentials_for(project.org))
    await project.run(reading(Contact))
    await executed(
        project.opened, sync(name="leads")(lambda ctx: ctx.changes(Lead)), "acme", clock=lambda: project.org.now
    )
    await executed(project.opened, reading(Contact), "beta", clock=lambda: project.org.now)
    rows = project.opened.store.rows
    [contact] = (await rows.get("contact", "acme", [str(person["Id"])])).values()
    assert contact["email"] == (await rows.get("lead", "acme", [lead]))[lead]["address"]
    [other] = (await rows.get("contact", "beta", [str(person["Id"])])).values()
    assert other["email"] != contact["email"]
    assert other["email"] == (await hashes(project, "beta"))[str(person["Id"])]


async def test_a_script_sees_the_value_and_what_it_drops_was_never_stored(
    tmp_path: Path, project: SampleProject
) -> None:
    chosen = next(str(row["Email"]) for row in project.org.rows("Contact") if row["Email"])

    @sync(name="reading")
    async def some(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Contact):
            yield batch.filter(lambda row: row.email == chosen)

    await project.run(some)
    [kept] = (await copied(project, "contact", "email")).values()
    assert kept in (await hashes(project)).values()
    assert chosen.encode() not in on_disk(tmp_path)


async def test_a_dry_run_shows_the_hash_that_a_run_would_store(project: SampleProject) -> None:
    with_sync = project.opened.with_syncs(reading(Contact))
    async with open_dry_run(with_sync, Job("sync", "reading", "acme")) as dry_run:
        shown = {change.id: change.fields.get("email", (None, None))[1] async for change in dry_run.changes}
    assert shown == await hashes(project)


async def test_a_mask_that_is_added_leaves_no_value_in_any_row_deleted_ones_too(project: SampleProject) -> None:
    await project.run(reading(Plain))
    for row in [*project.org.rows("Contact")][:3]:
        project.org.delete("Contact", str(row["Id"]))
    project.org.empty_recycle_bin("Contact")
    project.org.advance(hours=1)
    await project.run(reading(Plain), reconcile=True)
    before = await project.opened.store.rows.last_change()
    project.org.advance(hours=1)
    assert await project.interrupted(reading(Contact), 1)
    async with project.opened.store._backend.reading() as on:  # pyright: ignore[reportPrivateUsage] # deleted ones too
        rows = await on.rows.changes("contact", connection="acme", after=0, limit=100)
    assert not [row["email"] for row in rows if "@" in str(row["email"])]
    await project.run(reading(Contact))
    assert await copied(project, "contact", "email") == await hashes(project)
    changed = [key for key, _ in await project.feed("contact", before)]
    assert set(changed) == {key for key, value in (await hashes(project)).items() if value}
    project.org.advance(hours=1)
    assert (await project.run(reading(Contact))).updated == 0


async def test_a_mask_that_is_taken_away_brings_the_values_back(project: SampleProject) -> None:
    await project.run(reading(Contact))
    project.org.advance(hours=1)
    await project.run(reading(Plain))
    wanted = {str(row["Id"]): row["Email"] for row in project.org.rows("Contact")}
    assert await copied(project, "contact", "email") == wanted


class Person(Record, table=True):
    """What contacts are kept as."""

    __sobject__ = None

    mail: str | None


class Hidden(Record, table=True):
    """The same, masked."""

    __sobject__ = None
    __tablename__ = "person"

    mail: str | None = field(mask="hash")


def people(model: type[Any]) -> Sync[Any]:
    async def kept(ctx: Context) -> Batches[Any]:
        async for batch in ctx.changes(Plain):
            yield batch.map(lambda row: {"id": row.id, "mail": row.email}, model=model)

    given: Any = Batches
    kept.__annotations__["return"] = given[model]
    return sync(name="reading")(kept)


async def test_a_class_that_rows_are_made_into_masks_them_and_all_again_where_the_mask_is_new(
    project: SampleProject,
) -> None:
    await project.run(people(Person))
    project.org.advance(hours=1)
    await project.run(people(Hidden))
    assert await copied(project, "person", "mail") == await hashes(project)
    project.org.advance(hours=1)
    assert (await project.run(people(Hidden))).updated == 0


async def test_hashes_stay_when_the_vaults_key_is_exchanged_and_the_connection_is_renamed_or_signed_in_again(
    tmp_path: Path, org: DemoOrg
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    async with project_at(tmp_path, org, key=old) as project:
        await project.run(reading(Contact))
        before = await hashes(project)
    async with project_at(tmp_path, org, key=f"{new},{old}") as project:
        await project.opened.connections.connect("acme", credentials_for(org))
        await project.opened.connections.rename("acme", "beta")
        assert await hashes(project, "beta") == before
    async with project_at(tmp_path, org, key=new) as project:  # what was encrypted with the old key was so again
        org.advance(hours=1)
        outcome = await executed(project.opened, reading(Contact), "beta", clock=lambda: org.now)
        assert (outcome.problem, outcome.run.updated) == (None, 0)
        assert await copied(project, "contact", "email") == before


async def test_where_the_vaults_key_is_lost_all_rows_are_masked_anew(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org, key=Fernet.generate_key().decode()) as project:
        await project.run(reading(Contact))
        before = await hashes(project)
    async with project_at(tmp_path, org, key=Fernet.generate_key().decode()) as project:
        await project.opened.connections.connect("acme", credentials_for(org))
        org.advance(hours=1)
        await project.run(reading(Contact))
        after = await hashes(project)
        assert await copied(project, "contact", "email") == after
        assert not {each for each in after.values() if each} & set(before.values())


async def test_a_masked_value_is_not_written_back_and_the_rest_goes_where_the_connection_maps_it(
    project: SampleProject,
) -> None:
    await project.run(reading(Contact))
    [row_id, *_] = await project.live("contact")
    await project.opened.connections.map("acme", {Contact: {"last_name": "Title"}})
    async with project.opened.store.session() as session:
        row = await session.get(Contact, ("acme", row_id))
    assert row is not None
    org = await project.opened.open_org("acme")
    with pytest.raises(ArgumentInvalid, match=r"Contact\.email is masked: its hash would replace the value"):
        await org.write("Contact", [row], operation="update")
    with pytest.raises(ArgumentInvalid, match=r"Contact\.email is masked"):
        await org.write(Contact, [{"id": row_id, "email": row.email}], operation="update")
    for rows in ([Contact(id=row_id, last_name="one", email=None)], [{"id": row_id, "last_name": "other"}]):
        await org.write(Contact, rows, operation="update")
    [changed] = [each for each in project.org.rows("Contact") if each["Id"] == row_id]
    assert changed["Title"] == "other"
