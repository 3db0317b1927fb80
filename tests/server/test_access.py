"""Who may call the HTTP API, and for what."""

import base64
import gzip
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx
import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import SettingInvalid
from orgsync.server import ServerOptions, create_app, server_names
from orgsync.settings import Settings
from orgsync.store import Connection
from tests.plain_http import NOBODY

from .serving import Served, contacts, serving

PATHS = ("/api/v1/connections", "/api/v1/records", "/api/v1/records/contact", "/api/v1/changes/contact", "/api/v1/runs")


@pytest.mark.parametrize("path", PATHS)
async def test_a_call_without_a_token_is_refused(served: Served, path: str) -> None:
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as stranger:
        answer = await stranger.get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthorized"


@pytest.mark.parametrize(("seconds", "then"), [(0, 401), (600, 200)])
async def test_a_token_is_good_until_it_is_revoked_elsewhere_and_so_many_seconds_and_its_use_is_kept(
    tmp_path: Path, org: DemoOrg, seconds: float, then: int
) -> None:
    async with (
        serving(tmp_path, org, ServerOptions(token_seconds=seconds)) as served,
        await served.caller("read") as caller,
    ):
        assert (await caller.get("/api/v1/runs")).status_code == 200
        [token] = await served.project.tokens.list()
        assert token.last_used_at is not None
        await served.project.tokens.revoke("caller")
        assert (await caller.get("/api/v1/runs")).status_code == then


def cut(token: str) -> str:
    return token[:-1]


def renamed(token: str) -> str:
    return token.replace("orgsync_", "other_")


@pytest.mark.parametrize("change", [cut, renamed, str.upper])
async def test_a_token_that_differs_in_anything_is_none(served: Served, change: Callable[[str], str]) -> None:
    wrong = change(await served.token("read"))
    async with httpx.AsyncClient(
        verify=NOBODY, base_url=served.url, headers={"Authorization": f"Bearer {wrong}"}, timeout=30
    ) as caller:
        answer = await caller.get("/api/v1/runs")
    assert (answer.status_code, answer.json()["title"]) == (401, "The token is unknown, revoked or expired.")


async def test_whoever_guesses_has_to_wait(served: Served) -> None:
    async with httpx.AsyncClient(
        verify=NOBODY, base_url=served.url, headers={"Authorization": "Bearer orgsync_00_guess"}, timeout=30
    ) as caller:
        answers = [await caller.get("/api/v1/runs") for _ in range(25)]
    assert [each.status_code for each in answers] == [401] * 20 + [429] * 5
    async with await served.caller("read") as caller:
        assert (await caller.get("/api/v1/runs")).status_code == 200, "others at the same address are answered"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60


async def test_a_token_does_what_its_scopes_say_and_no_more(served: Served) -> None:
    async with await served.caller("read") as reader, await served.caller("admin", name="admin") as admin:
        refused = await reader.delete("/api/v1/connections/acme")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert (await admin.delete("/api/v1/connections/acme")).json() == {"connection": "acme", "problems": []}
        assert (await reader.get("/api/v1/connections")).json() == {"connections": []}


