"""The syncs of files and attachments: contents in a folder by their hash, each fetched once, and their rows beside."""

import base64
import hashlib
import os
import stat
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from orgsync import Batches, Context, Record, field, sync
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Job
from orgsync.errors import ArgumentInvalid, FileUnusable, NetworkProblem, RecordClassInvalid
from orgsync.project import open_dry_run
from orgsync_syncs.attachments import attachments
from orgsync_syncs.file_links import file_links
from orgsync_syncs.files import File, files
from tests.projects import project_at
from tests.warm_process import opened_module

ROOT = Path(__file__).parents[2]


def added(org: DemoOrg, name: str, content: bytes, document: str | None = None) -> str:
    """Upload a file, or another version of one."""
    values: dict[str, Any] = {"PathOnClient": name, "VersionData": base64.b64encode(content).decode()}
    if document is not None:
        values["ContentDocumentId"] = document
    return org.insert("ContentVersion", **values)


def downloads(org: DemoOrg) -> list[str]:
    return [each.path.split("/")[-2] for each in org.requests if each.path.endswith(("/VersionData", "/Body"))]


def kept(folder: Path) -> dict[str, bytes]:
    """Read the files of the folder of contents, by the hash that their places spell."""
    found = (folder / ".orgsync" / "files").glob("??/*")
    return {each.parent.name + each.name: each.read_bytes() for each in found}


def drafts(folder: Path) -> list[Path]:
    return [*(folder / ".orgsync" / "files").glob("*.draft")]


def aged(folder: Path) -> None:
    """Let every file of the folder be two hours old."""
    for each in (folder / ".orgsync" / "files").rglob("*"):
        os.utime(each, (time.time() - 7200, time.time() - 7200))


def document_of(org: DemoOrg, version: str) -> str:
    return next(str(each["ContentDocumentId"]) for each in org.rows("ContentVersion") if each["Id"] == version)


@pytest.fixture
def no_files(org: DemoOrg) -> DemoOrg:
    for each in org.rows("ContentDocument"):
        org.delete("ContentDocument", str(each["Id"]))
    org.advance(minutes=30)
    return org


async def test_the_contents_of_files_are_kept_by_their_hash_beside_their_rows(org: DemoOrg, tmp_path: Path) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(files)
        rows = await project.live("file")
        assert len(rows) == 3
        for version in org.rows("ContentVersion"):
            row = rows[str(version["Id"])]
            content = (tmp_path / row["content_path"]).read_bytes()
            assert content == org.content("ContentVersion", str(version["Id"]))
            assert row["content_sha256"] == hashlib.sha256(content).hexdigest()
            assert row["content_path"] == f".orgsync/files/{row['content_sha256'][:2]}/{row['content_sha256'][2:]}"
            assert (row["content_size"], row["content_error"]) == (len(content), None)
        if os.name == "posix":
            placed = [*(tmp_path / ".orgsync" / "files").glob("??/*")]
            assert {stat.S_IMODE(each.stat().st_mode) for each in placed} == {0o600}
            assert {stat.S_IMODE(each.parent.stat().st_mode) for each in placed} == {0o700}


async def test_only_new_versions_are_fetched(org: DemoOrg, tmp_path: Path) -> None:
    async with project_at(tmp_path, org, overlap=300) as project:
        await project.run(files)
        assert len(downloads(org)) == 3
        org.advance(minutes=30)
        await project.run(files)
        assert downloads(org) == []
        old = org.rows("ContentVersion")[0]
        new = added(org, "Offer 0.pdf", b"a new version", str(old["ContentDocumentId"]))
        org.update("ContentVersion", str(org.rows("ContentVersion")[1]["Id"]), Title="Renamed")
        org.advance(minutes=30)
        run = await project.run(files)
        assert downloads(org) == [new]
        rows = await project.live("file")
        assert old["Id"] not in rows
        assert (tmp_path / rows[new]["content_path"]).read_bytes() == b"a new version"
        assert "Renamed" in {row["title"] for row in rows.values()}
        assert all(row["content_path"] for row in rows.values())
        assert run.deleted == 1
        await project.run(files, full=True)
        assert downloads(org) == []
        assert all(row["content_path"] for row in (await project.live("file")).values())


