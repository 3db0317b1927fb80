"""A record class that has changed: the copy then holds what the class declares, without --full."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from orgsync import Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg
from orgsync.errors import FieldNotFound, ScriptProblem
from tests.extract.extracting import copied, reading, snapshotting, warnings
from tests.projects import project_at


@pytest.fixture
def frozen() -> Iterator[DemoOrg]:
    """An org whose clock only the test moves."""
    with DemoOrg(contacts=12, accounts=3, page_size=5, now=datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)) as org:
        yield org


def class_of(columns: dict[str, Any], **names: Any) -> type[Record]:
    """Make a record class of the table `contact`, of Contact unless `__sobject__` names another object."""
    types = {name: kind for name, (kind, _) in columns.items()}
    fields = {name: given for name, (_, given) in columns.items() if given is not None}
    body = {"__annotations__": types, "__module__": __name__, "__qualname__": "Contact", "__sobject__": "Contact"}
    made: type[Record] = cast("Any", type(Record))(
        "Contact", (Record,), body | fields | {"__tablename__": "contact"} | names, table=True
    )
    return made


LAST_NAME = {"last_name": (str | None, None)}


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"mail": (str | None, field("Email"))}, {"email": (str | None, None)}, {"email": "Email"}),
        (
            {"mail": (str | None, field("Email"))},
            {"mail": (str | None, field("Email")), "also": (str | None, field("Email"))},
            {"also": "Email"},
        ),
        (
            {"one": (str | None, field("Email")), "other": (str | None, field("Title"))},
            {"one": (str | None, field("Title")), "other": (str | None, field("Email"))},
            {"one": "Title", "other": "Email"},
        ),
    ],
    ids=["renamed", "added", "swapped"],
)
async def test_a_column_that_is_new_or_holds_another_field_is_filled(
    tmp_path: Path, frozen: DemoOrg, before: dict[str, Any], after: dict[str, Any], paths: dict[str, str]
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(class_of(LAST_NAME | before)))
        frozen.advance(hours=1)
        await project.run(reading(class_of(LAST_NAME | after)))
        for column, path in paths.items():
            wanted = {str(row["Id"]): row[path] for row in frozen.rows("Contact")}
            assert await copied(project, "contact", column) == wanted


@pytest.mark.sqlite_alone(reason="texts and instants are of one type there")
async def test_a_column_of_another_type_holds_that_types_notation_in_every_row(tmp_path: Path, frozen: DemoOrg) -> None:
    for row in frozen.rows("Contact"):
        frozen.update("Contact", str(row["Id"]), Birthdate=date(1990, 5, 1))
    frozen.advance(minutes=20)
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(class_of({"birthdate": (str | None, None)})))
        frozen.advance(hours=1)
        await project.run(reading(class_of({"birthdate": (datetime | None, None)})))
        assert set((await copied(project, "contact", "birthdate")).values()) == {"1990-05-01T00:00:00.000Z"}


@pytest.mark.parametrize("kind", [reading, snapshotting])
@pytest.mark.parametrize("broken_off", [False, True], ids=["finished", "broken off"])
async def test_a_class_that_names_another_object_holds_its_rows_alone(
    tmp_path: Path, frozen: DemoOrg, kind: Any, broken_off: bool
) -> None:
    contacts, leads = class_of(LAST_NAME), class_of(LAST_NAME, __sobject__="Lead")
    async with project_at(tmp_path, frozen) as project:
        if broken_off:
            assert await project.interrupted(kind(contacts), 2)
        else:
            await project.run(kind(contacts))
        frozen.advance(hours=1)
        assert (
            await project.outcome(kind(leads, **({"allow_mass_deletion": True} if kind is snapshotting else {})))
        ).problem is None
        assert set(await project.live("contact")) == {str(row["Id"]) for row in frozen.rows("Lead")}


async def test_a_field_that_is_no_longer_optional_has_to_be_there(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(class_of({"level": (str | None, field("Level__c", optional=True))})))
        frozen.advance(hours=1)
        outcome = await project.outcome(reading(class_of({"level": (str | None, field("Level__c"))})))
        assert isinstance(outcome.problem, FieldNotFound)


class Contact(Record, table=True):
    """What is read."""

    last_name: str | None
    email: str | None


def people(columns: dict[str, Any], *, annotated: bool = True) -> Sync[Record]:
    """Make a sync that keeps contacts as people with some columns."""
    body = {"__annotations__": columns, "__module__": __name__, "__qualname__": "Person", "__sobject__": None}
    person: type[Record] = cast("Any", type(Record))("Person", (Record,), body, table=True)

    def made(contact: Contact) -> dict[str, Any]:
        known = {"id": contact.id, "name": contact.last_name, "email": contact.email}
        return {name: known[name] for name in ("id", *columns)}

    async def kept(ctx: Context) -> Batches[Any]:
        async for batch in ctx.changes(Contact):
            yield batch.map(made, model=person)

    given: Any = Batches
    kept.__annotations__["return"] = given[person if annotated else Record]
    return sync(name="people")(kept)


async def test_a_class_that_rows_are_made_into_gains_a_column_and_every_row_has_its_value(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(people({"name": str | None}))
        frozen.advance(hours=1)
        wider = people({"name": str | None, "email": str | None})
        assert await project.interrupted(wider, 1)
        await project.run(wider)
        wanted = {str(row["Id"]): row["Email"] for row in frozen.rows("Contact")}
        assert await copied(project, "person", "email") == wanted
        frozen.advance(hours=1)
        assert (await project.run(wider)).updated == 0


async def test_an_unannounced_column_of_such_a_class_ends_the_run_until_everything_is_read_again(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(people({"name": str | None}, annotated=False))
        wider = people({"name": str | None, "email": str | None}, annotated=False)
        for _ in range(2):
            frozen.advance(hours=1)
            frozen.update("Contact", str(frozen.rows("Contact")[0]["Id"]), LastName="Changed")
            frozen.advance(hours=1)
            outcome = await project.outcome(wider)
            assert isinstance(outcome.problem, ScriptProblem)
            assert "Person has gained email" in outcome.problem.cause
        await project.run(wider, full=True)
        wanted = {str(row["Id"]): row["Email"] for row in frozen.rows("Contact")}
        assert await copied(project, "person", "email") == wanted


async def test_a_table_that_was_dropped_by_hand_is_read_again_with_a_warning(tmp_path: Path, frozen: DemoOrg) -> None:
    everyone = reading(class_of(LAST_NAME))
    async with project_at(tmp_path, frozen) as project:
        await project.run(everyone)
    execute(tmp_path, "DROP TABLE contact")
    frozen.advance(hours=1)
    async with project_at(tmp_path, frozen) as project:
        with warnings() as logged:
            await project.run(everyone)
        assert "The table contact is no longer in the database: everything is read again." in logged
        assert len(await project.live("contact")) == 12


def execute(folder: Path, statement: str) -> None:
    """Run a statement on the project's database, as a person would."""
    if url := os.environ.get("ORGSYNC_DATABASE_URL"):
        import psycopg

        with psycopg.connect(url) as connection:
            connection.execute(f"{statement} CASCADE".encode())  # the change feed is a view of it
        return
    [file] = folder.rglob("orgsync.db")
    with closing(sqlite3.connect(file)) as database:
        database.execute(statement)
        database.commit()