async def test_a_limited_token_sees_its_own_connections_alone(served: Served) -> None:
    await served.sample.run(contacts)
    async with await served.caller("read", connections=["acme"]) as caller:
        listed = (await caller.get("/api/v1/connections")).json()["connections"]
        assert [each["name"] for each in listed] == ["acme"]
        rows = (await caller.get("/api/v1/records/contact?limit=5")).json()["rows"]
        assert {row["connection"] for row in rows} == {"acme"}
        for path in ("connections/globex", "records/contact?connection=globex", "changes/contact?connection=globex"):
            answer = await caller.get(f"/api/v1/{path}")
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_cursor_that_was_made_up_shows_no_other_connections_rows(served: Served) -> None:
    await served.sample.run(contacts)
    await served.project.store.connections.save(Connection(name="zeta"), {})
    made_up = base64.urlsafe_b64encode(b'["acme", ""]').decode()
    async with (
        await served.caller("read", connections=["zeta"]) as caller,
        await served.caller("read", name="all") as any_ones,
    ):
        assert (await caller.get("/api/v1/records/contact")).json()["rows"] == []
        for each, query in ((caller, ""), (any_ones, "&connection=zeta")):
            for accepted in ("application/json", "application/x-ndjson"):
                answer = await each.get(
                    f"/api/v1/records/contact?cursor={made_up}{query}", headers={"Accept": accepted}
                )
                assert (answer.status_code, answer.json()["code"]) == (400, "argument_invalid")
        assert (await any_ones.get(f"/api/v1/records/contact?cursor={made_up}")).json()["rows"]


NUL_IN_CURSOR = base64.urlsafe_b64encode(b'["acme", "\\u0000"]').decode()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/records/contact%00",
        "/api/v1/changes/contact%00",
        "/api/v1/changes/contact?connection=x%00",
        f"/api/v1/records/contact?cursor={NUL_IN_CURSOR}",
        "/api/v1/runs?sync=x%00",
        "/api/v1/connections/x%00",
        "/api/v1/connections/x%00/proxy/services/data/v62.0/query",
        "/connect/callback?state=%00",
        "/runs?connection=%00",
    ],
)
async def test_an_address_with_nul_in_it_is_refused(served: Served, path: str) -> None:
    await served.sample.run(contacts)
    async with await served.caller("admin", "proxy", "read") as caller:
        answer = await caller.get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "argument_invalid")


async def test_a_limit_follows_a_renamed_connection_and_ends_with_a_removed_one(served: Served) -> None:
    await served.sample.run(contacts)
    async with await served.caller("read", connections=["acme"]) as caller:
        await served.project.connections.rename("acme", "acme-eu")
        assert (await caller.get("/api/v1/connections/acme-eu")).status_code == 200
        await served.project.connections.remove("acme-eu")
        assert (await caller.get("/api/v1/connections")).json() == {"connections": []}
        for path in ("/api/v1/records/contact", "/api/v1/connections/acme"):
            refused = await caller.get(path)
            assert (refused.status_code, "are gone: make another token" in refused.json()["detail"]) == (403, True)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8787"])
async def test_a_page_whose_name_was_made_to_mean_this_machine_is_refused(served: Served, host: str) -> None:
    async with await served.caller("read") as caller:
        answer = await caller.get("/api/v1/runs", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize(
    ("head", "status", "title"),
    [
        ("GET http://evil.example/api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1", 421, "not reached by that name"),
        ("GET http://127.0.0.1/api/v1/runs HTTP/1.1\r\nHost: evil.example", 200, ""),
        ("GET http://evil.example/api/v1/runs HTTP/1.0", 421, "not reached by that name"),
        ("GET /api/v1/runs HTTP/1.0", 421, "names no host"),
        ("GET /api/v1/runs HTTP/1.1", 400, "has no Host header"),
        ("GET /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1", 400, "has 2 Host headers"),
    ],
)
async def test_the_host_of_a_request_is_that_of_an_absolute_target_and_else_the_one_header(
    served: Served, head: str, status: int, title: str
) -> None:
    token, at = await served.token("read"), urlsplit(served.url)
    sent = f"{head}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    async with await anyio.connect_tcp(at.hostname or "", at.port or 0) as stream:
        await stream.send(sent.encode())
        answer = b"".join([piece async for piece in stream]).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert title in answer


@pytest.mark.parametrize(
    "url", ["https://bücher.example", "https://[sync]", "https://a@sync.example.com", "sync.example"]
)
def test_no_server_begins_whose_public_address_could_not_be_called(url: str) -> None:
    with pytest.raises(SettingInvalid, match="public_url has no valid host"):
        create_app(Settings(public_url=url))


def test_the_host_of_the_public_address_is_one_that_the_server_may_be_called_by() -> None:
    settings = Settings(public_url="https://xn--bcher-kva.example/sync")
    assert "xn--bcher-kva.example" in server_names(settings, ServerOptions())


async def test_a_body_that_is_too_large_is_refused_also_where_its_length_is_not_told(served: Served) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(40):
            yield b" " * 100_000

    async with await served.caller("admin") as caller:
        for body in (b" " * 2_000_000, endless()):
            answer = await caller.patch("/api/v1/connections/acme", content=body)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/api/v1/runs", "/health", "/"])
async def test_a_method_that_a_path_does_not_have_is_named_as_that(served: Served, path: str) -> None:
    async with await served.caller("admin") as caller:
        answer = await caller.put(path, json={})
        document = (await caller.get("/openapi.json")).json()
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]
    assert "method_not_allowed" in document["components"]["schemas"]["Problem"]["properties"]["code"]["description"]


