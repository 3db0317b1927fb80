"""What runs and `orgsync drift` find new, gone or retyped in an org, and whom it is told."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orgsync import Batches, Context, Record, field, sync
from orgsync.demo_org import DemoOrg
from orgsync.errors import FieldNotFound, NameUnknown, SignInNeeded
from orgsync.project.schema_drift import Drift, find_drift
from tests.projects import SampleProject, project_at

SCRIPT = """\
from orgsync import sync


@sync
async def people(ctx):
    yield
"""


class Contact(Record, table=True):
    last_name: str
    phone: str | None
    level: str | None = field("Level__c", optional=True)
    account_name: str | None = field("Account.Name")


@sync
def people(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)


@pytest.fixture
async def sample(tmp_path: Path, org: DemoOrg) -> AsyncIterator[SampleProject]:
    """A project whose people have been read once, and whose webhook wants changes of schemas and alerts."""
    async with project_at(tmp_path, org) as opened:
        (tmp_path / "syncs").mkdir()
        (tmp_path / "syncs" / "people.py").write_text(SCRIPT)
        await opened.run(people)
        events = ["schema.changed", "alert.raised", "alert.cleared"]
        await opened.opened.store.webhooks.add("https://example.com/in", events=events, connections=None, tags=[])
        yield opened


async def looked(sample: SampleProject, *connections: str, later: timedelta = timedelta(0)) -> Drift:
    sample.org.clear_requests()
    return await find_drift(sample.opened, connections, now=sample.opened.clock() + later)


def said(found: Drift) -> list[tuple[Any, ...]]:
    return [(each.object, each.field, each.change, each.before, each.type, [*each.syncs]) for each in found.changes]


async def told(sample: SampleProject) -> list[tuple[str, Any]]:
    found = [json.loads(each.body) for each in reversed(await sample.opened.store.webhooks.deliveries())]
    return [(each["type"], each["data"]) for each in found]


async def test_what_has_not_changed_costs_a_call_without_a_body_and_is_told_nobody(sample: SampleProject) -> None:
    found = await looked(sample)
    assert (found.changes, found.looked_at, found.problems) == ([], 2, {})
    assert [each.path.rsplit("/", 2)[1] for each in sample.org.requests if "describe" in each.path] == [
        "Account",
        "Contact",
    ]
    assert await told(sample) == []


async def test_new_gone_and_retyped_fields_are_found_with_the_syncs_that_read_them(sample: SampleProject) -> None:
    sample.org.add_field("Contact", "Level__c")
    sample.org.add_field("Contact", "Other__c")
    sample.org.change_field_type("Contact", "Phone", "textarea")
    sample.org.hide_field("Account", "Name")
    found = await looked(sample)
    expected: list[tuple[Any, ...]] = [
        ("Account", "Name", "gone", "string", None, ["people"]),
        ("Contact", "Level__c", "new", None, "string", ["people"]),
        ("Contact", "Other__c", "new", None, "string", []),
        ("Contact", "Phone", "retyped", "phone", "textarea", ["people"]),
    ]
    assert said(found) == expected
    assert said(await looked(sample)) == expected, "they are shown for a day"
    assert said(await looked(sample, later=timedelta(hours=25))) == []
    assert [kind for kind, _ in await told(sample)] == ["schema.changed", "alert.raised"] * 2, "and told once"
    changes = (await told(sample))[2][1]["changes"]
    assert changes[0] == {
        "field": "Level__c",
        "change": "new",
        "type": "string",
        "before": None,
        "syncs": ["people"],
    }
    assert (await told(sample))[3][1]["message"] == (
        "Contact of acme has changed: Phone is now textarea, was phone (read by people), Level__c is new (read by "
        "people), Other__c is new. See all: orgsync drift -c acme"
    )


async def test_a_run_that_looks_at_the_object_anyway_finds_it_without_a_call_more(sample: SampleProject) -> None:
    calm = await sample.run(people)
    sample.org.add_field("Contact", "Level__c")
    assert (await sample.run(people)).api_calls == calm.api_calls
    assert await told(sample) == [], "a pass with nothing new does not look"
    sample.org.advance(days=2)
    await sample.run(people)
    assert [kind for kind, _ in await told(sample)] == ["schema.changed", "alert.raised"]
    [row] = [each for each in await sample.opened.store.org_schemas.list() if each.changes]
    assert (row.object, row.changes[0]["field"]) == ("Contact", "Level__c")


async def test_a_field_that_is_gone_is_told_by_the_run_that_fails_for_it(sample: SampleProject) -> None:
    sample.org.hide_field("Contact", "Phone")
    outcome = await sample.outcome(people)
    assert isinstance(outcome.problem, FieldNotFound)
    assert [(kind, data.get("object")) for kind, data in await told(sample)] == [
        ("schema.changed", "Contact"),
        ("alert.raised", "Contact"),
    ]


async def test_an_object_that_is_gone_and_comes_back_is_told_each_time(sample: SampleProject) -> None:
    sample.org.hide_object("Account")
    assert said(await looked(sample)) == [("Account", "", "gone", None, None, ["people"])]
    assert len(said(await looked(sample))) == 1
    sample.org.hide_object("Contact")
    assert [each[0] for each in said(await looked(sample))] == ["Account", "Contact"]


async def test_objects_whose_syncs_are_gone_are_not_asked_for(sample: SampleProject, tmp_path: Path) -> None:
    (tmp_path / "syncs" / "people.py").unlink()
    assert (await looked(sample)).looked_at == 0
    assert not sample.org.requests


async def test_a_connection_that_cannot_be_asked_is_named_and_the_others_are_asked(sample: SampleProject) -> None:
    await sample.opened.store.connections.update("acme", status="needs sign-in", status_reason="Revoked.")
    found = await looked(sample)
    assert isinstance(found.problems["acme"], SignInNeeded)
    with pytest.raises(NameUnknown):
        await looked(sample, "acne")
