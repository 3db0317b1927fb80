"""The loopback address that a browser comes back to."""

import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from orgsync.errors import OrgsyncError, PortUnavailable, SignInNeeded
from orgsync.salesforce.auth import browser_callback
from orgsync.salesforce.auth.browser_callback import listen
from orgsync.salesforce.http.http import Http

Browser = Callable[[Http, str], Awaitable[None]]


async def completed(url: str) -> str:
    return f"completed {url}"


async def outcome_of(browser: Browser, complete: Callable[[str], Awaitable[str]] = completed) -> str:
    """Wait for the callback of state s1 while `browser` acts; give what the wait gives, or raise what it raises."""
    results: list[str] = []
    errors: list[Exception] = []
    async with Http() as http, listen(0) as listener, anyio.create_task_group() as group:

        async def wait() -> None:
            try:
                results.append(await listener.wait("s1", complete, within=20))
            except Exception as error:
                errors.append(error)
            group.cancel_scope.cancel()

        group.start_soon(wait)
        await browser(http, listener.redirect_uri.replace("localhost", "127.0.0.1"))
        await anyio.sleep_forever()
    if errors:
        raise errors[0]
    return results[0]


async def right(http: Http, url: str) -> None:
    await http.send("GET", f"{url}?code=c&state=s1")


async def test_the_callback_is_completed_with_its_whole_url_and_the_browser_informed() -> None:
    pages: list[str] = []

    async def browser(http: Http, url: str) -> None:
        answer = await http.send("GET", f"{url}?code=a%2Bb&state=s1")
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        pages.append(answer.content.decode())

    outcome = await outcome_of(browser)
    assert outcome.startswith("completed http://localhost:")
    assert outcome.endswith("/callback?code=a%2Bb&state=s1")
    assert "<h1>Signed in</h1>" in pages[0]
    assert "You can close this page" in pages[0]
    assert "http" not in pages[0].replace("http-equiv", "")  # nothing is loaded from anywhere


async def test_what_completing_raises_is_shown_in_the_browser_and_raised() -> None:
    pages: list[str] = []

    async def refused(_url: str) -> str:
        raise SignInNeeded("The <b>app</b> is blocked.", "Ask the administrator.")

    async def browser(http: Http, url: str) -> None:
        pages.append((await http.send("GET", f"{url}?code=c&state=s1")).content.decode())

    with pytest.raises(SignInNeeded, match="is blocked"):
        await outcome_of(browser, refused)
    assert "<h1>Not signed in</h1>" in pages[0]
    assert "The &lt;b&gt;app&lt;/b&gt; is blocked. Ask the administrator." in pages[0]


async def test_a_defect_is_raised_and_its_text_not_shown_in_the_browser() -> None:
    pages: list[str] = []

    async def broken(_url: str) -> str:
        raise ZeroDivisionError("details")

    async def browser(http: Http, url: str) -> None:
        answer = await http.send("GET", f"{url}?code=c&state=s1")
        assert answer.status == 500
        pages.append(answer.content.decode())

    with pytest.raises(ZeroDivisionError):
        await outcome_of(browser, broken)
    assert "details" not in pages[0]


async def test_icons_wrong_paths_and_forged_states_change_nothing() -> None:
    statuses: list[int] = []

    async def browser(http: Http, url: str) -> None:
        origin = url.removesuffix("/callback")
        for method, target in [
            ("GET", f"{origin}/favicon.ico"),
            ("GET", f"{origin}/"),
            ("GET", f"{origin}/callback/x?code=c&state=s1"),
            ("POST", f"{url}?code=c&state=s1"),
            ("HEAD", f"{url}?code=c&state=s1"),
            ("GET", f"{url}?code=c&state=forged"),
            ("GET", f"{url}?error=access_denied"),
            ("GET", url),
        ]:
            with suppress(OrgsyncError):  # a HEAD is answered with a body, which a client may refuse
                statuses.append((await http.send(method, target)).status)
        await right(http, url)

    assert (await outcome_of(browser)).endswith("state=s1")
    assert [status for status in statuses if status != 405] == [404, 404, 404, 400, 400, 400]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET http://x/ HTTP/1.1\r\n\r\n",
        b"x" * 20_000,
    ],
    ids=["nothing", "tls", "no target", "absolute", "too long"],
)
async def test_garbage_is_answered_and_changes_nothing(garbage: bytes) -> None:
    received: list[bytes] = []

    async def browser(http: Http, url: str) -> None:
        port = int(url.split(":")[2].split("/")[0])
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(garbage)
            with suppress(anyio.BrokenResourceError):
                received.append(await stream.receive())
        await right(http, url)

    assert (await outcome_of(browser)).endswith("state=s1")
    if len(garbage) < 100:
        assert received[0].startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_a_connection_that_says_nothing_or_leaves_early_holds_nobody_up() -> None:
    async def browser(http: Http, url: str) -> None:
        port = int(url.split(":")[2].split("/")[0])
        async with await anyio.connect_tcp("127.0.0.1", port), await anyio.connect_tcp("127.0.0.1", port) as other:
            await other.send(b"GET /callback?code=c&state=s1 HT")
            await other.send_eof()
            await right(http, url)

    assert (await outcome_of(browser)).endswith("state=s1")


