"""Files that are recorded and replayed: a cassette holds a stand-in for each content, of its size and checksum."""

from pathlib import Path

from orgsync.demo_org import DemoOrg
from orgsync.testing import RunSync
from orgsync_syncs.files import files


async def test_contents_are_replayed(run: RunSync, tmp_path: Path) -> None:
    ran = await run(files)
    assert (ran.run.status, ran.added) == ("done", 3)
    assert [row.content_error for row in ran.rows] == [None] * 3
    assert len({row.content_sha256 for row in ran.rows}) == 3
    again = await run(files)
    assert again.changes == []


async def test_a_new_version_is_replayed(run: RunSync, recorded_org: DemoOrg | None) -> None:
    first = await run(files)
    if recorded_org:
        recorded_org.advance(minutes=30)
        old = recorded_org.rows("ContentVersion")[0]
        values = {
            "PathOnClient": "offer.pdf",
            "ContentDocumentId": old["ContentDocumentId"],
            "VersionData": "bmV3IHZlcnNpb24=",
        }
        recorded_org.insert("ContentVersion", **values)
        recorded_org.advance(minutes=30)
    second = await run(files)
    assert (second.added, second.deleted) == (1, 1)
    [new] = [row for row in second.rows if row.id not in {each.id for each in first.rows}]
    assert (new.content_size, new.content_error, bool(new.content_path)) == (11, None, True)
