"""Who may see the pages and send their forms: over plain HTTP, as an attacker would try."""

import re
from pathlib import Path

import httpx
import pytest

from orgsync.demo_org import DemoOrg
from orgsync.project import Project
from orgsync.server import ServerOptions
from orgsync.store import Connection
from tests.plain_http import NOBODY
from tests.projects import credentials_for

from .serving import Served, serving
from .visiting import visiting


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/1", "/connections/acme"])
async def test_no_page_is_shown_without_a_session(served: Served, path: str) -> None:
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as stranger:
        page = await stranger.get(path)
        assert page.status_code == 303
        assert page.headers["location"] == ("/sign-in" if path == "/" else f"/sign-in?next={path}")
        part = await stranger.get(path, headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["hx-redirect"]) == (204, page.headers["location"])
        linked = await stranger.get(f"{path}?state=x", headers={"Sec-Fetch-Site": "cross-site"})
        assert f'content="0; url={path}?state=x"' in linked.text, "a browser sends its cookie when it comes again"
        stranger.cookies.set(f"orgsync_session_{stranger.base_url.port}", "made-up")
        assert (await stranger.get(path)).status_code == 303


async def test_signing_in_gives_a_cookie_that_no_script_and_no_other_site_can_use(served: Served) -> None:
    token = await served.token("read")
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as client:
        wrong = await client.post("/sign-in", data={"token": token[:-1]})
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
        assert token[:-1] not in wrong.text
        right = await client.post("/sign-in", data={"token": token, "next": "/runs"})
        assert (right.status_code, right.headers["location"]) == (303, "/runs")
        cookie = right.headers["set-cookie"]
        assert f"orgsync_session_{client.base_url.port}=" in cookie
        assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert token[-20:] not in cookie
        page = await client.get("/")
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "same-origin"


async def test_a_token_without_read_does_not_sign_in(served: Served) -> None:
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as client:
        refused = await client.post("/sign-in", data={"token": await served.token("proxy")})
    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
    assert "does not have the scope read" in refused.text


async def test_whoever_guesses_has_to_wait_here_too(served: Served) -> None:
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as client:
        found = [(await client.post("/sign-in", data={"token": "orgsync_00_guess"})).status_code for _ in range(22)]
    assert found == [401] * 20 + [429] * 2


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/\tx"])
async def test_nobody_is_sent_elsewhere_after_signing_in(served: Served, wanted: str) -> None:
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as client:
        answer = await client.post("/sign-in", data={"token": await served.token("read"), "next": wanted})
        assert answer.headers["location"] == "/"
        assert (await client.get("/sign-in", params={"next": wanted})).headers["location"] == "/"


async def test_a_session_ends_by_signing_out_and_with_its_token(served: Served) -> None:
    async with await visiting(served, "read") as visit:
        kept = dict(visit.client.cookies)
        out = await visit.send("/sign-out")
        assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
        assert (await visit.get("/")).status_code == 303
        visit.client.cookies.update(kept)
        assert (await visit.get("/")).status_code == 303, "a copy of the cookie is worth nothing"
    async with await visiting(served, "read", name="other") as visit:
        assert (await visit.get("/")).status_code == 200
        await served.project.tokens.revoke("other")
        assert (await visit.get("/")).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_a_form_of_another_site_is_refused(served: Served, headers: dict[str, str]) -> None:
    async with await visiting(served, "read", "run", "admin") as visit:
        refused = await visit.send("/sign-out", **headers)
        assert refused.status_code == 403
        assert "not sent by a page of this server" in refused.text
        wrong = await visit.client.post("/sign-out", data={"csrf": "made-up"})
        assert wrong.status_code == (await visit.client.post("/sign-out")).status_code == 403
        assert (await visit.get("/")).status_code == 200, "nobody was signed out"
        signing_in = {"token": await served.token("read", name="another")}
        assert (await visit.client.post("/sign-in", data=signing_in, headers=headers)).status_code == 403
        assert (await visit.send("/sign-out", Origin=served.url)).status_code == 303


async def test_below_a_path_every_link_and_the_cookie_are_below_it(tmp_path: Path, org: DemoOrg) -> None:
    options = ServerOptions(root_path="/orgsync")
    async with (
        serving(tmp_path, org, options) as served,
        httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as client,
    ):
        for path in ("/connections/acme", "/orgsync/connections/acme"):  # proxies cut the path off, or do not
            asked = await client.get(path)
            assert asked.headers["location"] == "/orgsync/sign-in?next=/connections/acme"
        signed_in = await client.post("/sign-in", data={"token": await served.token("admin"), "next": "/runs"})
        assert signed_in.headers["location"] == "/orgsync/runs"
        assert "Path=/orgsync;" in signed_in.headers["set-cookie"]
        for path in ("/", "/connections/acme", "/runs"):
            page = (await client.get(f"/orgsync{path}")).text
            led_to = re.findall(r'(?:href|src|action|hx-get)="([^"]*)"', page)
            assert len(led_to) > 5
            assert [each for each in led_to if not each.startswith(("/orgsync/", "#"))] == []


async def test_a_limited_token_sees_its_own_connections_alone(served: Served, org: DemoOrg) -> None:
    await served.project.connections.connect("globex", credentials_for(org), tags=["secret-tag"])
    async with await visiting(served, "read", connections=["acme"]) as visit:
        page = (await visit.get("/")).text
    assert "acme" in page
    assert not {"globex", "secret-tag"} & set(page.replace('"', " ").replace("/", " ").split())
    assert "globex" not in page


async def test_what_others_have_named_is_shown_as_text(served: Served) -> None:
    evil = "<script>alert(1)</script>"
    await store_connection(served.project, evil)
    async with await visiting(served, "read") as visit:
        found = await visit.get("/", **{"HX-Request": "true"})
        assert evil not in found.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found.text
        searched = await visit.client.get("/", params={"q": evil})
        assert evil not in searched.text


async def store_connection(project: Project, text: str) -> None:
    await project.store.connections.save(
        Connection(name="globex", username=text, status="needs sign-in", status_reason=text, tags=[text]), {}
    )


async def test_a_part_that_shows_the_same_already_is_not_sent_again(served: Served) -> None:
    async with await visiting(served, "read") as visit:
        part = await visit.get("/", **{"HX-Request": "true"})
        assert part.text.lstrip().startswith("<section")
        [seen] = {each.partition("seen=")[2][:16] for each in part.text.split('"') if "seen=" in each}
        same = await visit.get(f"/?seen={seen}", **{"HX-Request": "true"})
        assert (same.status_code, same.content) == (204, b"")
        await served.project.connections.update("acme", tags=["new"])
        other = await visit.get(f"/?q=acme&seen={seen}", **{"HX-Request": "true"})
        assert other.status_code == 200


async def test_a_filter_narrows_the_list(served: Served, org: DemoOrg) -> None:
    await served.project.connections.update("acme", tags=["eu"])
    await served.project.store.connections.save(Connection(name="globex", status="needs sign-in"), {})
    async with await visiting(served, "read") as visit:
        for query, names in (
            ("q=ACM", {"acme"}),
            ("q=eu", {"acme"}),
            ("tag=eu", {"acme"}),
            ("state=needs+sign-in", {"globex"}),
            ("q=nobody", set[str]()),
            ("sort=name", {"acme", "globex"}),
            ("page=900", {"acme", "globex"}),
        ):
            page = (await visit.get(f"/?{query}")).text
            assert {name for name in ("acme", "globex") if f'href="/connections/{name}"' in page} == names, query
        assert (await visit.get("/?page=x")).status_code == 400