async def test_a_request_that_does_not_end_is_answered_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_callback, "_READ_SECONDS", 0.05)
    received: list[bytes] = []

    async def browser(http: Http, url: str) -> None:
        port = int(url.split(":")[2].split("/")[0])
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"GET /callback?code=c&state=s1 HTTP/1.1\r\n")
            received.append(await stream.receive())
        await right(http, url)

    assert (await outcome_of(browser)).endswith("state=s1")
    assert received[0].startswith(b"HTTP/1.1 400 ")


async def test_a_page_that_is_loaded_twice_uses_the_code_once() -> None:
    used: list[str] = []
    pages: list[str] = []
    begun, reloaded = anyio.Event(), anyio.Event()

    async def slow(url: str) -> str:
        used.append(url)
        begun.set()
        await reloaded.wait()
        return "done"

    async def browser(http: Http, url: str) -> None:
        async def reload() -> None:
            await begun.wait()
            pages.append((await http.send("GET", f"{url}?code=c&state=s1")).content.decode())
            reloaded.set()

        async with anyio.create_task_group() as group:
            group.start_soon(right, http, url)
            group.start_soon(reload)

    assert await outcome_of(browser, slow) == "done"
    assert len(used) == 1
    assert "<h1>Almost there</h1>" in pages[0]


async def test_waiting_ends_and_names_what_to_check() -> None:
    async with listen(0) as listener:
        with pytest.raises(SignInNeeded, match="must be exactly as in the app") as caught:
            await listener.wait("s1", completed, within=0.01)
        assert listener.redirect_uri in caught.value.remedy


async def test_a_port_that_is_taken_is_a_configuration_problem() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"cannot listen on port {port}"):
            async with listen(port):
                pass


@pytest.mark.skipif(not socket.has_ipv6, reason="there is one address alone")
async def test_a_port_that_is_taken_on_the_other_loopback_address_is_reported() -> None:
    with socket.socket(socket.AF_INET6) as taken:
        try:
            taken.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no ::1")
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"cannot listen on port {port} .*::1"):
            async with listen(port):
                pass
        with socket.socket() as free:  # and the first address is let go of
            free.bind(("127.0.0.1", port))


SIGN_IN = "https://login.salesforce.com/services/oauth2/authorize?state=s1"


async def started(asked: int, then_right: bool) -> tuple[list[tuple[int, str | None]], str]:
    """Ask so many times for the address that opens the sign-in; give what was answered, and how waiting ended."""
    answers: list[tuple[int, str | None]] = []
    outcome = ""
    async with Http() as http, listen(0) as listener, anyio.create_task_group() as group:

        async def browse() -> None:
            assert "s1" not in listener.start_url.removesuffix(listener.start_url.rpartition("/")[2])
            for _ in range(asked):
                answer = await http.send("GET", listener.start_url.replace("localhost", "127.0.0.1"))
                answers.append((answer.status, answer.headers.get("location")))
            if then_right:
                await right(http, listener.redirect_uri.replace("localhost", "127.0.0.1"))

        group.start_soon(browse)
        try:
            outcome = await listener.wait("s1", completed, url=SIGN_IN, within=20)
        except SignInNeeded as error:
            outcome = error.cause
    return answers, outcome


async def test_the_browser_is_opened_at_an_address_that_leads_to_the_sign_in_once() -> None:
    answers, outcome = await started(1, then_right=True)
    assert answers == [(302, SIGN_IN)]
    assert outcome.endswith("state=s1")


async def test_a_sign_in_whose_address_was_used_twice_ends() -> None:
    answers, outcome = await started(2, then_right=False)
    assert answers == [(302, SIGN_IN), (200, None)]
    assert "used twice" in outcome


async def test_only_loopback_is_listened_on_and_the_port_is_free_afterwards() -> None:
    async with listen(0) as listener:
        port = int(listener.redirect_uri.split(":")[2].split("/")[0])
        with socket.socket() as probe:  # binding the wildcard address fails only if it is taken as a whole
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.2", port))
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


OPEN = "import sys, time; from orgsync.salesforce.auth.browser_callback import open_in_browser as o; print(o('http://x/?a=1'))"


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="a browser would open")
async def test_without_a_screen_no_browser_is_opened() -> None:
    bare = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")}
    done = await anyio.run_process([sys.executable, "-c", OPEN], env=bare)
    assert done.stdout.decode().strip() == "False"


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="a browser would open")
async def test_the_persons_browser_is_given_the_url(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > "{seen}.part"; mv "{seen}.part" "{seen}"\n')
    script.chmod(0o700)
    wait = f"\nimport pathlib\nwhile not pathlib.Path({str(seen)!r}).exists(): time.sleep(0.01)"
    done = await anyio.run_process(
        [sys.executable, "-c", OPEN + wait], env={**os.environ, "BROWSER": f"{script} %s"}, stderr=subprocess.PIPE
    )
    assert done.stdout.decode().strip() == "True"
    assert seen.read_text() == "http://x/?a=1"
