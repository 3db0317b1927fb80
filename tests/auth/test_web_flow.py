"""The browser flow without a browser: what is sent out, and what is believed when it comes back."""

import hashlib
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from orgsync.errors import HostNotAllowed, ServerProblem, SignInNeeded
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.sign_in import sign_in
from orgsync.salesforce.auth.token_endpoint import introspect
from orgsync.salesforce.auth.web_flow import Authorization, begin, code_of, finish, state_of
from orgsync.salesforce.http.http import Http

from ..http.raw_server import RawServer, reply

CALLBACK = "http://localhost:8788/callback"
ORG, USER = "00DDo000000rryBMAQ", "005Do000000PVvJIAW"


def begun(login_url: str = "https://login.salesforce.com") -> Authorization:
    return begin(login_url, "3MVG.a+b", CALLBACK)


def back(**query: str) -> str:
    return f"{CALLBACK}?{urlencode(query)}"


def token_document(url: str, **changes: str) -> dict[str, str]:
    return {
        "access_token": "00DDo000000rryB!AQ",
        "refresh_token": "5Aep",
        "instance_url": url,
        "id": f"{url}/id/{ORG}/{USER}",
        "issued_at": "1681216544357",
        "scope": "api refresh_token",
    } | changes


def test_the_url_asks_for_a_code_with_a_challenge_that_fits_the_verifier() -> None:
    authorization = begun()
    parts = urlsplit(authorization.url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://login.salesforce.com/services/oauth2/authorize"
    query = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
    digest = hashlib.sha256(authorization.code_verifier.encode()).digest()
    assert query == {
        "response_type": "code",
        "client_id": "3MVG.a+b",
        "redirect_uri": CALLBACK,
        "scope": "api refresh_token",
        "state": authorization.state,
        "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    assert 43 <= len(authorization.code_verifier) <= 128


def test_a_prompt_and_a_login_hint_are_asked_for_where_given() -> None:
    authorization = begin("https://x.my.salesforce.com", "id", CALLBACK, prompt="login", login_hint="a@b.c")
    query = parse_qs(urlsplit(authorization.url).query)
    assert (query["prompt"], query["login_hint"]) == (["login"], ["a@b.c"])


def test_two_sign_ins_share_nothing_that_is_secret() -> None:
    one, other = begun(), begun()
    assert one.state != other.state
    assert one.code_verifier != other.code_verifier


def test_the_code_comes_out_of_the_callback_of_the_right_state() -> None:
    url = back(code="aPrx==.a+b", state="s1")
    assert state_of(url) == "s1"
    assert code_of(url, "s1") == "aPrx==.a+b"


@pytest.mark.parametrize(
    "url",
    [
        back(code="c", state="other"),
        back(code="c"),
        back(code="c", state=""),
        back(error="access_denied", state="other"),
        f"{CALLBACK}?code=c&state=s1&state=s1",
        f"{CALLBACK}?code=c&state=s1é",
        f"{CALLBACK}?" + "&".join(["state=s1"] + ["a=1"] * 60),
        CALLBACK,
        "http://[::1",
    ],
)
def test_a_callback_of_another_state_is_refused(url: str) -> None:
    with pytest.raises(SignInNeeded, match="its state differs"):
        code_of(url, "s1")


def test_a_person_who_refuses_and_an_app_that_is_blocked_are_distinguished() -> None:
    with pytest.raises(SignInNeeded, match="choose Allow"):
        code_of(back(error="access_denied", error_description="end-user denied authorization", state="s"), "s")
    with pytest.raises(SignInNeeded, match="blocked the app"):
        code_of(back(error="OAUTH_APP_BLOCKED", error_description="this app is blocked by admin", state="s"), "s")


def test_a_callback_cannot_be_retried_so_even_a_busy_server_ends_the_sign_in() -> None:
    with pytest.raises(SignInNeeded, match="Start the sign-in again"):
        code_of(back(error="server_error", state="s"), "s")


@pytest.mark.parametrize("query", [{}, {"code": ""}])
def test_a_callback_without_a_code_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(SignInNeeded, match="no authorization code"):
        code_of(back(state="s", **query), "s")
    with pytest.raises(SignInNeeded, match="no authorization code"):
        code_of(f"{CALLBACK}?state=s&code=a&code=b", "s")


async def test_finishing_exchanges_the_code_for_credentials() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(reply(200, token_document(server.url)))
        authorization = begun(server.url)
        url = back(code="c0de", state=authorization.state)
        credentials = await finish(http, authorization, url, client_secret="hush", org_id=ORG[:15])
    assert server.asked[0].target == "/services/oauth2/token"
    assert server.asked[0].form == {
        "grant_type": "authorization_code",
        "code": "c0de",
        "client_id": "3MVG.a+b",
        "client_secret": "hush",
        "redirect_uri": CALLBACK,
        "code_verifier": authorization.code_verifier,
    }
    assert credentials.grant == "refresh-token"
    assert credentials.secrets() == {
        "client_secret": "hush",
        "refresh_token": "5Aep",
        "access_token": "00DDo000000rryB!AQ",
    }
    assert (credentials.instance_url, credentials.user_id) == (server.url, USER)


async def test_a_forged_callback_sends_no_request() -> None:
    async with RawServer(reply()) as server, Http() as http:
        with pytest.raises(SignInNeeded):
            await finish(http, begun(server.url), back(code="c0de", state="forged"))
    assert server.asked == []


async def test_a_sign_in_to_another_org_than_expected_is_refused() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(reply(200, token_document(server.url)))
        authorization = begun(server.url)
        with pytest.raises(SignInNeeded, match="connect the other org under another name"):
            await finish(http, authorization, back(code="c", state=authorization.state), org_id="00DOther0000000")


async def test_a_sign_in_without_a_refresh_token_names_the_scope_to_add() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(reply(200, token_document(server.url, refresh_token="")))
        authorization = begun(server.url)
        with pytest.raises(SignInNeeded, match="refresh_token \\(offline_access\\)"):
            await finish(http, authorization, back(code="c", state=authorization.state))


async def test_nothing_more_is_asked_where_the_answer_had_everything() -> None:
    async with RawServer(b"") as server, Http() as http:
        document: dict[str, object] = {**token_document(server.url), "expires_in": 900}
        server.will_answer(reply(200, document), reply(404, b""))
        authorization = begun(server.url)
        exchanged = await finish(http, authorization, back(code="c", state=authorization.state))
        complete = await sign_in(http, exchanged)
    assert complete.lifetime == 900
    assert complete.access_token == exchanged.access_token
    assert [asked.target.split("/")[-1] for asked in server.asked] == ["token", "userinfo", USER]


async def test_a_token_that_tells_no_org_is_asked_for_its_user_alone() -> None:
    async with RawServer(b"") as server, Http() as http:
        document = token_document(server.url, id="", access_token="eyJ.eyJ.sig")
        who = {"preferred_username": "ada@demo.example", "organization_id": ORG, "user_id": USER}
        server.will_answer(reply(200, document), reply(401, {}), reply(200, who))
        authorization = begun(server.url)
        exchanged = await finish(http, authorization, back(code="c", state=authorization.state))
        assert exchanged.org_id is None
        complete = await sign_in(http, exchanged)
    assert (complete.org_id, complete.user_id, complete.username) == (ORG, USER, "ada@demo.example")


@pytest.mark.parametrize(
    ("document", "lifetime"),
    [
        ({"active": True, "exp": 2000.0, "iat": 1000.0}, 1000),
        ({"active": True, "exp": 1772532300}, 300),  # without iat, from the server's own clock
        ({"active": True, "exp": 1000, "iat": 2000}, None),
        ({"active": True, "exp": True, "iat": "x"}, None),
        ({"active": True}, None),
        ({"active": False, "exp": 2000, "iat": 1000}, None),
        ({"active": "true", "exp": 2000, "iat": 1000}, None),
        ([], None),
    ],
)
async def test_introspection_tells_a_lifetime_or_nothing(document: object, lifetime: float | None) -> None:
    async with RawServer(reply(200, document, Date="Tue, 03 Mar 2026 10:00:00 GMT")) as server, Http() as http:
        credentials = Credentials(
            grant="refresh-token", login_url=server.url, client_id="3MVG", access_token="t", instance_url=server.url
        )
        assert await introspect(http, credentials) == lifetime
    assert server.asked[0].form == {"token": "t", "token_type_hint": "access_token", "client_id": "3MVG"}


async def test_a_code_is_not_sent_twice() -> None:
    async with RawServer(reply(503, {})) as server, Http() as http:
        authorization = begun(server.url)
        with pytest.raises(ServerProblem):
            await finish(http, authorization, back(code="c", state=authorization.state))
    assert len(server.asked) == 1


async def test_an_instance_that_is_no_salesforce_host_is_refused() -> None:
    async with RawServer(b"") as server, Http() as http:
        server.will_answer(reply(200, token_document("https://evilsalesforce.com")))
        authorization = begun(server.url)
        with pytest.raises(HostNotAllowed, match="no token was sent there"):
            await finish(http, authorization, back(code="c", state=authorization.state))
