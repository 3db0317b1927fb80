"""No answer holds anybody up for ever, and none fills the memory, whatever the other side does."""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import NetworkProblem, OrgsyncError, ResponseTooLarge, ResponseUnreadable
from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.auth.token_endpoint import introspect
from orgsync.salesforce.bulk import complete, create_job, results
from orgsync.salesforce.http.body import paced
from orgsync.salesforce.http.bounds import Bounds, Pace
from orgsync.salesforce.http.http import Http
from orgsync.salesforce.http.json_size import is_too_large
from orgsync.salesforce.http.messages import Response
from orgsync.salesforce.http.request import Request
from tests.auth.vaults import MemoryVault
from tests.http.raw_server import RawServer, reply
from tests.projects import credentials_for

from ..api.clients import client_of, lone_client

MIB = 1024 * 1024
SOON = Bounds(response_timeout=0.2)
SMALL = Bounds(largest_response=MIB)
SOQL = "SELECT Id, LastName, FirstName FROM Contact"


@pytest.mark.parametrize("head", [False, True], ids=["body", "headers"])
async def test_an_answer_that_drips_is_given_up_when_its_time_is_over(org: DemoOrg, head: bool) -> None:
    org.add_fault(Fault.drip(0.02, head=head), match="services", times=None)
    async with Http(bounds=SOON) as http:
        with pytest.raises(NetworkProblem, match=r"complete after 0\.2 seconds") as caught:
            await http.send("GET", f"{org.url}/services/data")
    assert "response_timeout" in caught.value.remedy


async def test_the_headers_of_a_stream_must_be_there_in_time(org: DemoOrg) -> None:
    org.add_fault(Fault.drip(0.02, head=True))
    async with Http(timeout=0.2, connect_timeout=0.2) as http:
        with pytest.raises(NetworkProblem, match=r"after 0\.4 seconds"):
            async with http.stream("GET", f"{org.url}/services/data"):
                pass


async def test_the_body_of_a_stream_must_come_at_a_minimum_rate(org: DemoOrg) -> None:
    org.add_fault(Fault.drip(0.01))
    async with Http(timeout=0.1) as http, http.stream("GET", f"{org.url}/services/data", timeout=3600) as stream:
        with pytest.raises(NetworkProblem, match="slowly than 1000 bytes a second") as caught:
            await stream.read()
    assert "minimum_rate" in caught.value.remedy


async def test_a_stream_that_falls_silent_is_given_up(org: DemoOrg) -> None:
    org.add_fault(Fault.drip(3600))
    async with Http(timeout=0.1) as http, http.stream("GET", f"{org.url}/services/data", timeout=3600) as stream:
        with pytest.raises(NetworkProblem, match="more slowly"):
            await stream.read()


async def test_a_refusal_of_a_stream_must_come_in_time_too(org: DemoOrg) -> None:
    org.add_fault(Fault.drip(0.02))
    async with Http(bounds=SOON) as http:
        with pytest.raises(NetworkProblem, match="response_timeout"):
            async with http.stream("GET", f"{org.url}/services/data/v62.0/limits"):
                pass


def test_a_large_body_that_comes_slowly_but_steadily_may_take_as_long_as_it_likes() -> None:
    pace = Pace(window=120, rate=1000)
    assert not any(pace.too_slow(1, 1000) for _ in range(100_000))
    assert not any(pace.too_slow(119, 119_000) for _ in range(1000))


def test_a_body_that_pauses_and_then_comes_fast_is_no_slow_one() -> None:
    pace = Pace(window=120, rate=1000)
    assert not pace.too_slow(119, 64_000)
    assert not any(pace.too_slow(0.1, 64_000) for _ in range(100))


def test_a_byte_a_second_is_too_slow_after_one_window() -> None:
    pace = Pace(window=120, rate=1000)
    assert [pace.too_slow(1, 1) for _ in range(121)] == [False] * 120 + [True]


