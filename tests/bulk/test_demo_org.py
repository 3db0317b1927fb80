"""A query job from its making to its end, against the demo org."""

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import BulkRefused, FieldNotFound, ObjectNotFound
from orgsync.salesforce.bulk import Place, complete, create_job, delete_job, read_job, results

from ..api.clients import client_of

SOQL = "SELECT Id, LastName, Account.Name FROM Contact"


async def test_a_job_gives_every_row_once_from_any_place_and_can_be_deleted(org: DemoOrg) -> None:
    gone = str(org.rows("Contact")[0]["Id"])
    org.delete("Contact", gone)
    async with client_of(org) as client:
        made = await create_job(client, SOQL, deleted=True)
        job = await complete(client, made, stalled_after=600, report=lambda _: None)
        parts = [part async for part in results(client, job, rows=4, page=10)]
        places = [Place(), *(part.place for part in parts if part.place is not None)]
        tails = [[row async for part in results(client, job, start=at, page=10) for row in part.rows] for at in places]
        await delete_job(client, job)
        await delete_job(client, job)
        assert await read_job(client, job.id, job.api_version) is None
    found = [row for part in parts for row in part.rows]
    assert {part.header for part in parts} == {("Id", "LastName", "Account.Name")}
    assert job.processed == len(found) == 25
    assert sorted(row[0] for row in found) == sorted([gone, *(str(row["Id"]) for row in org.rows("Contact"))])
    assert all(found[len(found) - len(tail) :] == tail for tail in tails)
    assert [len(tail) for tail in tails] == [25, 21, 17, 15, 11, 7, 5, 1]


async def test_what_a_job_cannot_read_is_said_when_it_is_made(org: DemoOrg) -> None:
    async with client_of(org) as client:
        with pytest.raises(FieldNotFound):
            await create_job(client, "SELECT Emial FROM Contact", deleted=True)
        with pytest.raises(ObjectNotFound):
            await create_job(client, "SELECT Id FROM Contct", deleted=True)
        with pytest.raises(BulkRefused):
            await create_job(client, "SELECT MailingAddress FROM Contact", deleted=True)