async def test_a_fault_of_the_servers_is_answered_and_logged_without_what_its_text_holds(
    tmp_path: Path,
    org: DemoOrg,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ValueError("ada@acme.example")

    monkeypatch.setattr("orgsync.server.api_runs.statuses_in", failing)
    async with serving(tmp_path, org) as served, await served.caller("read") as caller:
        answer = await caller.get("/api/v1/status")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert [record for record in caplog.records if record.exc_info] == []
    out = capsys.readouterr()
    assert "ada@acme" not in f"{answer.text} {caplog.text} {out.out} {out.err}"
    assert "ValueError" in f"{caplog.text} {out.out} {out.err}"


async def test_a_body_whose_encoding_is_none_is_read(served: Served) -> None:
    async with await served.caller("run") as caller:
        answer = await caller.post("/api/v1/jobs", json={}, headers={"Content-Encoding": "Identity"})
    assert answer.status_code == 422


async def test_a_body_that_is_encoded_is_named_as_that(served: Served) -> None:
    async with await served.caller("run") as caller:
        sent = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        answer = await caller.post("/api/v1/jobs", content=gzip.compress(b"{}"), headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (415, "encoding_unknown")


HALF = '"\\ud800"'


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("PATCH /api/v1/connections/acme", f'{{"metadata": {{"a": {HALF}}}}}', "half of a character"),
        ("PATCH /api/v1/connections/acme", f'{{"metadata": {{{HALF}: 1}}}}', "half of a character"),
        ("PATCH /api/v1/connections/acme", f'{{"tags": [{HALF}]}}', "half of a character"),
        ("PATCH /api/v1/connections/acme", '{"metadata": ' + '{"a": ' * 300 + "1" + "}" * 301, "64 levels deep"),
        ("PATCH /api/v1/connections/acme", '{"metadata": ' + '{"a": ' * 900 + "1" + "}" * 901, "64 levels deep"),
        ("PATCH /api/v1/connections/acme", '{"metadata": {"a": "\\u0000"}}', "NUL"),
        ("POST /api/v1/jobs", '{"name": "contacts", "connection": "x\\u0000"}', "NUL"),
        ("POST /api/v1/jobs", f'{{"name": "x", "connection": "acme", "arguments": {{"a": {HALF}}}}}', "half of a"),
        ("POST /api/v1/connect-sessions", f'{{"connection": "a", "app_name": {HALF}}}', "half of a character"),
    ],
)
async def test_json_that_cannot_be_written_again_is_refused_and_nothing_of_it_is_kept(
    served: Served, path: str, body: str, says: str
) -> None:
    method, _, path = path.partition(" ")
    sent = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    async with await served.caller("admin") as caller:
        answer = await caller.request(method, path, content=body, headers=sent)
        assert (answer.status_code, says in answer.json()["title"]) == (400, True), answer.text
        assert (await caller.get("/api/v1/connections")).status_code == 200
