"""A cassette holds all that happens on the wire, and a replay of it finds whatever is no longer so."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from orgsync import Batches, Context, Record, field, sync
from orgsync.cassettes import Cassette, Replayed, read_cassette, write_cassette
from orgsync.cassettes.step_names import step_name
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import CassetteInvalid, NotRecorded
from orgsync_syncs.contacts import contacts
from tests.conftest import BEGAN
from tests.projects import settings_for

from .recorded import recorded, replayed


def break_things(org: DemoOrg) -> None:
    org.add_fault(Fault.status(503), match="queryAll")


def delete_one_and_expire(org: DemoOrg) -> None:
    org.advance(minutes=20)
    org.delete("Contact", str(org.rows("Contact")[3]["Id"]))
    org.expire_tokens()


@pytest.fixture
async def eventful(tmp_path: Path) -> Cassette:
    """Two runs with a 503 and its retry, a 401 and its renewal, two pages, and a deleted row."""
    with DemoOrg(contacts=30, accounts=5, page_size=20, now=BEGAN) as org:
        return await recorded(contacts, org, tmp_path, break_things, delete_one_and_expire)


DAYS = ("1700-01-01", "1704-02-29", "1899-12-31", "1970-01-01", "2400-02-29", "4000-12-31")
"""The first and the last day that Salesforce takes, and those between that trip calendars up."""


class Guest(Record, table=True):
    __sobject__ = "Contact"
    birthdate: date | None
    due: date | None = field("Due__c")
    met: datetime | None = field("Met__c")


@sync
def appointments(ctx: Context) -> Batches[Guest]:
    """Copy contacts with a date of birth, a date and an instant."""
    return ctx.changes(Guest)


@pytest.mark.parametrize("bulk_from", [1, 100_000], ids=["by Bulk", "by REST"])
async def test_every_day_that_salesforce_takes_is_recorded_and_replayed(tmp_path: Path, bulk_from: int) -> None:
    with DemoOrg(contacts=0, accounts=0, now=BEGAN) as org:
        org.add_field("Contact", "Due__c", type="date")
        org.add_field("Contact", "Met__c", type="datetime")
        for day in DAYS:
            org.insert("Contact", LastName="x", Birthdate=day, Due__c=day, Met__c=f"{day}T23:59:59.000Z")
        cassette = await recorded(appointments, org, tmp_path, bulk_from=bulk_from)
    (ran,) = await replayed(cassette, appointments, tmp_path, settings=settings_for(tmp_path, bulk_from=bulk_from))
    assert [str(row.due) for row in ran.rows] == list(DAYS)
    assert [str(row.met) for row in ran.rows] == [f"{day} 23:59:59+00:00" for day in DAYS]
    births = [row.birthdate for row in ran.rows]
    assert all(day is not None and day.year < 1800 for day in births)
    assert len(set(births)) == len(DAYS)


async def test_two_eventful_runs_replay_to_the_right_rows(eventful: Cassette, tmp_path: Path) -> None:
    names = [step_name(each) for each in eventful.interactions]
    assert "GET queryAll Contact -> 503" in names
    assert any(name.endswith("-> 401 INVALID_SESSION_ID") for name in names)
    assert names.count("POST /services/oauth2/token (refresh_token) -> 200") == 2
    assert any(name.startswith("GET query/") for name in names)
    first, second = await replayed(eventful, contacts, tmp_path / "again", runs=2)
    assert (first.added, len(first.rows)) == (30, 30)
    assert (second.added, second.updated, second.deleted, len(second.rows)) == (0, 0, 1, 29)


async def test_every_step_that_is_taken_out_is_missed_by_its_name(eventful: Cassette, tmp_path: Path) -> None:
    file = tmp_path / "it.yaml"
    steps = eventful.interactions
    for number, step in enumerate(steps):
        write_cassette(file, eventful)
        document: Any = yaml.safe_load(file.read_text())
        del document["interactions"][number]
        file.write_text(yaml.safe_dump(document))
        with pytest.raises(CassetteInvalid, match="is missing from") as caught:
            read_cassette(file)
        assert step_name(step) in str(caught.value)


async def test_a_step_that_its_contents_lack_too_is_missed_by_the_replay(eventful: Cassette, tmp_path: Path) -> None:
    steps = eventful.interactions
    for number, step in enumerate(steps):
        if step.response.status == 503:
            continue  # what is retried goes well at once: a cassette of another, quieter day
        left = tuple(replace(each, after=min(each.after, at)) for at, each in enumerate(without(steps, number)))
        with pytest.raises(NotRecorded):
            await replayed(replace(eventful, interactions=left), contacts, tmp_path / str(number), runs=2)


def without(steps: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return steps[:number] + steps[number + 1 :]


async def test_a_replay_that_ends_early_names_the_step_that_was_not_asked_for(
    eventful: Cassette, tmp_path: Path
) -> None:
    with pytest.raises(NotRecorded, match="was recorded, but not requested, nor were the") as caught:
        await replayed(eventful, contacts, tmp_path / "again", runs=1)
    assert "401 INVALID_SESSION_ID" in str(caught.value)


async def test_a_script_whose_query_differs_fails_with_the_first_difference(tmp_path: Path) -> None:
    class Other(Record, table=True):
        __sobject__ = "Contact"
        __tablename__ = "contact"
        account_id: str | None
        last_name: str | None

    @sync
    def before(ctx: Context) -> Batches[Other]:
        return ctx.changes(Other)

    class Wider(Record, table=True):
        __sobject__ = "Contact"
        __tablename__ = "contact"
        account_id: str | None
        department: str | None
        last_name: str | None

    @sync
    def after(ctx: Context) -> Batches[Wider]:
        return ctx.changes(Wider)

    with DemoOrg(contacts=30, accounts=5, now=BEGAN) as org:
        cassette = await recorded(before, org, tmp_path, break_things)
    with pytest.raises(NotRecorded) as caught:
        await replayed(cassette, after, tmp_path / "again")
    message = str(caught.value)
    assert "sent:     GET queryAll Contact" in message
    assert "the first difference in q" in message
    assert "AccountId, Department, LastName" in message
    assert "AccountId, LastName" in message
    assert "pytest --record" in message


async def test_it_replays_under_another_name_and_on_another_host(eventful: Cassette, tmp_path: Path) -> None:
    like = Replayed("other-org", "https://other--uat.sandbox.my.salesforce.com", {"region": "north"}, ["eu"])
    ran = await replayed(eventful, contacts, tmp_path / "again", runs=2, like=like)
    assert {row.connection for row in ran[1].rows} == {"other-org"}
    assert len(ran[1].rows) == 29


async def test_time_comes_from_the_cassette(eventful: Cassette, tmp_path: Path) -> None:
    first, second = await replayed(eventful, contacts, tmp_path / "again", runs=2)
    assert first.watermark
    assert second.watermark
    assert first.watermark.date() == BEGAN.date()
    assert (second.watermark - first.watermark).total_seconds() == 20 * 60