async def test_equal_contents_are_one_file(no_files: DemoOrg, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        added(no_files, name, b"the same")
    async with project_at(tmp_path, no_files) as project:
        await project.run(files)
        assert [*kept(tmp_path).values()] == [b"the same"]
        assert len({row["content_path"] for row in (await project.live("file")).values()}) == 1


async def test_a_budget_ends_a_run_cleanly_and_the_next_goes_on(no_files: DemoOrg, tmp_path: Path) -> None:
    for number in range(6):
        added(no_files, f"{number}.bin", bytes([number]) * 1000)
    async with project_at(tmp_path, no_files, contents_budget=2500) as project:
        fetched: list[str] = []
        for expected in (2, 2, 2, 0):
            no_files.advance(minutes=30)
            run = await project.run(files)
            assert run.status == "done"
            assert len(downloads(no_files)) == expected
            fetched += downloads(no_files)
        assert len(fetched) == len({*fetched}) == len(kept(tmp_path)) == 6


async def test_a_file_beyond_the_budget_has_a_run_of_its_own(no_files: DemoOrg, tmp_path: Path) -> None:
    added(no_files, "small.bin", b"x")
    added(no_files, "large.bin", bytes(5000))
    async with project_at(tmp_path, no_files, contents_budget=1000) as project:
        counts: list[int] = []
        for _ in range(3):
            no_files.advance(minutes=30)
            await project.run(files)
            counts.append(len(downloads(no_files)))
        assert counts == [1, 1, 0]


async def test_a_connections_metadata_may_have_a_budget_of_its_own(no_files: DemoOrg, tmp_path: Path) -> None:
    for number in range(3):
        added(no_files, f"{number}.bin", bytes([number]) * 1000)
    async with project_at(tmp_path, no_files) as project:
        await project.opened.store.connections.update("acme", metadata_={"contents_budget": 1500})
        await project.run(files)
        assert len(downloads(no_files)) == 1


async def test_a_run_that_ends_at_any_commit_is_resumed_and_fetches_nothing_twice(
    no_files: DemoOrg, tmp_path: Path
) -> None:
    for number in range(5):
        added(no_files, f"{number}.bin", bytes([number]) * 1000)
    async with project_at(tmp_path, no_files) as project:
        fetched: list[str] = []
        commits, runs = 1, 0
        while await project.interrupted(files, commits):
            fetched += downloads(no_files)
            commits = 1 if commits == 4 else commits + 1
            runs += 1
            assert runs < 20
            assert drafts(tmp_path) == []
        fetched += downloads(no_files)
        rows = await project.live("file")
        assert sorted(fetched) == sorted(rows)
        assert all((tmp_path / row["content_path"]).is_file() for row in rows.values())


async def test_a_content_that_is_refused_is_a_row_with_an_error_and_no_failed_run(org: DemoOrg, tmp_path: Path) -> None:
    refused = str(org.rows("ContentVersion")[0]["Id"])
    async with project_at(tmp_path, org) as project:
        fault = Fault.json_error(403, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id")
        org.add_fault(fault, match=f"{refused}/VersionData", times=1)
        outcome = await project.outcome(files)
        assert outcome.problem is None
        rows = await project.live("file")
        assert "INSUFFICIENT_ACCESS" in rows[refused]["content_error"]
        assert rows[refused]["content_path"] is None
        assert sum(row["content_path"] is not None for row in rows.values()) == 2
        org.advance(minutes=30)
        await project.run(files)
        assert downloads(org) == []
        org.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="query", times=None)
        assert (await project.outcome(files, reconcile=True)).problem
        org.clear_faults()
        await project.run(files)  # which does what that one was to
        assert downloads(org) == [refused]
        row = (await project.live("file"))[refused]
        assert (row["content_error"], row["content_path"] is None) == (None, False)


async def test_a_content_that_is_not_what_its_record_says_is_not_kept(org: DemoOrg, tmp_path: Path) -> None:
    damaged = str(org.rows("ContentVersion")[-1]["Id"])
    size = len(org.content("ContentVersion", damaged))
    async with project_at(tmp_path, org) as project:
        fault = Fault.status(200, "x" * size, content_type="application/octetstream")
        org.add_fault(fault, match=f"{damaged}/VersionData", times=None)
        await project.run(files)
        row = (await project.live("file"))[damaged]
        assert "checksum" in row["content_error"]
        assert row["content_path"] is None
    assert len(kept(tmp_path)) == 2


async def test_a_network_that_fails_fails_the_run_and_the_next_one_resumes(org: DemoOrg, tmp_path: Path) -> None:
    last = str(sorted(str(each["Id"]) for each in org.rows("ContentVersion"))[-1])
    async with project_at(tmp_path, org) as project:
        org.add_fault(Fault.reset(), match=f"{last}/VersionData", times=None)
        outcome = await project.outcome(files)
        assert isinstance(outcome.problem, NetworkProblem)
        assert len(kept(tmp_path)) == 2
        org.clear_faults()
        await project.run(files)
        assert downloads(org) == [last]


async def test_the_content_of_a_deleted_file_is_removed_when_no_row_refers_to_it(
    no_files: DemoOrg, tmp_path: Path
) -> None:
    org = no_files
    one, two, three = (added(org, name, text) for name, text in (("1", b"shared"), ("2", b"shared"), ("3", b"alone")))
    async with project_at(tmp_path, org) as project:
        await project.run(files)
        aged(tmp_path)
        org.advance(minutes=30)
        org.delete("ContentDocument", document_of(org, one))
        org.delete("ContentDocument", document_of(org, three))
        org.advance(minutes=30)
        await project.run(files)
        assert [*kept(tmp_path).values()] == [b"shared"]
        assert {*await project.live("file")} == {two}


async def test_what_was_kept_a_moment_ago_stays_and_goes_with_a_later_run(no_files: DemoOrg, tmp_path: Path) -> None:
    org = no_files
    one = added(org, "1", b"gone soon")
    async with project_at(tmp_path, org) as project:
        await project.run(files)
        org.delete("ContentDocument", document_of(org, one))
        org.advance(minutes=30)
        await project.run(files)
        assert [*kept(tmp_path).values()] == [b"gone soon"]
        aged(tmp_path)
        await project.run(files)
        assert [*kept(tmp_path).values()] == [b"gone soon"]  # a sweep without a reason is made once a day
        os.utime(tmp_path / ".orgsync" / "files" / ".swept", (0, time.time() - 90_000))
        await project.run(files)
        assert kept(tmp_path) == {}


async def test_a_content_that_was_lost_on_the_disk_is_fetched_when_its_row_is_read_again(
    org: DemoOrg, tmp_path: Path
) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(files)
        row = next(iter((await project.live("file")).values()))
        (tmp_path / row["content_path"]).unlink()
        await project.run(files, full=True)
        assert downloads(org) == [row["id"]]
        assert (tmp_path / row["content_path"]).is_file()


async def test_an_attachment_is_fetched_again_when_it_has_changed(org: DemoOrg, tmp_path: Path) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(attachments)
        [attachment] = (await project.live("attachment")).values()
        assert (tmp_path / attachment["content_path"]).read_bytes() == org.content("Attachment", attachment["id"])
        aged(tmp_path)
        org.advance(minutes=30)
        org.update("Attachment", attachment["id"], Body=base64.b64encode(b"another body").decode())
        org.advance(minutes=30)
        await project.run(attachments)
        assert downloads(org) == [attachment["id"]]
        assert [*kept(tmp_path).values()] == [b"another body"]


async def test_a_dry_run_keeps_no_content(org: DemoOrg, tmp_path: Path) -> None:
    async with project_at(tmp_path, org) as project:
        async with open_dry_run(project.opened.with_syncs(files), Job("sync", "files", "acme")) as dry_run:
            assert dry_run.outcome.problem is None
        assert downloads(org) == []
    assert kept(tmp_path) == {}


class Unkept(Record, table=True):
    """A version of a file, without a place for what is kept of it."""

    __sobject__ = "ContentVersion"

    version_data: str | None
    content_path: str | None = field(local=True)
    content_sha256: str | None = field(local=True)


class Bodyless(Record, table=True):
    """A document that reads no content."""

    __sobject__ = "Document"

    name: str | None


@sync
def unkept(ctx: Context) -> Batches[Unkept]:
    """Read a class without an error's column."""
    return ctx.contents(Unkept)


@sync
def bodyless(ctx: Context) -> Batches[Bodyless]:
    """Read a class without contents."""
    return ctx.contents(Bodyless)


@sync
def no_budget(ctx: Context) -> Batches[File]:
    """Give a budget that is no number of bytes."""
    return ctx.contents(File, budget=0)


async def test_a_class_that_cannot_be_read_with_its_contents_is_named_with_what_it_lacks(
    org: DemoOrg, tmp_path: Path
) -> None:
    async with project_at(tmp_path, org) as project:
        with pytest.raises(RecordClassInvalid, match="Unkept has no column content_error"):
            await project.run(unkept)
        with pytest.raises(RecordClassInvalid, match="Bodyless reads no field of contents"):
            await project.run(bodyless)
        with pytest.raises(ArgumentInvalid, match="budget=0"):
            await project.run(no_budget)
        assert project.calls == []


async def test_a_folder_that_takes_no_file_is_named(org: DemoOrg, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    async with project_at(tmp_path, org, contents="taken") as project:
        with pytest.raises(FileUnusable, match="taken cannot be written"):
            await project.run(files)


async def test_the_links_of_files_are_read_with_filters_by_ids_alone(org: DemoOrg, tmp_path: Path) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(file_links)
        truth = {str(each["Id"]): each["LinkedEntityId"] for each in org.rows("ContentDocumentLink")}
        assert {key: row["linked_entity_id"] for key, row in (await project.live("file_link")).items()} == truth
        gone = next(iter(truth))
        org.delete("ContentDocumentLink", gone)
        run = await project.run(file_links)
        assert (run.deleted, gone in await project.live("file_link")) == (1, False)
        assert not any("IsDeleted =" in query for query in project.queries)


async def test_the_content_of_a_file_is_never_made_a_text_that_is_damaged(org: DemoOrg, tmp_path: Path) -> None:
    version = added(org, "picture.png", b"\x89PNG\xff\xfe")
    path = f"sobjects/ContentVersion/{version}/VersionData"
    async with project_at(tmp_path, org) as project:
        context = await project.open_context()
        with pytest.raises(ArgumentInvalid, match="neither JSON nor text"):
            await context.get(path)
        async with context.download(path) as content:
            assert await content.read() == b"\x89PNG\xff\xfe"
        with pytest.raises(ArgumentInvalid, match="was given no path"):
            context.download(None)


async def test_a_killed_run_loses_nothing_and_fetches_only_the_content_again_that_was_on_its_way(
    no_files: DemoOrg, tmp_path: Path
) -> None:
    org = no_files
    versions = [added(org, f"{number}.bin", bytes([number]) * 3000) for number in range(4)]
    third = sorted(versions)[2]
    async with project_at(tmp_path, org):
        pass  # the process finds a connection
    org.add_fault(Fault.drip(0.05, at_once=10), match=f"{third}/VersionData")
    with opened_module("tests.syncs.dying_process", str(tmp_path)) as process:
        with anyio.fail_after(60):
            while third not in downloads(org) or not drafts(tmp_path):  # noqa: ASYNC110 - another process does it
                await anyio.sleep(0.02)
        process.kill()
    before = downloads(org)
    assert before == sorted(versions)[:3]
    assert len(kept(tmp_path)) == 2
    assert len(drafts(tmp_path)) == 1
    async with project_at(tmp_path, org) as project:
        await project.run(files)
        assert downloads(org) == sorted(versions)[2:]
        rows = await project.live("file")
        assert {*rows} == {*versions}
        assert {(tmp_path / row["content_path"]).read_bytes()[:1] for row in rows.values()} == {
            bytes([number]) for number in range(4)
        }
        for draft in drafts(tmp_path):
            os.utime(draft, (0, time.time() - 90_000))
        os.utime(tmp_path / ".orgsync" / "files" / ".swept", (0, time.time() - 90_000))
        await project.run(files)
        assert drafts(tmp_path) == []