def test_a_window_with_too_few_bytes_leaves_a_second_for_what_is_on_its_way() -> None:
    pace = Pace(window=120, rate=1000)
    assert not any(pace.too_slow(119, 10_000) for _ in range(2))
    assert pace.patience == 1
    assert not pace.too_slow(0.5, 64_000)
    assert pace.patience == 0.5
    assert not pace.too_slow(0.25, 64_000)
    assert pace.patience == 120


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_body_that_has_come_to_its_end_is_whole_however_few_its_last_bytes(count: int) -> None:
    pace = Pace(window=60, rate=1e15, waited=60)
    pieces = paced(arriving([b"rest"] * count), Request("GET", "https://x", {}), pace)
    got = [piece async for piece in pieces]
    assert got == [b"rest"] * count


async def arriving(pieces: list[bytes]) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_bulk_result_that_drips_ends_as_a_network_problem(org: DemoOrg) -> None:
    org.bulk_polls = 1
    async with client_of(org) as client:
        job = await complete(client, await create_job(client, SOQL, deleted=False), stalled_after=60, report=ignore)
    async with client_of(org, signed_in=True, timeout=0.1) as client:
        org.add_fault(Fault.drip(0.01), match="results", times=None)
        with pytest.raises(NetworkProblem, match="more slowly"):
            async with aclosing(results(client, job)) as parts:
                _ = [part async for part in parts]


def ignore(_: object) -> None:
    return None


@pytest.mark.parametrize("fault", [Fault.bomb(), Fault.endless()], ids=["unfolds a thousandfold", "has no end"])
async def test_an_answer_that_grows_too_large_is_given_up_at_once_and_names_the_setting(
    org: DemoOrg, fault: Fault
) -> None:
    async with client_of(org, bounds=SMALL) as client:
        org.add_fault(fault, match="limits", times=None)
        org.clear_requests()
        with pytest.raises(ResponseTooLarge, match="more than 1,048,576 bytes, counted unzipped") as caught:
            await client.get("limits")
    assert "largest_response" in caught.value.remedy
    assert [request.path.rpartition("/")[2] for request in org.requests].count("limits") == 1


async def test_a_stream_that_is_read_whole_is_held_to_the_size_too(org: DemoOrg) -> None:
    org.add_fault(Fault.bomb())
    async with Http(bounds=SMALL) as http, http.stream("GET", f"{org.url}/services/data") as stream:
        with pytest.raises(ResponseTooLarge, match="largest_response"):
            await stream.read()


async def test_an_answer_of_just_the_largest_size_is_read() -> None:
    body = b"x" * MIB
    zipped = reply(200, gzip.compress(body), Content_Encoding="gzip")
    async with RawServer(zipped, reply(200, body), reply(200, body + b"x")) as server, Http(bounds=SMALL) as http:
        assert (await http.send("GET", server.url)).content == body
        assert (await http.send("GET", server.url)).content == body
        with pytest.raises(ResponseTooLarge):
            await http.send("GET", server.url)


async def test_a_zipped_answer_that_is_cut_short_is_no_whole_one() -> None:
    cut = reply(200, gzip.compress(b"[1, 2, 3]")[:-9], Content_Encoding="gzip")
    async with RawServer(cut) as server, Http() as http:
        with pytest.raises(NetworkProblem, match="broke before the whole response"):
            await http.send("GET", server.url)


async def test_a_body_zipped_in_several_members_is_read_to_the_last() -> None:
    body = gzip.compress(b"[1, ") + gzip.compress(b"2]")
    async with RawServer(reply(200, body, Content_Encoding="gzip")) as server, Http() as http:
        assert (await http.send("GET", server.url)).json() == [1, 2]


async def test_an_encoding_that_was_not_asked_for_is_named() -> None:
    async with RawServer(reply(200, b"xyz", Content_Encoding="br")) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match="encoding that was not requested"):
            await http.send("GET", server.url)


async def test_an_empty_answer_may_say_that_it_is_zipped() -> None:
    async with RawServer(reply(200, b"", Content_Encoding="gzip")) as server, Http() as http:
        assert (await http.send("GET", server.url)).content == b""


@pytest.mark.parametrize("fault", [Fault.bomb(), Fault.endless()])
async def test_what_a_sign_in_can_do_without_is_bounded_and_done_without(org: DemoOrg, fault: Fault) -> None:
    org.add_fault(fault, match="introspect")
    async with Http() as http:
        signed_in = replace(credentials_for(org), access_token="x", instance_url=org.url)
        assert await introspect(http, signed_in) is None


