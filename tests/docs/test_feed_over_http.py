"""The consumers of the page on the feed over HTTP, run as they are shown, end up with what the copy has."""

import json
import runpy
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio
from anyio import to_thread

from orgsync.demo_org import DemoOrg
from tests.server.serving import Served, contacts, serving

from .pages import page

PAGE = page("docs/how-to/feed-over-http.md")
NODE = shutil.which("node")
CALLING = """
const [program, mine, options] = process.argv.slice(1);
const failed = (error) => { console.error(error.message); process.exitCode = 1; };
require(program).follow(mine, JSON.parse(options)).then(console.log, failed);
"""


@pytest_asyncio.fixture
async def served(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[Served]:
    async with serving(tmp_path / "project", org) as found:
        yield found


class InPython:
    """The consumer in Python, in this process."""

    def __init__(self, folder: Path) -> None:
        block, _ = PAGE.blocks("python")
        (folder / "follow.py").write_text(block.text, encoding="utf-8")
        self._follow: Any = runpy.run_path(str(folder / "follow.py"))["follow"]
        self._mine = folder / "addresses.db"

    async def follow(self, url: str, token: str, *, wait: int = 0) -> int:
        applied: int = await to_thread.run_sync(lambda: self._follow(str(self._mine), url=url, token=token, wait=wait))
        return applied

    def addresses(self) -> dict[tuple[str, str], str | None]:
        with closing(sqlite3.connect(self._mine)) as target:
            return {(connection, id_): email for connection, id_, email in target.execute("SELECT * FROM address")}

    def read_until(self, number: int) -> None:
        with closing(sqlite3.connect(self._mine)) as target, target:
            target.execute("UPDATE position SET number = ?", [number])


class InJavaScript:
    """The consumer in JavaScript, in a process for each call."""

    def __init__(self, folder: Path) -> None:
        [block] = PAGE.blocks("javascript")
        self._program, self._mine = folder / "follow.cjs", folder / "addresses.json"
        self._program.write_text(block.text, encoding="utf-8")

    async def follow(self, url: str, token: str, *, wait: int = 0) -> int:
        options = json.dumps({"url": url, "token": token, "wait": wait})
        command = [str(NODE), "-e", CALLING, str(self._program), str(self._mine), options]
        ended = await anyio.run_process(command, check=False, stderr=subprocess.PIPE)
        assert ended.returncode == 0, ended.stderr.decode()
        return int(ended.stdout)

    def addresses(self) -> dict[tuple[str, str], str | None]:
        kept = json.loads(self._mine.read_text(encoding="utf-8"))["entries"]
        return {tuple(key.split(" ")): email for key, email in kept}

    def read_until(self, number: int) -> None:
        kept = json.loads(self._mine.read_text(encoding="utf-8"))
        self._mine.write_text(json.dumps({**kept, "last": number}), encoding="utf-8")


IN_BOTH = pytest.mark.parametrize(
    "language",
    [
        pytest.param(InPython, id="python"),
        pytest.param(InJavaScript, id="javascript", marks=pytest.mark.skipif(NODE is None, reason="node is not here")),
    ],
)


async def copied(served: Served, connection: str = "acme") -> dict[tuple[str, str], str | None]:
    return {(connection, id_): row["email"] for id_, row in (await served.sample.live("contact")).items()}


@IN_BOTH
async def test_a_consumer_has_what_the_copy_has_after_changes_deletions_and_a_reset(
    language: type[InPython | InJavaScript],
    served: Served,
    org: DemoOrg,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orgsync.store.row_pages.FIRST_PAGE", 10)
    monkeypatch.setattr("orgsync.server.api_records._LARGEST_PAGE", 1)  # so that a page has ten rows
    consumer, token = language(tmp_path), await served.token("read")
    await served.sample.run(contacts)
    assert await consumer.follow(served.url, token) == 25
    assert await consumer.follow(served.url, token) == 0
    assert consumer.addresses() == await copied(served)
    changed, deleted, *_ = [str(row["Id"]) for row in org.rows("Contact")]
    org.advance(minutes=10)
    org.update("Contact", changed, Email="new@example.com")
    org.delete("Contact", deleted)
    await served.sample.run(contacts)
    assert await consumer.follow(served.url, token) == 2
    assert consumer.addresses() == await copied(served)
    assert ("acme", deleted) not in consumer.addresses()
    assert consumer.addresses()["acme", changed] == "new@example.com"
    await served.project.connections.rename("acme", "constructor")  # what every object in JavaScript has
    await consumer.follow(served.url, token)
    assert consumer.addresses() == await copied(served, "constructor")
    await served.project.syncs.reset("contacts")
    assert await consumer.follow(served.url, token) == 1
    assert consumer.addresses() == {}


@IN_BOTH
async def test_a_consumer_that_is_refused_says_why_and_keeps_what_it_has(
    language: type[InPython | InJavaScript], served: Served, tmp_path: Path
) -> None:
    consumer, token = language(tmp_path), await served.token("read")
    await served.sample.run(contacts)
    await consumer.follow(served.url, token)
    before = consumer.addresses()
    with pytest.raises(Exception, match=r"422 .*wait: Input should be less than or equal to 60"):
        await consumer.follow(served.url, token, wait=61)
    with pytest.raises(Exception, match=r"401 .*unknown, revoked or expired"):
        await consumer.follow(served.url, f"{token}x")
    consumer.read_until(1_000_000)
    with pytest.raises(Exception, match=r"400 .*The change feed has no number 1000000"):
        await consumer.follow(served.url, token)
    assert consumer.addresses() == before
