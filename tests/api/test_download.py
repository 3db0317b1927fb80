"""Contents that are downloaded: whole or an error, resumed where the connection breaks, and to the org's own host."""

import asyncio
import gzip
import hashlib
import json
import os
import stat
import tracemalloc
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import (
    ArgumentInvalid,
    ContentBroken,
    FileUnusable,
    HostNotAllowed,
    NetworkProblem,
    NotFound,
    ResponseTooLarge,
)
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.download import download
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.http import Http
from tests.http.raw_server import RESET, RawServer, reply

from .clients import client_of, lone_client

VERSION = "/services/data/v62.0/sobjects/ContentVersion/068000000000001AAA/VersionData"
BODY = "/services/data/v62.0/sobjects/Attachment/00P000000000001AAA/Body"
CONTENT = bytes(range(256)) * 40
HALF = len(CONTENT) // 2


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def cut(content: bytes, at: int = HALF, **headers: str) -> bytes:
    """Announce a whole content and end the connection in the middle of it."""
    whole = reply(200, content, Content_Type="application/octetstream", Connection="close", **headers)
    return whole[: len(whole) - len(content) + at]


def part(content: bytes, start: int, total: int | None = None, **headers: str) -> bytes:
    of = len(content) if total is None else total
    return reply(206, content[start:], Content_Range=f"bytes {start}-{len(content) - 1}/{of}", **headers)


async def read(server: RawServer, path: str = VERSION, size: int | None = None) -> bytes:
    async with Http(timeout=5) as http, download(lone_client(http, server.url), path, size=size) as content:
        return await content.read()


async def version_data(client: Client, org: DemoOrg) -> tuple[str, int]:
    rows = org.rows("ContentVersion")
    return f"sobjects/ContentVersion/{rows[-1]['Id']}/VersionData", int(str(rows[-1]["ContentSize"]))


