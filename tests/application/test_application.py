"""orgsync from an application: contexts, runs and connections without the command."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

import orgsync
from orgsync import Batches, Context, Org, Record, field, sync
from orgsync.application import connections_of
from orgsync.demo_org import DemoOrg
from orgsync.errors import (
    ArgumentInvalid,
    NameUnknown,
    NetworkProblem,
    NotFound,
    OrgMismatch,
    OrgsyncError,
    QueryRefused,
    SignInNeeded,
)
from orgsync.project import BrowserSignIn, open_project
from orgsync.scripts.discovery import find_sync
from tests.projects import credentials_for, settings_for


class Contact(Record, table=True):
    """A contact."""

    last_name: str
    account_name: str | None = field("Account.Name")


@sync(every="15m")
def contacts(ctx: Context) -> Batches[Contact]:
    """Read contacts."""
    return ctx.changes(Contact)


@pytest.mark.parametrize("org_id", ["", "00DOTHER0000000AAA"])
async def test_a_connection_is_not_replaced_by_one_that_may_be_to_another_org(
    project: Path, org: DemoOrg, org_id: str
) -> None:
    await orgsync.connections.add("acme", credentials_for(org))
    async with open_project() as opened:
        await opened.store.connections.update("acme", org_id=org_id, instance_url="https://old.my.salesforce.com")
    with pytest.raises(OrgMismatch, match="this sign-in leads to"):
        await orgsync.connections.add("acme", credentials_for(org))


async def test_an_org_reads_and_writes(project: Path, org: DemoOrg) -> None:
    await orgsync.connections.add("acme", credentials_for(org), metadata={"customer": 7}, tags=["eu"])
    async with orgsync.open("acme") as opened:
        assert opened.connection.name == "acme"
        assert opened.connection.org_id == org.org_id
        assert opened.connection.user_id == org.user_id
        assert opened.connection.instance_url == org.instance_url
        assert opened.connection.environment == "custom"
        assert opened.connection.metadata == {"customer": 7}
        assert opened.connection.tags == ("eu",)
        assert type(opened) is Org
        names = [
            row["LastName"] async for row in opened.query("SELECT LastName FROM Contact WHERE LastName != :x", x="'")
        ]
        assert len(names) == 25
        made = await opened.post("sobjects/Contact", {"LastName": "Made"})
        path = f"sobjects/Contact/{made['id']}"
        assert await opened.patch(path, {"LastName": "Changed"}) is None
        assert (await opened.get(path, fields="LastName"))["LastName"] == "Changed"
        assert await opened.delete(path) is None
        with pytest.raises(NotFound, match="was not found"):
            await opened.get(path)
        with pytest.raises(QueryRefused):
            await opened.put(path, {})
        with pytest.raises(OrgsyncError):
            await opened.post("nothing/here")
        assert opened.api_calls >= 8
        assert opened.api_usage.used is not None


@pytest.mark.parametrize("name", ["changes", "snapshot", "checkpoint"])
async def test_what_continues_from_run_to_run_exists_inside_a_sync_alone(name: str) -> None:
    assert hasattr(Context, name)
    assert not hasattr(Org, name)
    assert issubclass(Context, Org)


async def test_a_text_answer_is_text(project: Path, org: DemoOrg) -> None:
    from orgsync.demo_org import Fault

    await orgsync.connections.add("acme", credentials_for(org))
    org.add_fault(Fault.status(200, "a,b", content_type="text/csv"), match="limits")
    async with orgsync.open("acme") as opened:
        assert await opened.get("limits") == "a,b"


async def test_a_sync_is_run_and_its_rows_are_read_with_sqlmodel(project: Path, org: DemoOrg) -> None:
    await orgsync.connections.add("acme", credentials_for(org))
    run = await orgsync.run(contacts, connection="acme")
    assert (run.status, run.added) == ("done", 25)
    async with open_project() as opened, opened.store.session() as session:
        query = select(Contact).where(Contact.connection == "acme", col(Contact.account_name).is_not(None))
        rows = (await session.exec(query)).all()
    assert rows
    assert rows[0].sync_changed_at is not None
    assert rows[0].sync_changed_at.tzinfo is not None


async def test_a_sync_is_reset_by_itself_or_by_its_name(project: Path, org: DemoOrg) -> None:
    await orgsync.connections.add("acme", credentials_for(org))
    await orgsync.run(contacts, connection="acme")
    assert await orgsync.reset(contacts, connection="acme") == {"contact": 25}
    assert (await orgsync.run(contacts, connection="acme")).added == 25
    assert await orgsync.reset("contacts") == {"contact": 25}
    async with open_project() as opened:
        assert await opened.store.rows.tables() == []


async def test_a_run_that_fails_raises_what_ended_it(project: Path, org: DemoOrg) -> None:
    await orgsync.connections.add("acme", credentials_for(org))
    org.revoke_refresh_tokens()
    with pytest.raises(SignInNeeded):
        await orgsync.run(contacts, connection="acme")


async def test_connections_are_listed_read_and_removed(project: Path, org: DemoOrg) -> None:
    added = await orgsync.connections.add("acme", credentials_for(org))
    assert [each.name for each in await orgsync.connections.list()] == ["acme"]
    assert (await orgsync.connections.get("acme")).org_id == added.org_id
    with pytest.raises(NameUnknown, match="acem"):
        await orgsync.connections.get("acem")
    await orgsync.connections.remove("acme")
    assert await orgsync.connections.list() == []


async def test_what_is_unknown_names_the_database_and_the_setting_for_another_project(
    project: Path,
) -> None:
    place = f"The database is {project.resolve() / '.orgsync' / 'orgsync.db'}; for another project, set ORGSYNC_PROJECT"
    for work in (
        orgsync.connections.get("acme"),
        orgsync.connections.remove("acme"),
        orgsync.run(contacts, connection="acme"),
        orgsync.reset("contacts"),
        orgsync.reset(contacts, connection="acme"),
    ):
        with pytest.raises(NameUnknown) as caught:
            await work
        assert place in caught.value.remedy
    async with open_project() as opened:
        with pytest.raises(NameUnknown) as caught:
            await opened.store.rows.read("contact").__anext__()
        assert place in caught.value.remedy
    with pytest.raises(OrgsyncError) as unknown:
        find_sync("nothing", project / "syncs")
    assert f"{project / 'syncs'}; for another project, set ORGSYNC_PROJECT" in unknown.value.remedy


async def test_in_a_folder_without_a_database_none_is_made(project: Path) -> None:
    with pytest.raises(NameUnknown):
        await orgsync.run(contacts, connection="acme")
    with pytest.raises(NameUnknown):
        async with orgsync.open("acme"):
            pass
    assert list(project.iterdir()) == []


CALLBACK = "http://localhost:8788/callback"


def decide(url: str, decision: str) -> str:
    """Press Allow or Deny on the authorize page, and give the URL that the browser is sent back to."""
    answer = httpx.get(f"{url}&decision={decision}")
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def test_one_text_in_place_of_a_list_of_tags_is_refused(project: Path, org: DemoOrg) -> None:
    for work in (
        orgsync.connections.add("acme", credentials_for(org), tags="eu"),
        orgsync.connections.begin("acme", redirect_uri=CALLBACK, client_id="x", tags="eu"),
    ):
        with pytest.raises(ArgumentInvalid, match="it takes a list") as caught:
            await work
        assert caught.value.remedy == "Pass tags=['eu']."


async def test_connections_are_listed_by_their_tag_and_keep_what_an_update_does_not_name(
    project: Path, org: DemoOrg
) -> None:
    await orgsync.connections.add("acme", credentials_for(org), metadata={"customer": 7}, tags=["eu", "gold", "eu"])
    await orgsync.connections.add("globex", credentials_for(org), tags=["us"])
    assert [each.name for each in await orgsync.connections.list(tag="gold")] == ["acme"]
    assert await orgsync.connections.list(tag="silver") == []
    updated = await orgsync.connections.update("acme", tags=["eu"])
    assert (updated.tags, updated.metadata) == (["eu"], {"customer": 7})
    for tag in ("", "two words", "-eu", "a,b"):
        with pytest.raises(ArgumentInvalid, match="is not a tag"):
            await orgsync.connections.update("acme", tags=[tag])
    assert (await orgsync.connections.get("acme")).tags == ["eu"]


async def test_a_customer_authorizes_a_web_application_in_two_halves(project: Path, org: DemoOrg) -> None:
    begun = await orgsync.connections.begin(
        "customer-7",
        environment=org.login_url,
        client_id=org.client_id,
        client_secret=org.client_secret,
        redirect_uri=CALLBACK,
        metadata={"customer": 7},
        tags=["eu"],
        mapping={Contact: {"account_name": "Department"}},
    )
    assert "code_challenge_method=S256" in begun.url
    assert begun.url not in repr(begun)
    callback = decide(begun.url, "allow")
    connection = await orgsync.connections.finish(callback, state=begun.state)
    assert (connection.name, connection.org_id, connection.grant) == ("customer-7", org.org_id, "refresh-token")
    assert (connection.metadata, connection.tags) == ({"customer": 7}, ["eu"])
    assert connection.mapping == {"Contact.account_name": "Department"}
    assert (await orgsync.run(contacts, connection="customer-7")).added == 25
    async with orgsync.session() as session:
        found = {row.id: row.account_name for row in (await session.exec(orgsync.select(Contact))).all()}
    assert found == {row["Id"]: row["Department"] for row in org.rows("Contact")}
    with pytest.raises(SignInNeeded, match="No sign-in waits"):
        await orgsync.connections.finish(callback, state=begun.state)


async def test_a_customer_who_denies_leaves_nothing(project: Path, org: DemoOrg) -> None:
    begun = await orgsync.connections.begin(
        "customer-7", environment=org.login_url, client_id=org.client_id, redirect_uri=CALLBACK
    )
    with pytest.raises(SignInNeeded):
        await orgsync.connections.finish(decide(begun.url, "deny"), state=begun.state)
    assert await orgsync.connections.list() == []


async def test_a_callback_of_another_sign_in_is_refused(project: Path, org: DemoOrg) -> None:
    with pytest.raises(SignInNeeded, match="No sign-in waits"):
        await orgsync.connections.finish(f"{CALLBACK}?code=x&state=y", state="y")
    for state in (None, "", "y"):
        with pytest.raises(SignInNeeded, match="did not begin the sign-in"):
            await orgsync.connections.finish(CALLBACK, state=state)


async def test_a_customer_who_authorizes_somebody_elses_url_connects_nothing(project: Path, org: DemoOrg) -> None:
    async def begin(name: str) -> BrowserSignIn:
        return await orgsync.connections.begin(
            name,
            environment=org.login_url,
            client_id=org.client_id,
            client_secret=org.client_secret,
            redirect_uri=CALLBACK,
        )

    lure, own = await begin("attacker"), await begin("victim")
    callback = decide(lure.url, "allow")
    for session in (None, own.state):  # the victim's browser has begun nothing, or a sign-in of its own
        with pytest.raises(SignInNeeded, match="nothing was connected"):
            await orgsync.connections.finish(callback, state=session)
    assert await orgsync.connections.list() == []
    await orgsync.connections.finish(decide(own.url, "allow"), state=own.state)
    assert [each.name for each in await orgsync.connections.list()] == ["victim"]


async def test_what_is_kept_of_a_begun_sign_in_is_encrypted(project: Path, org: DemoOrg) -> None:
    await orgsync.connections.begin(
        "customer-7", environment="sandbox", client_id="id", client_secret="do-not-show", redirect_uri=CALLBACK
    )
    folder = project / ".orgsync"
    kept = b"".join(path.read_bytes() for path in folder.glob("orgsync.db*"))
    assert b"do-not-show" not in kept
    assert b"code_verifier" not in kept


async def test_settings_may_be_given(tmp_path: Path, org: DemoOrg) -> None:
    elsewhere = connections_of(settings_for(tmp_path / "elsewhere"))
    await elsewhere.add("acme", credentials_for(org))
    assert (tmp_path / "elsewhere" / ".orgsync" / "orgsync.db").is_file()
    assert await orgsync.run(contacts, connection="acme", settings=settings_for(tmp_path / "elsewhere"))


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "a/b"])
async def test_a_name_that_would_be_hard_to_write_is_refused(project: Path, org: DemoOrg, name: str) -> None:
    with pytest.raises(ArgumentInvalid, match="not a name for a connection"):
        await orgsync.connections.add(name, credentials_for(org))


async def test_a_connection_does_not_become_another_orgs(tmp_path: Path, org: DemoOrg) -> None:
    async with open_project(settings_for(tmp_path)) as opened:
        made = await opened.connections.connect("acme", credentials_for(org), metadata={"a": 1}, tags=["x"])
        with DemoOrg(contacts=0, accounts=0, seed=2) as other:
            assert other.org_id != org.org_id
            with pytest.raises(OrgMismatch, match=f"to the org {org.org_id}"):
                await opened.connections.connect("acme", credentials_for(other))
        again = await opened.connections.connect("acme", credentials_for(org))
        assert again.connection.metadata == {"a": 1}
        assert again.connection.tags == ["x"]
        assert again.connection.created_at == made.connection.created_at
        assert again.lifetime == 7200


async def test_an_org_that_cannot_be_reached_keeps_nothing(tmp_path: Path, org: DemoOrg) -> None:
    credentials = credentials_for(org)
    org.stop()
    async with open_project(settings_for(tmp_path)) as opened:
        with pytest.raises(NetworkProblem, match="Nothing listens at"):
            await opened.connections.connect("acme", credentials)
        assert not await opened.store.connections.list()


def test_every_public_name_is_there_and_others_are_not() -> None:
    for name in orgsync.__all__:
        assert getattr(orgsync, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = orgsync.nothing


async def test_a_name_in_place_of_a_sync_is_refused_with_how_to_import_it() -> None:
    given: Any = "contacts"
    with pytest.raises(ArgumentInvalid, match="takes the sync itself") as caught:
        await orgsync.run(given, connection="acme")
    assert "from orgsync_syncs.contacts" in caught.value.remedy


async def test_what_only_looks_or_removes_makes_no_database(project: Path) -> None:
    assert await orgsync.connections.list() == []
    assert await orgsync.schedules.list() == []
    for work in (
        orgsync.connections.get("acme"),
        orgsync.connections.remove("acme"),
        orgsync.connections.rename("acme", "beta"),
        orgsync.connections.update("acme", tags=["eu"]),
        orgsync.connections.test("acme"),
        orgsync.schedules.set("contacts", "acme", off=True),
        orgsync.schedules.clear("contacts", "acme"),
        orgsync.reset("contacts"),
    ):
        with pytest.raises(NameUnknown):
            await work
    assert not (project / ".orgsync").exists()
