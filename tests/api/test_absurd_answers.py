"""Answers with values that nothing can hold: they are left out, or told as the server's fault."""

import gzip
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from orgsync import Batch, Batches, Context, Record, sync
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import NetworkProblem, QueryRefused, ResponseUnreadable, ScriptProblem, SettingInvalid
from orgsync.extract import column_groups, rest
from orgsync.salesforce.api.query import pages
from orgsync.salesforce.api.usage import parse_limit_info
from orgsync.salesforce.auth.token_response import lifetime_of, parse_token_response
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.environment import trusted
from orgsync.salesforce.http.http import Http
from orgsync.salesforce.http.messages import Response
from tests.extract.extracting import reading
from tests.http.raw_server import RawServer, reply
from tests.projects import project_at

from .clients import lone_client


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None


@pytest.mark.parametrize("reported", ["999999999999", 10**400, "9" * 400, -5, "soon", 1e300])
def test_a_lifetime_that_no_token_has_is_unknown(reported: str | float) -> None:
    answer = parse_token_response(
        {"access_token": "t", "instance_url": "https://x.my.salesforce.com", "expires_in": reported}
    )
    assert answer.expires_in is None
    assert lifetime_of(7200) == 7200


def test_a_date_of_another_age_tells_no_time() -> None:
    assert Response(200, {"date": "Fri, 31 Dec 9999 23:59:59 GMT"}, b"", "GET", "https://x/").date is None
    assert Response(200, {"date": "Sat, 31 Jan 2026 10:15:00 GMT"}, b"", "GET", "https://x/").date == datetime(
        2026, 1, 31, 10, 15, tzinfo=UTC
    )


def test_a_usage_of_thousands_of_digits_says_nothing() -> None:
    assert parse_limit_info({"sforce-limit-info": f"api-usage={'9' * 5000}/5"}) is None


async def test_half_a_pair_of_surrogates_in_an_error_is_replaced_and_the_run_is_ended(
    tmp_path: Path, org: DemoOrg
) -> None:
    body = '[{"errorCode": "MALFORMED_QUERY", "message": "x \\ud800 y"}]'
    org.add_fault(Fault.status(400, body, content_type="application/json"), match="/query", times=None)
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Contact))
    assert isinstance(outcome.problem, QueryRefused)
    assert (outcome.run.status, "x \ufffd y" in (outcome.run.error or "")) == ("failed", True)


@asynccontextmanager
async def sending(head: str, first: bytes, then: bytes, times: int, pause: float = 0) -> AsyncGenerator[str]:
    """Serve an answer that comes in many parts; give its URL."""

    async def answer(stream: SocketStream) -> None:
        with suppress(anyio.BrokenResourceError):
            async with stream:
                await stream.receive()
                await stream.send(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n".encode() + first)
                for _ in range(times):
                    await stream.send(then)
                    await anyio.sleep(pause)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/"  # noqa: S610 - no Django
        tasks.cancel_scope.cancel()


async def read_into(parts: list[bytes], http: Http, url: str) -> None:
    async with http.stream("GET", url) as stream:
        async for part in stream.chunks():
            parts.append(part)


async def test_a_body_in_tiny_parts_is_given_in_large_ones_and_what_came_before_it_broke_as_well() -> None:
    parts: list[bytes] = []
    async with sending("Transfer-Encoding: chunked\r\n", b"", b"2\r\nab\r\n" * 1000, 100) as url, Http() as http:
        with pytest.raises(NetworkProblem):
            await read_into(parts, http, url)
    assert b"".join(parts) == b"ab" * 100_000
    assert len(parts) < 10


async def test_a_zipped_body_that_unfolds_to_nothing_is_too_slow() -> None:
    begun, empty = bytes.fromhex("1f8b08000000000000ff"), bytes.fromhex("000000ffff") * 100
    zipped = sending("Content-Encoding: gzip\r\n", begun, empty, 10_000, 0.01)
    async with zipped as url, Http(timeout=0.3, bounds=Bounds(minimum_rate=100)) as http:
        with pytest.raises(NetworkProblem, match="arrives more slowly than 100 bytes a second"):
            await read_into([], http, url)


def test_certificates_may_lie_in_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    (tmp_path / "9d66eef0.0").touch()
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}/none:{tmp_path}")
    assert trusted().get_ca_certs() == []
    (tmp_path / "9d66eef0.0").touch()
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}/none:{tmp_path}/neither")
    with pytest.raises(SettingInvalid, match="SSL_CERT_DIR"):
        trusted()


def test_a_certificate_in_the_place_of_its_files_name_is_reported_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "x" * 5000)
    with pytest.raises(SettingInvalid, match="SSL_CERT_FILE names x") as caught:
        trusted()
    assert len(str(caught.value)) < 600


