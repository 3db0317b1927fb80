"""A connection stays signed in: one renewal for all, stored before it is used, and no loop when it is refused."""

import logging
import sys
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
import stamina
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from orgsync.errors import (
    HostNotAllowed,
    NetworkProblem,
    OrgsyncError,
    ProxyRefused,
    ResponseUnreadable,
    ServerProblem,
    SignInNeeded,
    StoreUnavailable,
)
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.session import Access, Session
from orgsync.salesforce.http.http import Http

from ..http.raw_server import HANG, RESET, RawServer, reply
from .vaults import FileVault, MemoryVault

ORG, USER = "00D5g000000AbCdEAK", "0055g000000XyZaAAK"
NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def no_waiting() -> Generator[None]:
    """Let retries follow each other at once, four attempts at most."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


def credentials(url: str, **changes: object) -> Credentials:
    whole = Credentials(
        grant="refresh-token",
        login_url=url,
        client_id="3MVG",
        client_secret="hush",
        refresh_token="refresh-1",
        access_token="token-1",
        instance_url=url,
        org_id=ORG,
        user_id=USER,
        issued_at=NOW - timedelta(hours=1),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def token(server: RawServer, access: str = "token-2", **changes: object) -> bytes:
    document: dict[str, object] = {
        "access_token": access,
        "instance_url": server.url,
        "id": f"{server.url}/id/{ORG}/{USER}",
        "issued_at": "1681216544357",
        "token_type": "Bearer",
    }
    return reply(200, document | changes)


def refused(error: str = "invalid_grant", description: str = "expired access/refresh token") -> bytes:
    return reply(400, {"error": error, "error_description": description})


async def test_a_stored_token_is_used_without_a_request() -> None:
    async with RawServer(reply(500)) as server, Http() as http:
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault)
        assert await session.access() == await session.access() == Access("token-1", server.url)
    assert (server.asked, vault.loads) == ([], 1)


async def test_the_first_token_is_got_where_there_is_none() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server))
        vault = MemoryVault(credentials(server.url, access_token=None, instance_url=None, org_id=None))
        access = await Session(http, vault, clock=Clock()).access()
    assert access == Access("token-2", server.url)
    assert vault.credentials.org_id == ORG
    assert vault.credentials.issued_at == NOW
    assert server.asked[0].form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
        "client_id": "3MVG",
        "client_secret": "hush",
    }


async def test_a_refused_token_is_renewed_once_for_fifty_tasks() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server), token(server, "token-3"))
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        renewed: list[Access] = []

        async def renew() -> None:
            renewed.append(await session.renew(dead))

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(renew)
        assert renewed == [Access("token-2", server.url)] * 50
        assert await session.access() == Access("token-2", server.url)
    assert (len(server.asked), vault.loads) == (1, 2)
    assert vault.credentials.refresh_token == "refresh-1"  # none came with the answer, so the old one stays


async def test_a_token_that_another_process_has_just_stored_is_used_without_a_request() -> None:
    async with RawServer(reply(500)) as server, Http() as http:
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        vault.credentials = credentials(server.url, access_token="theirs", issued_at=NOW)
        assert await session.renew(dead) == Access("theirs", server.url)
    assert server.asked == []


class OvertakenVault(MemoryVault):
    """One whose credentials another renews, without regard to its lock, once they have been read to be renewed."""

    async def load(self) -> Credentials:
        loaded = await super().load()
        if self.loads == 2:
            self.credentials = replace(
                loaded, refresh_token="theirs", access_token="their-token", issued_at=NOW, lifetime=None
            )
        return loaded


@pytest.mark.parametrize("asked", ["refused", "answered", "answered after a fault"])
async def test_what_another_has_stored_meanwhile_stays_and_is_used(asked: str) -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(
            *{"refused": [refused()], "answered": [token(server, refresh_token="late")]}.get(asked, [reply(503)])
        )
        vault = OvertakenVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        assert (await session.renew(dead)).token == "their-token"
        assert (await session.access()).token == "their-token"
    assert (vault.credentials.refresh_token, vault.reasons, vault.saved) == ("theirs", [], [])
    assert len(server.asked) == 1  # the refresh token that was replaced is not sent again


async def test_another_token_that_was_stored_long_ago_may_be_dead_as_well_and_is_renewed() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server))
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        vault.credentials = credentials(server.url, access_token="theirs", issued_at=NOW - timedelta(minutes=10))
        assert (await session.renew(dead)).token == "token-2"
    assert len(server.asked) == 1


async def test_a_token_whose_age_nobody_knows_is_tried() -> None:
    async with RawServer(reply(500)) as server, Http() as http:
        vault = MemoryVault(credentials(server.url, access_token="theirs", issued_at=None, lifetime=60.0))
        session = Session(http, vault, clock=Clock())
        assert (await session.renew(Access("token-1", server.url))).token == "theirs"
    assert server.asked == []


@pytest.mark.parametrize(
    ("lifetime", "age", "renewed"),
    [
        (7200, 7139, False),
        (7200, 7140, True),
        (900, 839, False),
        (900, 840, True),
        (300, 269, False),
        (300, 270, True),
        (None, 10**6, False),
    ],
)
async def test_a_token_is_renewed_shortly_before_its_known_end(lifetime: float | None, age: int, renewed: bool) -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server))
        vault = MemoryVault(credentials(server.url, issued_at=NOW - timedelta(seconds=age), lifetime=lifetime))
        access = await Session(http, vault, clock=Clock()).access()
    assert (access.token == "token-2") is renewed
    assert vault.credentials.lifetime == lifetime


async def test_a_renewed_token_counts_its_age_from_when_it_was_asked_for() -> None:
    clock = Clock()
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server), token(server, "token-3"))
        session = Session(http, MemoryVault(credentials(server.url, lifetime=1800.0)), clock=clock)
        assert (await session.access()).token == "token-2"
        clock.now += timedelta(seconds=1739)
        assert (await session.access()).token == "token-2"
        clock.now += timedelta(seconds=1)
        assert (await session.access()).token == "token-3"


async def test_an_answer_that_tells_its_lifetime_is_believed() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, expires_in=900))
        vault = MemoryVault(credentials(server.url, lifetime=7200.0, issued_at=NOW - timedelta(hours=3)))
        await Session(http, vault, clock=Clock()).access()
    assert vault.credentials.lifetime == 900


async def test_a_rotated_refresh_token_is_stored_before_the_new_token_is_used() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(
            token(server, refresh_token="refresh-2"), token(server, "token-3", refresh_token="refresh-3")
        )
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        access = await session.renew(await session.access())
        assert vault.credentials.access_token == access.token
        assert vault.credentials.refresh_token == "refresh-2"
        await session.renew(access)
    assert [asked.form["refresh_token"] for asked in server.asked] == ["refresh-1", "refresh-2"]
    assert vault.credentials.refresh_token == "refresh-3"


async def test_what_could_not_be_stored_is_not_used_and_not_lost() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, refresh_token="refresh-2"), refused())
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        vault.failures = 1
        with pytest.raises(StoreUnavailable):
            await session.renew(dead)
        assert vault.credentials.refresh_token == "refresh-1"
        assert (await session.renew(dead)).token == "token-2"
    assert vault.credentials.refresh_token == "refresh-2"
    assert len(server.asked) == 1


async def test_a_cancelled_renewal_still_stores_what_was_answered() -> None:
    asked, answering = anyio.Event(), anyio.Event()

    class SlowVault(MemoryVault):
        async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
            asked.set()
            await answering.wait()
            return await super().save(credentials, renewed=renewed)

    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, refresh_token="refresh-2"))
        vault = SlowVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        async with anyio.create_task_group() as group:
            group.start_soon(session.renew, Access("token-1", server.url))
            await asked.wait()
            group.cancel_scope.cancel()
            answering.set()
    assert vault.credentials.refresh_token == "refresh-2"


async def test_a_moved_instance_is_followed_and_stored() -> None:
    async with RawServer(reply()) as moved, RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, instance_url=f"{moved.url}/"))
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        assert (await session.renew(await session.access())).instance_url == moved.url
    assert vault.credentials.instance_url == moved.url


@pytest.mark.parametrize(("known", "named"), [(ORG, None), (None, f"/id/{ORG}/{USER}"), (None, None)])
async def test_another_instance_is_not_believed_where_nothing_shows_that_it_is_the_same_org(
    known: str | None, named: str | None
) -> None:
    async with RawServer(reply()) as other, RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, instance_url=other.url, id=named))
        vault = MemoryVault(credentials(server.url, org_id=known))
        session = Session(http, vault, clock=Clock())
        with pytest.raises(SignInNeeded, match=r"nothing shows that this is the same org"):
            await session.renew(await session.access())
    assert (vault.saved, len(vault.reasons), other.asked) == ([], 1, [])


async def test_the_api_instance_of_a_token_answer_is_a_host_of_its_token() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, api_instance_url="https://api.salesforce.com/"))
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        access = await session.renew(await session.access())
    assert access.hosts == (server.url, "https://api.salesforce.com")
    assert vault.credentials.api_instance_url == "https://api.salesforce.com"


async def test_an_answer_without_an_instance_keeps_the_old_one() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, instance_url=None))
        session = Session(http, MemoryVault(credentials(server.url)), clock=Clock())
        assert (await session.renew(await session.access())).instance_url == server.url


async def test_an_instance_that_is_never_named_is_an_unreadable_answer() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, instance_url=None))
        vault = MemoryVault(credentials(server.url, access_token=None, instance_url=None))
        with pytest.raises(ResponseUnreadable, match="where the org's API is"):
            await Session(http, vault, clock=Clock()).access()
    assert vault.saved == []


async def test_an_instance_outside_salesforce_gets_no_token_but_the_rotated_refresh_token_is_kept() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(
            token(server, refresh_token="refresh-2", instance_url="https://evilsalesforce.com"),
            token(server, instance_url="https://evilsalesforce.com"),
        )
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        for _ in range(2):
            with pytest.raises(HostNotAllowed, match=r"evilsalesforce\.com, which is not a Salesforce host"):
                await session.renew(dead)
        assert vault.credentials.refresh_token == "refresh-2"
        assert vault.credentials.access_token is None
        assert vault.credentials.instance_url == server.url
        assert vault.reasons == []
        allowed = Session(http, vault, allowed_hosts=["evilsalesforce.com"], clock=Clock())
        assert (await allowed.access()).instance_url == "https://evilsalesforce.com"


@pytest.mark.parametrize("org_id", [ORG, ORG[:15]])
async def test_the_same_org_is_recognised_by_15_or_18_characters(org_id: str) -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server))
        session = Session(http, MemoryVault(credentials(server.url, org_id=org_id)), clock=Clock())
        assert (await session.renew(await session.access())).token == "token-2"


async def test_an_answer_from_another_org_is_refused_and_not_stored() -> None:
    async with RawServer(b"") as server, Http() as http:
        other = f"{server.url}/id/00DOTHER0000000AAA/{USER}"
        server.will_answer(token(server, id=other, refresh_token="refresh-2"))
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        with pytest.raises(SignInNeeded, match="leads to the org 00DOTHER0000000AAA"):
            await session.renew(await session.access())
    assert vault.saved == []
    assert len(vault.reasons) == 1


async def test_an_answer_without_an_id_is_reported_by_its_token() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(token(server, "00DOTHER0000000!AQ", id=None))
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        with pytest.raises(SignInNeeded, match="leads to the org 00DOTHER0000000"):
            await session.renew(await session.access())
    assert vault.saved == []


async def test_a_dead_refresh_token_ends_the_sign_in_with_one_request_for_fifty_tasks() -> None:
    async with RawServer(refused()) as server, Http() as http:
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        errors: list[SignInNeeded] = []

        async def renew() -> None:
            with pytest.raises(SignInNeeded, match="does not accept the refresh token") as caught:
                await session.renew(dead)
            errors.append(caught.value)

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(renew)
        assert len(server.asked) == 1
        for _ in range(3):  # nor does anybody who comes later ask again
            with pytest.raises(SignInNeeded):
                await session.access()
            await renew()
    assert len(server.asked) == 1
    assert len(vault.reasons) == 1
    assert "five a user and app" in vault.reasons[0]
    assert vault.saved == []
    assert len({id(error) for error in errors}) == len(errors)


async def test_a_sign_in_that_was_repeated_elsewhere_is_taken_up() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(refused(), token(server, "token-9"))
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        with pytest.raises(SignInNeeded):
            await session.renew(dead)
        vault.credentials = credentials(server.url, refresh_token="refresh-9", access_token=None)
        assert (await session.access()).token == "token-9"


@pytest.mark.parametrize(
    "trouble",
    [
        reply(503, b"<html>We are down for maintenance.</html>", Content_Type="text/html"),
        reply(500, {"error": "server_error"}),
        reply(400, {"error": "unknown_error", "error_description": "retry your request"}),
        reply(400, {"error": "invalid_grant", "error_description": "token request is already being processed"}),
        reply(400, {"error": "invalid_grant", "error_description": "expired authorization code"}),
        reply(420, b""),
        reply(406, b""),
        reply(408, b"<html>Request Timeout</html>", Content_Type="text/html"),
        reply(403, b"<html>a gateway</html>", Content_Type="text/html"),
        reply(400, []),
        reply(302, b"", Location="https://portal.example/sign-in"),
        reply(429, b"slow down", Content_Type="text/plain"),
        reply(200, b"<html>login</html>", Content_Type="text/html"),
        reply(200, b'{"access_token":"tok'),
        RESET,
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nConnection: close\r\n\r\n{",
    ],
    ids=range(16),
)
async def test_what_passes_by_itself_is_asked_again_and_never_marks_the_connection(trouble: bytes) -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(trouble, trouble, token(server))
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        assert (await session.renew(await session.access())).token == "token-2"
        assert len(server.asked) == 3
        server.will_answer(trouble)
        with pytest.raises((ServerProblem, NetworkProblem, ResponseUnreadable)) as caught:
            await session.renew(Access("token-2", server.url))
        assert len(server.asked) == 3 + (3 if isinstance(caught.value, ResponseUnreadable) else 4)
    assert vault.reasons == []


async def test_a_trouble_that_stays_is_shared_by_those_who_waited_and_asked_about_anew_by_others() -> None:
    async with RawServer(reply(503, {})) as server, Http() as http:
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        dead = await session.access()
        errors: list[OrgsyncError] = []

        async def renew() -> None:
            with pytest.raises(ServerProblem) as caught:
                await session.renew(dead)
            errors.append(caught.value)

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(renew)
        assert (len(server.asked), len(errors)) == (4, 20)
        server.will_answer(token(server))
        assert (await session.renew(dead)).token == "token-2"
    assert vault.reasons == []


async def test_a_host_that_cannot_be_reached_never_marks_the_connection() -> None:
    async with RawServer(reply()) as server:
        pass
    async with Http() as http:
        vault = MemoryVault(credentials(server.url, access_token=None))
        with pytest.raises(NetworkProblem):
            await Session(http, vault, clock=Clock()).access()
    assert vault.reasons == []


async def test_a_login_host_that_hangs_is_given_up_in_time() -> None:
    async with RawServer(HANG) as server, Http() as http:
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock(), token_timeout=0.2)
        with pytest.raises(NetworkProblem, match="not answered in time"):
            await session.renew(await session.access())
    assert len(server.asked) == 4
    assert vault.reasons == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused("invalid_client_id", "client identifier invalid"), SignInNeeded),
        (refused("invalid_client", "invalid client credentials"), SignInNeeded),
        (refused("something_new", ""), SignInNeeded),
        (reply(401, {"error": "inactive_user"}), SignInNeeded),
        (reply(301, b"", Location="https://new.my.salesforce.com/services/oauth2/token"), SignInNeeded),
        (reply(407, b"<h1>Who are you</h1>", Content_Type="text/html"), ProxyRefused),
        (refused("rate_limit_exceeded", "login rate exceeded"), ServerProblem),
        (refused("invalid_grant", "login rate exceeded"), ServerProblem),
        (reply(200, {"error": "invalid_grant", "error_description": "expired access/refresh token"}), SignInNeeded),
        (reply(200, {"access_token": 5, "instance_url": "https://acme.my.salesforce.com"}), ResponseUnreadable),
        (reply(200, {"signature": "only"}), ResponseUnreadable),
        (reply(200, [{"errorCode": "x"}]), ResponseUnreadable),
    ],
    ids=range(12),
)
async def test_what_asking_again_cannot_change_is_asked_once(answer: bytes, error: type[OrgsyncError]) -> None:
    async with RawServer(answer) as server, Http() as http:
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        with pytest.raises(error) as caught:
            await session.renew(await session.access())
    assert len(server.asked) == 1
    assert len(vault.reasons) == (1 if error is SignInNeeded else 0)
    assert caught.value.remedy


async def test_a_login_host_that_has_moved_says_where_and_how_to_connect_there() -> None:
    moved = reply(307, b"", Location="https://new.my.salesforce.com/services/oauth2/token")
    async with RawServer(moved) as server, Http() as http:
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        with pytest.raises(SignInNeeded, match=r"has moved to https://new\.my\.salesforce\.com\.") as caught:
            await session.renew(await session.access())
    assert caught.value.remedy.endswith("orgsync connect NAME --login-url https://new.my.salesforce.com")
    assert "has moved to https://new.my.salesforce.com" in vault.reasons[0]


@pytest.mark.parametrize(
    "answer",
    [
        reply(403, b"<html>a gateway</html>", Content_Type="text/html"),
        reply(406, b""),
        reply(302, b"", Location="https://portal.example/sign-in"),
        reply(302, b"", Location="https://www.salesforce.com/maintenance"),
        reply(302, b"", Location="/again"),
    ],
    ids=range(5),
)
async def test_an_answer_without_an_error_of_salesforces_does_not_blame_the_login_url(answer: bytes) -> None:
    async with RawServer(answer) as server, Http() as http:
        session = Session(http, MemoryVault(credentials(server.url)), clock=Clock())
        with pytest.raises((ServerProblem, ResponseUnreadable)) as caught:
            await session.renew(await session.access())
    assert "login URL" not in str(caught.value)
    assert "allowed_hosts" not in str(caught.value)


async def test_no_secret_is_in_an_error_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = ["hush-secret", "refresh-secret", "token-secret", "rotated-secret", "fresh-secret"]
    texts: list[str] = []
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(
            reply(503, {}),
            token(server, "fresh-secret", refresh_token="rotated-secret"),
            refused("odd_error", "refresh-secret 5Aep fresh-secret"),
        )
        vault = MemoryVault(
            credentials(
                server.url, client_secret="hush-secret", refresh_token="refresh-secret", access_token="token-secret"
            )
        )
        session = Session(http, vault, clock=Clock())
        access = await session.renew(await session.access())
        with pytest.raises(SignInNeeded) as caught:
            await session.renew(access)
        texts += [repr(session), repr(access), repr(vault.credentials), str(caught.value), repr(caught.value)]
    texts += [caplog.text, *vault.reasons]
    assert [secret for secret in secrets for text in texts if secret in text] == []


async def test_three_processes_that_find_one_dead_token_renew_it_once(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    async with RawServer(b"") as server:
        server.will_answer(token(server, refresh_token="refresh-2"), token(server, "token-3"))
        FileVault(path).put(credentials(server.url, issued_at=None))
        processes: list[Process] = []
        for _ in range(3):
            command = [sys.executable, "-m", f"{__package__}.renewing_process", str(path)]
            processes.append(await anyio.open_process(command, cwd=ROOT, stderr=None))
        outputs = [TextReceiveStream(process.stdout) for process in processes if process.stdout is not None]
        assert [await output.receive() for output in outputs] == ["token-1\n"] * 3
        for process in processes:
            assert process.stdin is not None
            await process.stdin.send(b"\n")
        assert [await output.receive() for output in outputs] == ["token-2\n"] * 3
        assert [await process.wait() for process in processes] == [0] * 3
        for process in processes:
            await process.aclose()
    assert len(server.asked) == 1
    assert (await FileVault(path).load()).refresh_token == "refresh-2"


async def test_a_token_answer_that_names_no_instance_is_asked_for_once() -> None:
    async with RawServer(reply(200, {"access_token": "t"})) as server, Http() as http:
        vault = MemoryVault(credentials(server.url, access_token=None, instance_url=None))
        with pytest.raises(ResponseUnreadable, match="does not say where the org's API is"):
            await Session(http, vault, clock=Clock()).access()
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [501, 404])
async def test_another_server_at_a_port_of_this_machine_is_asked_once_and_named_as_that(
    status: int,
) -> None:
    async with RawServer(reply(status, b"<html>no</html>", Content_Type="text/html")) as server, Http() as http:
        vault = MemoryVault(credentials(server.url))
        session = Session(http, vault, clock=Clock())
        with pytest.raises(
            ResponseUnreadable, match=f"is not a Salesforce org: it answered a sign-in with status {status}"
        ):
            await session.renew(await session.access())
    assert len(server.asked) == 1