async def test_a_content_comes_as_it_is_piece_by_piece(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        path, size = await version_data(client, org)
        async with download(client, path, size=size) as content:
            pieces = [piece async for piece in content]
            assert (content.received, content.content_type) == (size, "application/octetstream")
    assert md5_of(b"".join(pieces)) == org.rows("ContentVersion")[-1]["Checksum"]
    assert client.usage.calls == 1


async def test_a_dead_token_is_renewed_once(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        path, size = await version_data(client, org)
        org.expire_tokens()
        async with download(client, path) as content:
            assert len(await content.read()) == size
    assert [each.path.rpartition("/")[2] for each in org.requests] == ["VersionData", "token", "VersionData"]


async def test_what_passes_is_tried_again_before_the_first_byte(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        path, size = await version_data(client, org)
        org.add_fault(Fault.maintenance(), match="VersionData", times=2)
        async with download(client, path) as content:
            assert len(await content.read()) == size


async def test_a_content_that_breaks_off_is_resumed_where_it_broke_off(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        path, size = await version_data(client, org)
        org.add_fault(Fault.truncate(), match="VersionData", times=2)
        async with download(client, path, size=size) as content:
            whole = await content.read()
    assert md5_of(whole) == org.rows("ContentVersion")[-1]["Checksum"]


async def test_a_range_is_asked_for_behind_what_has_arrived() -> None:
    async with RawServer(cut(CONTENT), part(CONTENT, HALF)) as server:
        assert await read(server) == CONTENT
    assert [each.headers.get("range") for each in server.asked] == [None, f"bytes={HALF}-"]
    assert [each.headers.get("accept-encoding") for each in server.asked] == ["identity", "identity"]


async def test_a_content_that_may_change_is_resumed_by_its_etag_alone() -> None:
    async with RawServer(cut(CONTENT, ETag='"one"'), part(CONTENT, HALF)) as server:
        assert await read(server, BODY) == CONTENT
    assert (server.asked[1].headers["range"], server.asked[1].headers["if-range"]) == (f"bytes={HALF}-", '"one"')
    for first in (cut(CONTENT), cut(CONTENT, ETag='W/"weak"')):
        async with RawServer(first, reply(200, CONTENT)) as server:
            assert await read(server, BODY) == CONTENT
        assert "range" not in server.asked[1].headers


async def test_a_server_without_ranges_sends_everything_again_and_nothing_is_yielded_twice() -> None:
    async with RawServer(cut(CONTENT), cut(CONTENT, HALF + 100), reply(200, CONTENT)) as server:
        assert await read(server) == CONTENT


@pytest.mark.parametrize(
    "answer",
    [
        part(CONTENT, HALF - 1),
        part(CONTENT, HALF, len(CONTENT) + 1),
        reply(206, CONTENT[HALF:]),
        reply(206, CONTENT[HALF:], Content_Range="bytes */9"),
        reply(416, b"", Content_Range=f"bytes */{len(CONTENT)}"),
    ],
)
async def test_a_range_that_is_not_the_one_asked_for_is_not_believed(answer: bytes) -> None:
    async with RawServer(cut(CONTENT), answer, reply(200, CONTENT)) as server:
        assert await read(server) == CONTENT


async def test_a_content_that_changes_meanwhile_is_no_mixture_of_two() -> None:
    other = bytes(reversed(CONTENT))
    for path in (VERSION, BODY):
        async with RawServer(cut(CONTENT), reply(200, other)) as server:
            with pytest.raises(ContentBroken, match="changed while it was downloaded"):
                await read(server, path)
    async with RawServer(cut(CONTENT), reply(200, CONTENT[:100])) as server:
        with pytest.raises(ContentBroken):
            await read(server, BODY)


async def test_a_short_content_is_never_taken_for_the_whole() -> None:
    no_length = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    async with RawServer(no_length + CONTENT[:HALF]) as server:
        with pytest.raises((ContentBroken, NetworkProblem)):
            await read(server, size=len(CONTENT))
    async with RawServer(no_length + CONTENT[:HALF], part(CONTENT, HALF)) as server:
        assert await read(server, size=len(CONTENT)) == CONTENT
    for wrong in (len(CONTENT) - 1, len(CONTENT) + 1):
        async with RawServer(reply(200, CONTENT)) as server:
            with pytest.raises(ContentBroken, match=f"not the {wrong:,} that its record says"):
                await read(server, size=wrong)
    async with RawServer(no_length + CONTENT) as server:
        with pytest.raises(ContentBroken, match="more than"):
            await read(server, size=HALF)


async def test_a_connection_that_stays_broken_is_an_error_after_a_few_tries() -> None:
    async with RawServer(cut(CONTENT), cut(CONTENT, 0)) as server:
        with pytest.raises(NetworkProblem):
            await read(server)
    assert 3 <= len(server.asked) <= 8
    async with RawServer(cut(CONTENT), RESET) as server:
        with pytest.raises(NetworkProblem):
            await read(server)
    assert len(server.asked) <= 10


async def test_a_gzipped_content_is_unzipped_and_its_length_not_taken_for_the_contents() -> None:
    async with RawServer(reply(200, gzip.compress(CONTENT), Content_Encoding="gzip")) as server:
        assert await read(server, size=len(CONTENT)) == CONTENT


async def test_a_path_may_lack_its_first_slash() -> None:
    async with RawServer(reply(200, CONTENT)) as server:
        assert await read(server, VERSION[1:]) == CONTENT
    assert server.asked[0].target == VERSION


async def test_an_empty_content_is_empty() -> None:
    async with RawServer(reply(200, b"")) as server:
        assert await read(server, size=0) == b""


async def test_the_token_goes_to_the_orgs_own_host_alone(org: DemoOrg) -> None:
    async with RawServer(reply(200, CONTENT)) as server, client_of(org, signed_in=True) as client:
        with pytest.raises(HostNotAllowed):
            async with download(client, f"{server.url}{VERSION}"):
                pass
    assert server.asked == []


async def test_a_record_that_is_gone_is_named_as_such(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        with pytest.raises(NotFound):
            async with download(client, "sobjects/ContentVersion/068000000000009AAA/VersionData"):
                pass


async def test_a_content_is_read_once() -> None:
    async with (
        RawServer(reply(200, CONTENT)) as server,
        Http(timeout=5) as http,
        download(lone_client(http, server.url), VERSION) as content,
    ):
        await content.read()
        with pytest.raises(ArgumentInvalid, match="twice"):
            await content.read()


async def test_a_content_that_does_not_fit_into_memory_is_not_read_whole() -> None:
    async with RawServer(reply(200, CONTENT)) as server, Http(timeout=5, bounds=Bounds(largest_response=100)) as http:
        client = lone_client(http, server.url)
        with pytest.raises(ResponseTooLarge):
            async with download(client, VERSION) as content:
                await content.read()
        async with download(client, VERSION) as content:
            assert sum([len(piece) async for piece in content]) == len(CONTENT)


async def test_a_content_is_saved_whole_for_its_owner_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "offer.pdf"
    target.write_bytes(b"old")
    async with RawServer(cut(CONTENT), cut(CONTENT, 0)) as server, Http(timeout=5) as http:
        with pytest.raises(NetworkProblem):
            async with download(lone_client(http, server.url), VERSION) as content:
                await content.save(target)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]
    async with RawServer(reply(200, CONTENT)) as server, Http(timeout=5) as http:
        async with download(lone_client(http, server.url), VERSION) as content:
            assert await content.save(target) == len(CONTENT)
        async with download(lone_client(http, server.url), VERSION) as content:
            with pytest.raises(FileUnusable, match=r"cannot be written: No such file.*Make its folder, or"):
                await content.save(tmp_path / "absent" / "offer.pdf")
        async with download(lone_client(http, server.url), VERSION) as content:
            with pytest.raises(FileUnusable, match=r"cannot be written: .*directory\. Choose another file\.$"):
                await content.save(target / "offer.pdf")
    assert target.read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["offer.pdf"]
    assert os.name != "posix" or stat.S_IMODE(target.stat().st_mode) == 0o600


async def test_a_large_content_needs_little_memory() -> None:
    block = bytes(1024 * 1024)
    size = 48 * len(block)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(48):
            writer.write(block)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, Http(timeout=30) as http:
        client = lone_client(http, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with download(client, VERSION, size=size) as content:
            tracemalloc.start()
            try:
                async for _ in content:
                    pass
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    assert content.received == size
    assert peak < 8 * 1024 * 1024


async def test_leaving_early_closes_the_connection(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        path, _ = await version_data(client, org)
        async with download(client, path) as content:
            async for _ in content:
                break
        assert json.dumps(await client.get("limits"))
