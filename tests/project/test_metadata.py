"""Models for a connection's metadata: checked when it is set and before a run, and given to the script."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from orgsync import Batches, Context, Record, sync
from orgsync.application import connections_of, schedules_of
from orgsync.demo_org import DemoOrg
from orgsync.errors import ArgumentInvalid, MetadataInvalid, ScriptNotLoaded
from orgsync.project import open_project
from orgsync.settings import Settings
from tests.projects import credentials_for, executed, settings_for

FIRMS = """\
from typing import Literal

from pydantic import BaseModel, field_validator

from orgsync import Batches, Context, Record, sync


class Options(BaseModel):
    region: Literal["eu", "us"]
    least: int = 0

    @field_validator("least")
    @classmethod
    def positive(cls, least: int) -> int:
        if least < 0:
            raise ValueError(f"{least} is a secret")
        return least


class Account(Record, table=True):
    name: str


@sync(every="15m", metadata=Options)
def firms(ctx: Context) -> Batches[Account]:
    options = ctx.metadata(Options)
    return ctx.changes(Account, where="Name LIKE :name", name=f"{options.region}%")
"""

FIT = {"region": "eu", "customer": 7}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "firms.py").write_text(FIRMS)
    return settings_for(tmp_path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "not what the sync firms wants: region is missing"),
        ({"regoin": "eu"}, r"region is missing \(there is regoin\)"),
        ({"region": "asia"}, "region: input should be 'eu' or 'us'"),
        ({"region": "eu", "least": "many"}, "least: input should be a valid integer"),
        ({"region": "eu", "least": -7}, "least is refused by the model's own check"),
    ],
)
async def test_metadata_that_does_not_fit_is_refused_when_it_is_set(
    settings: Settings, org: DemoOrg, metadata: dict[str, Any], message: str
) -> None:
    there = connections_of(settings)
    sent = len(org.requests)
    with pytest.raises(MetadataInvalid, match=message):
        await there.add("acme", credentials_for(org), metadata=metadata)
    with pytest.raises(MetadataInvalid, match=message):
        await there.begin("acme", redirect_uri="http://localhost/callback", client_id="x", metadata=metadata)
    assert len(org.requests) == sent
    await there.add("acme", credentials_for(org), metadata=FIT, tags=["eu"])
    with pytest.raises(MetadataInvalid, match=message) as refused:
        await there.update("acme", metadata=metadata, tags=["us"])
    assert "-7" not in str(refused.value)
    kept = await there.get("acme")
    assert (kept.metadata, kept.tags) == (FIT, ["eu"])


async def test_a_run_without_fitting_metadata_ends_before_anything_is_read(settings: Settings, org: DemoOrg) -> None:
    class Options(BaseModel):
        region: str

    class Account(Record, table=True):
        name: str

    @sync(metadata=Options)
    def regional(ctx: Context) -> Batches[Account]:
        return ctx.changes(Account)

    await connections_of(settings).add("acme", credentials_for(org))
    async with open_project(settings) as project:
        org.clear_requests()
        outcome = await executed(project, regional)
        assert outcome.run.error_code == "metadata_invalid"
        assert org.requests == []
        await project.connections.update("acme", metadata=FIT)
        assert (await executed(project, regional)).run.status == "done"


async def test_tags_are_changed_whatever_the_metadata(settings: Settings, org: DemoOrg) -> None:
    there = connections_of(settings)
    await there.add("acme", credentials_for(org))
    assert (await there.update("acme", add_tags=["eu"])).tags == ["eu"]


async def test_a_sync_that_is_switched_off_asks_nothing_of_the_metadata(settings: Settings, org: DemoOrg) -> None:
    there = connections_of(settings)
    await there.add("acme", credentials_for(org))
    await schedules_of(settings).set("firms", "acme", off=True)
    assert (await there.update("acme", metadata={"customer": 7})).metadata == {"customer": 7}


async def test_a_hook_may_give_what_a_sync_requires(settings: Settings, org: DemoOrg) -> None:
    hook = "from orgsync import Org, on_connect\n\n\n@on_connect\nasync def region(org: Org) -> dict[str, str]:\n"
    there = connections_of(settings)
    (settings.syncs_folder / "hooks.py").write_text(f"{hook}    return {{'region': 'asia'}}\n")
    with pytest.raises(MetadataInvalid, match="region: input should be"):
        await there.add("acme", credentials_for(org), metadata={"customer": 7})
    assert await there.list() == []
    (settings.syncs_folder / "hooks.py").write_text(f"{hook}    return {{'region': 'us'}}\n")
    made = await there.add("acme", credentials_for(org), metadata={"customer": 7})
    assert made.metadata == {"customer": 7, "region": "us"}


async def test_metadata_that_json_does_not_hold_is_refused(settings: Settings, org: DemoOrg) -> None:
    with pytest.raises(ArgumentInvalid, match=r"metadata\['at'\]\[0\] is an object"):
        await connections_of(settings).add("acme", credentials_for(org), metadata={"at": [object()]})


@pytest.mark.parametrize(("model", "what"), [(dict, "dict"), ("Options", "a str"), ({"region": str}, "a dict")])
def test_what_is_no_model_is_refused_with_what_to_write(model: Any, what: str) -> None:
    with pytest.raises(ScriptNotLoaded, match=f"metadata= is {what}, not a model.*pydantic.BaseModel"):
        sync(metadata=model)