@pytest.mark.parametrize("status", [200, 400])
async def test_json_nested_too_deep_is_the_servers_fault(status: int) -> None:
    async with RawServer(reply(status, b"[" * 100_000)) as server, Http() as http:
        client = lone_client(http, server.url)
        with pytest.raises(OrgsyncError) as caught:
            await client.get("limits")
    assert isinstance(caught.value, ResponseUnreadable)


def signing_in(http: Http, org: DemoOrg, vault: MemoryVault, grace: float) -> Session:
    return Session(http, vault, token_timeout=3600, grace=grace)


@pytest.mark.parametrize("fault", [Fault.drip(0.01), Fault.drip(0.01, head=True), Fault.hang()])
async def test_a_cancelled_sign_in_waits_for_its_answer_for_the_grace_alone(org: DemoOrg, fault: Fault) -> None:
    org.add_fault(fault, match="token", times=None)
    vault = MemoryVault(credentials_for(org))
    async with Http(timeout=3600) as http:
        with anyio.move_on_after(0.1) as scope:
            await signing_in(http, org, vault, grace=0.1).access()
    assert scope.cancelled_caught
    assert vault.credentials.access_token is None
    assert vault.reasons == []


async def test_a_token_that_arrives_within_the_grace_is_stored(org: DemoOrg) -> None:
    org.rotate_refresh_tokens = True
    org.add_fault(Fault.drip(0.1, at_once=400), match="token")
    before = credentials_for(org)
    vault = MemoryVault(before)
    async with Http(timeout=3600) as http:
        with anyio.move_on_after(0.05) as scope:
            await signing_in(http, org, vault, grace=3600).access()
    assert scope.cancelled_caught
    assert vault.credentials.access_token
    assert vault.credentials.refresh_token != before.refresh_token


async def test_a_task_that_is_cancelled_by_asyncio_itself_stores_the_token_as_well(org: DemoOrg) -> None:
    org.rotate_refresh_tokens = True
    org.add_fault(Fault.drip(0.1, at_once=400), match="token")
    before = credentials_for(org)
    vault = MemoryVault(before)
    async with Http(timeout=3600) as http:
        asked = asyncio.create_task(signing_in(http, org, vault, grace=3600).access())
        while not org.requests:
            await anyio.lowlevel.checkpoint()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    assert asked.cancelled()
    assert vault.credentials.refresh_token != before.refresh_token


@pytest.mark.parametrize(
    ("piece", "times"), [(b"{},", 1_000_000), (b"[],", 1_000_000), (b'"a",', 2_500_001), (b'{"":1},', 1_000_000)]
)
def test_json_of_more_objects_than_any_answer_has_is_not_read(piece: bytes, times: int) -> None:
    answer = Response(200, {}, b"[" + piece * times + b"0]", "GET", "https://acme.my.salesforce.com/x")
    with pytest.raises(ResponseTooLarge, match="JSON of more than 700,000 objects and lists"):
        answer.json()


def test_what_stands_inside_of_texts_counts_for_no_objects() -> None:
    text = '{[,\\"' * 1_100_000
    answer = Response(200, {}, f'["{text}", "{text}"]'.encode(), "GET", "https://acme.my.salesforce.com/x")
    assert answer.json() == ['{[,"' * 1_100_000] * 2


Document: TypeAlias = "str | list[Document] | dict[str, Document]"

texts = st.text('"\\{[,]}\n\u00e9', max_size=6)
documents: st.SearchStrategy[Document] = st.recursive(
    texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)
)


def tokens_of(document: Document) -> int:
    """Count the objects, lists and commas of a JSON text."""
    if isinstance(document, str):
        return 0
    inner = list(document.values()) if isinstance(document, dict) else document
    return max(1, len(inner)) + sum(map(tokens_of, inner))


@given(documents)
def test_only_what_stands_outside_of_texts_is_counted(document: Document) -> None:
    tokens, text = tokens_of(document), json.dumps(document).encode()
    assert not is_too_large(text, values=tokens)
    assert not tokens or is_too_large(text, values=tokens - 1)
