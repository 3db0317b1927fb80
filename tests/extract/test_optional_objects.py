"""Objects that an org may lack: no rows and a warning, as long as there were none."""

from collections.abc import AsyncGenerator
from pathlib import Path
from types import new_class

import pytest

from orgsync import Record
from orgsync.demo_org import DemoOrg
from orgsync.errors import ObjectNotFound, RecordClassInvalid
from tests.projects import SampleProject, project_at

from .extracting import reading, snapshotting, warnings


class Invoice(Record, table=True):
    """Rows of an object that only some orgs have."""

    __sobject__ = "Invoice__c"
    __optional__ = True

    name: str | None
    account_name: str | None


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[SampleProject]:
    async with project_at(tmp_path, org) as project:
        yield project


@pytest.mark.parametrize("make", [reading, snapshotting])
async def test_an_object_that_is_absent_has_no_rows_until_it_is_there(
    project: SampleProject, org: DemoOrg, make: object
) -> None:
    read = reading(Invoice) if make is reading else snapshotting(Invoice)
    with warnings() as warned:
        run = await project.run(read)
    assert (run.status, run.added, len(warned)) == ("done", 0, 1)
    assert "There is nothing to read for Invoice: the org has no Invoice__c" in warned[0]
    org.add_object("Invoice__c", fields={"AccountName": "string"})
    made = org.insert("Invoice__c", Name="1")
    await project.run(read)
    assert (await project.live("invoice")).keys() == {made}
    org.hide_object("Invoice__c")
    org.advance(days=2)
    with pytest.raises(ObjectNotFound):
        await project.run(read)
    assert (await project.live("invoice")).keys() == {made}


async def test_a_class_that_does_not_say_so_ends_the_run(project: SampleProject) -> None:
    class Bill(Record, table=True):
        __sobject__ = "Invoice__c"
        name: str | None

    with pytest.raises(ObjectNotFound):
        await project.run(reading(Bill))


@pytest.mark.parametrize("said", ["yes", 1, None])
def test_optional_is_yes_or_no(said: object) -> None:
    with pytest.raises(RecordClassInvalid, match="__optional__"):
        new_class("Bill", (Record,), {"table": True}, lambda namespace: namespace.update({"__optional__": said}))


def test_data_that_is_not_salesforces_is_no_optional_object() -> None:
    with pytest.raises(RecordClassInvalid, match="__optional__ is True"):

        class Number(Record, table=True):  # pyright: ignore[reportUnusedClass]
            __sobject__ = None
            __optional__ = True
            value: int


def test_a_misspelt_optional_is_refused() -> None:
    with pytest.raises(RecordClassInvalid, match="Write __optional__"):

        class Bill(Record, table=True):  # pyright: ignore[reportUnusedClass]
            __optionall__ = True
            name: str | None