async def test_a_proxy_whose_address_is_none_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://999.1.1.1:3128")
    monkeypatch.delenv("https_proxy", raising=False)
    async with Http() as http:
        with pytest.raises(SettingInvalid, match="HTTPS_PROXY does not hold the address of a proxy"):
            await http.send("GET", "https://login.salesforce.com/")


@pytest.mark.parametrize(("rows", "words"), [(1_500_000, "JSON of more than 700,000 objects"), (2_001, "2,001 rows")])
async def test_a_small_answer_of_very_many_rows_is_the_servers_fault(rows: int, words: str) -> None:
    body = b'{"totalSize":%d,"done":true,"records":[%s{}]}' % (rows, b"{}," * (rows - 1))
    zipped = reply(200, gzip.compress(body), Content_Encoding="gzip")
    assert len(zipped) < 10_000
    async with RawServer(zipped) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match=words):
            async for _ in pages(lone_client(http, server.url), "SELECT Id FROM Contact"):
                pass


async def test_a_watermark_from_before_any_org_is_not_taken_and_the_next_run_reads_on(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Contact))
        updated = '{"ids": [], "latestDateCovered": "0001-01-01T00:00:00.000+0000"}'
        org.add_fault(Fault.status(200, updated, content_type="application/json"), match="/updated", times=3)
        refused = await project.outcome(reading(Contact))
        assert isinstance(refused.problem, ResponseUnreadable)
        assert "latestDateCovered" in refused.problem.cause
        await project.run(reading(Contact))


def changed(**values: object) -> Fault:
    """Change fields of the first row of each page; None for a name takes the field away."""

    def alter(page: dict[str, object], path: str) -> dict[str, object]:
        records: Any = page["records"]
        first: dict[str, object] = {
            name: values.get(name, value) for name, value in records[0].items() if values.get(name, "") is not ...
        }
        return page | {"records": [first, *records[1:]]}

    return Fault.altering(alter)


STAMP = "SystemModstamp"


@pytest.mark.parametrize("api", ["changes", "ids", "wide"])
@pytest.mark.parametrize("wrong", [None, ..., 5, "short", ["a"]])
async def test_a_row_without_a_valid_id_is_the_servers_fault(
    tmp_path: Path, org: DemoOrg, wrong: object, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if api == "wide":
        monkeypatch.setattr(column_groups, "_ROOM", 300)
    async with project_at(tmp_path, org) as project:
        if api == "ids":
            await project.run(reading(Contact))
        org.add_fault(changed(Id=wrong), match="/query", times=None)
        outcome = await project.outcome(reading(Contact), reconcile=api == "ids")
    assert isinstance(outcome.problem, ResponseUnreadable)
    assert "without a valid Id" in outcome.problem.cause


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (STAMP, 1764288000000),
        (STAMP, "9999-12-31T23:59:59.000-1200"),
        (STAMP, "9999-12-31T23:59:59.000+0000"),
        (STAMP, ["x"]),
        ("IsDeleted", None),
        ("IsDeleted", 0),
        ("IsDeleted", {}),
        (STAMP, ...),
        ("IsDeleted", ...),
    ],
)
async def test_what_is_wrong_in_a_column_that_no_class_declares_is_the_servers_fault(
    tmp_path: Path, org: DemoOrg, name: str, wrong: object
) -> None:
    org.add_fault(changed(**{name: wrong}), match="/query", times=None)
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Contact))
    assert isinstance(outcome.problem, ResponseUnreadable)
    assert name in outcome.problem.cause


async def test_a_short_id_is_the_long_one(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Contact))
        before = set(await project.live("contact"))
        [first, *_] = sorted(before)
        org.add_fault(changed(Id=first[:15]), match="/query", times=None)
        outcome = await project.run(reading(Contact), reconcile=True)
        assert (outcome.deleted, set(await project.live("contact"))) == (0, before)


@pytest.mark.parametrize("iterated", [True, False])
async def test_what_reading_an_answer_raises_is_not_blamed_on_the_script(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch, iterated: bool
) -> None:
    monkeypatch.setattr(rest, "last_key", int)  # which takes neither

    @sync(name="reading")
    async def read(ctx: Context) -> Batches[Record]:
        async for batch in ctx.changes(Contact):
            yield batch

    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(read if iterated else reading(Contact))
    assert isinstance(outcome.problem, ResponseUnreadable)
    assert "TypeError at extract/rest.py, line " in outcome.problem.cause


async def test_what_a_script_gives_a_call_of_its_own_stays_the_scripts_fault(tmp_path: Path, org: DemoOrg) -> None:
    @sync(name="reading")
    async def read(ctx: Context) -> Batches[Record]:
        await ctx.get(5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        yield Batch(Contact, [])

    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(read)
    assert isinstance(outcome.problem, ScriptProblem)
