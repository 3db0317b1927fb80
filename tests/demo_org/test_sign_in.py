"""Every grant of the OAuth endpoints, the tokens they give, and how those end."""

import base64
import hashlib
import hmac
import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from orgsync.demo_org import DemoOrg
from tests import plain_http
from tests.demo_org.caller import BASE, Caller

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CALLBACK = "http://localhost:8788/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def post(org: DemoOrg, form: dict[str, str | None], endpoint: str = "token") -> httpx.Response:
    """Post a form with the client's own id and secret; None leaves a field out."""
    client: dict[str, str | None] = {"client_id": org.client_id, "client_secret": org.client_secret}
    fields = {name: value for name, value in {**client, **form}.items() if value is not None}
    return plain_http.post(f"{org.url}/services/oauth2/{endpoint}", data=fields)


def refresh(org: DemoOrg, **form: str | None) -> httpx.Response:
    return post(org, {"grant_type": "refresh_token", "refresh_token": org.refresh_token, **form})


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["error_description"]


def works(org: DemoOrg, token: str) -> bool:
    answer = plain_http.get(f"{org.instance_url}{BASE}/limits", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


EXPIRED = (400, "invalid_grant", "expired access/refresh token")
BAD_CLIENT = (400, "invalid_client_id", "client identifier invalid")


def test_refreshing_gives_a_token_and_no_refresh_token(org: DemoOrg) -> None:
    answer = refresh(org).json()
    assert set(answer) == {"access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"}
    assert answer["token_type"] == "Bearer"
    assert answer["scope"] == "refresh_token api"
    assert answer["instance_url"] == org.instance_url
    assert answer["id"] == f"{org.login_url}/id/{org.org_id}/{org.user_id}"
    assert answer["issued_at"] == str(int(org.now.timestamp()) * 1000)
    assert answer["access_token"].startswith(f"{org.org_id[:15]}!")
    assert works(org, answer["access_token"])
    signed = hmac.digest(org.client_secret.encode(), (answer["id"] + answer["issued_at"]).encode(), "sha256")
    assert answer["signature"] == base64.b64encode(signed).decode()


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"refresh_token": "wrong"}, EXPIRED),
        ({"refresh_token": None}, EXPIRED),
        ({"client_id": "wrong"}, BAD_CLIENT),
        ({"client_id": None}, BAD_CLIENT),
        ({"client_secret": "wrong"}, (400, "invalid_client", "invalid client credentials")),
        ({"client_secret": None}, (400, "invalid_client", "invalid client credentials")),
        ({"grant_type": "magic"}, (400, "unsupported_grant_type", "grant type not supported")),
        ({"grant_type": None}, (400, "unsupported_grant_type", "grant type not supported")),
    ],
)
def test_a_refresh_that_is_wrong_is_refused(
    org: DemoOrg, form: dict[str, str | None], expected: tuple[int, str, str]
) -> None:
    assert refusal(refresh(org, **form)) == expected


def test_the_token_endpoint_wants_post(org: DemoOrg) -> None:
    assert refusal(plain_http.get(f"{org.url}/services/oauth2/token"))[1] == "invalid_request"


def test_the_client_may_prove_itself_by_basic_authorization(org: DemoOrg) -> None:
    def grant(auth: object) -> httpx.Response:
        headers = {"Authorization": f"Basic {auth}"}
        url = f"{org.url}/services/oauth2/token"
        return plain_http.post(url, data={"grant_type": "client_credentials"}, headers=headers)

    good = base64.b64encode(f"{org.client_id}:{org.client_secret}".encode()).decode()
    assert grant(good).status_code == 200
    assert refusal(grant("%%%"))[1] == "invalid_basic_auth_header"
    assert refusal(grant(base64.b64encode(b"someone:else").decode())) == BAD_CLIENT


def test_ended_access_tokens_are_refused_and_refreshing_helps(org: DemoOrg) -> None:
    token = refresh(org).json()["access_token"]
    org.expire_tokens()
    assert not works(org, token)
    assert works(org, refresh(org).json()["access_token"])


def test_revoked_refresh_tokens_end_their_access_tokens(org: DemoOrg) -> None:
    token = refresh(org).json()["access_token"]
    org.revoke_refresh_tokens()
    assert not works(org, token)
    assert refusal(refresh(org)) == EXPIRED


def test_rotation_gives_single_use_refresh_tokens(org: DemoOrg) -> None:
    org.rotate_refresh_tokens = True
    first = refresh(org).json()
    second = refresh(org, refresh_token=first["refresh_token"]).json()
    assert len({org.refresh_token, first["refresh_token"], second["refresh_token"]}) == 3
    assert works(org, first["access_token"])
    assert works(org, second["access_token"])


def test_replaying_a_rotated_token_ends_its_successors_too(org: DemoOrg) -> None:
    org.rotate_refresh_tokens = True
    first = refresh(org).json()
    assert refusal(refresh(org)) == EXPIRED
    assert refusal(refresh(org, refresh_token=first["refresh_token"])) == EXPIRED
    assert not works(org, first["access_token"])


def test_a_token_dies_after_its_lifetime(org: DemoOrg) -> None:
    org.token_lifetime = 900
    token = refresh(org).json()["access_token"]
    org.advance(seconds=899)
    assert introspected(org, token)["active"]
    org.advance(seconds=1)
    assert not works(org, token)


def test_use_prolongs_a_token_only_in_the_second_half_of_its_life(org: DemoOrg) -> None:
    org.token_lifetime = 1800
    token = refresh(org).json()["access_token"]
    expires = introspected(org, token)["exp"]
    org.advance(minutes=10)
    assert works(org, token)
    assert introspected(org, token)["exp"] == expires
    org.advance(minutes=10)
    assert works(org, token)
    assert introspected(org, token)["exp"] == expires + 1200


def test_a_token_without_a_lifetime_stays(org: DemoOrg) -> None:
    org.token_lifetime = None
    token = refresh(org).json()["access_token"]
    org.advance(days=300)
    assert works(org, token)
    assert introspected(org, token)["exp"] == int((org.now + timedelta(days=1)).timestamp())


def introspected(org: DemoOrg, token: str) -> dict[str, Any]:
    answer = post(org, {"token": token, "token_type_hint": "access_token"}, "introspect")
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


def test_introspection_tells_a_token_s_life(org: DemoOrg) -> None:
    token = refresh(org).json()["access_token"]
    now = int(org.now.timestamp())
    assert introspected(org, token) == {
        "active": True,
        "scope": "refresh_token api",
        "client_id": org.client_id,
        "username": org.username,
        "sub": f"{org.login_url}/id/{org.org_id}/{org.user_id}",
        "token_type": "access_token",
        "exp": now + 7200,
        "iat": now,
        "nbf": now,
    }


def test_introspection_says_inactive_of_dead_tokens_and_of_all_where_it_is_not_allowed(org: DemoOrg) -> None:
    token = refresh(org).json()["access_token"]
    assert introspected(org, "wrong") == {"active": False}
    org.introspection_allowed = False
    assert introspected(org, token) == {"active": False}
    assert works(org, token)
    assert refusal(post(org, {"token": token, "client_secret": None}, "introspect"))[1] == "invalid_client"


def test_tokens_of_either_kind_can_be_revoked(org: DemoOrg) -> None:
    token = refresh(org).json()["access_token"]
    other = refresh(org).json()["access_token"]
    revoked = post(org, {"token": token}, "revoke")
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert not works(org, token)
    assert post(org, {"token": org.refresh_token}, "revoke").status_code == 200
    assert not works(org, other)
    assert refusal(post(org, {"token": "wrong"}, "revoke"))[1] == "invalid_token"


def test_userinfo_and_the_identity_url_say_who_it_is(org: DemoOrg) -> None:
    answer = refresh(org).json()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    userinfo = plain_http.get(f"{org.instance_url}/services/oauth2/userinfo", headers=headers).json()
    identity = plain_http.get(answer["id"], headers=headers).json()
    assert userinfo["sub"] == identity["id"] == answer["id"]
    assert userinfo["user_id"] == identity["user_id"] == org.user_id
    assert userinfo["organization_id"] == identity["organization_id"] == org.org_id
    assert userinfo["preferred_username"] == identity["username"] == org.username
    assert "{version}" in userinfo["urls"]["rest"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", userinfo["updated_at"])


def test_who_it_is_is_reported_to_tokens_only_and_of_themselves(org: DemoOrg) -> None:
    assert plain_http.get(f"{org.url}/services/oauth2/userinfo").status_code == 403
    headers = {"Authorization": f"Bearer {org.access_token()}"}
    assert plain_http.get(f"{org.url}/id/{org.org_id}/005000000000000AAA", headers=headers).status_code == 404


def assertion(org: DemoOrg, **claims: object) -> str:
    ends = int(time.time()) + 180
    whole = {"iss": org.client_id, "sub": org.username, "aud": "https://login.salesforce.com", "exp": ends}
    return jwt.encode({**whole, **claims}, org.private_key_pem, algorithm="RS256")


def by_jwt(org: DemoOrg, signed: str) -> httpx.Response:
    url = f"{org.url}/services/oauth2/token"
    return plain_http.post(url, data={"grant_type": JWT_BEARER, "assertion": signed})


def test_a_signed_assertion_gives_a_token(org: DemoOrg) -> None:
    for audience in ("https://login.salesforce.com", org.login_url):
        answer = by_jwt(org, assertion(org, aud=audience)).json()
        assert answer["scope"] == "api"
        assert works(org, answer["access_token"])


def test_an_assertion_is_good_however_far_the_org_s_clock_was_moved(org: DemoOrg) -> None:
    org.advance(days=400)
    assert by_jwt(org, assertion(org)).status_code == 200


@pytest.mark.parametrize(
    ("claims", "error", "description"),
    [
        ({"iss": "wrong"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "nobody@demo.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"aud": "https://test.salesforce.com"}, "invalid_grant", "Audience validation failed"),
        ({"exp": 1}, "invalid_grant", "Couldn't validate jwt token"),
        ({"exp": "soon"}, "invalid_grant", "Couldn't validate jwt token"),
    ],
)
def test_an_assertion_that_claims_wrongly_is_refused(
    org: DemoOrg, claims: dict[str, object], error: str, description: str
) -> None:
    assert refusal(by_jwt(org, assertion(org, **claims))) == (400, error, description)


def test_an_assertion_that_another_key_signed_is_refused(org: DemoOrg) -> None:
    claims = {"iss": org.client_id, "sub": org.username, "aud": org.login_url, "exp": int(time.time()) + 60}
    forged = jwt.encode(claims, "k" * 32, algorithm="HS256")
    assert refusal(by_jwt(org, forged)) == (400, "invalid_grant", "invalid assertion")
    assert refusal(by_jwt(org, "not.a.jwt")) == (400, "invalid_grant", "invalid assertion")


def test_client_credentials_give_a_token(org: DemoOrg) -> None:
    answer = post(org, {"grant_type": "client_credentials"}).json()
    assert "refresh_token" not in answer
    assert works(org, answer["access_token"])


def test_a_token_whose_scope_lacks_api_is_not_valid_for_rest(org: DemoOrg) -> None:
    org.scope = "refresh_token id"
    token = refresh(org).json()["access_token"]
    answer = plain_http.get(f"{org.instance_url}{BASE}/limits", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json()[0]["message"] == "This session is not valid for use with the REST API"


def authorize(org: DemoOrg, **fields: str | None) -> httpx.Response:
    whole: dict[str, str | None] = {
        "response_type": "code",
        "client_id": org.client_id,
        "redirect_uri": CALLBACK,
        "scope": "api refresh_token",
        "state": "s t/?&=",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **fields,
    }
    params = {name: value for name, value in whole.items() if value is not None}
    return plain_http.get(f"{org.url}/services/oauth2/authorize", params=params)


def returned(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    url = urlsplit(answer.headers["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == CALLBACK
    return {name: values[0] for name, values in parse_qs(url.query).items()}


def exchange(org: DemoOrg, code: str, **form: str | None) -> httpx.Response:
    whole = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return post(org, {**whole, **form})


def test_the_authorization_page_has_a_form_that_allows(org: DemoOrg) -> None:
    page = authorize(org)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    fields = {name: value.replace("&amp;", "&") for name, value in fields.items()}
    answer = returned(plain_http.post(f"{org.url}/services/oauth2/authorize", data={**fields, "decision": "allow"}))
    assert answer["state"] == "s t/?&="
    granted = exchange(org, answer["code"]).json()
    assert granted["scope"] == "api refresh_token"
    assert works(org, granted["access_token"])
    assert works(org, refresh(org, refresh_token=granted["refresh_token"]).json()["access_token"])


def test_denying_goes_back_with_an_error(org: DemoOrg) -> None:
    answer = returned(authorize(org, decision="deny"))
    assert answer == {
        "error": "access_denied",
        "error_description": "end-user denied authorization",
        "state": "s t/?&=",
    }


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"response_type": "magic"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_what_the_page_cannot_do_goes_back_with_an_error(org: DemoOrg, fields: dict[str, str], error: str) -> None:
    assert returned(authorize(org, **fields, state=None))["error"] == error


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_id": "wrong"}, "invalid_client_id"),
        ({"redirect_uri": CALLBACK + "/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": None}, "redirect_uri_missing"),
    ],
)
def test_an_unknown_app_or_redirect_never_goes_back(org: DemoOrg, fields: dict[str, str | None], error: str) -> None:
    answer = authorize(org, **fields)
    assert answer.status_code == 400
    assert answer.json()["error"] == error


def test_a_redirect_with_a_query_of_its_own_keeps_it(org: DemoOrg) -> None:
    org.callback_urls.append("http://127.0.0.1:1/back?tenant=7")
    answer = authorize(org, redirect_uri="http://127.0.0.1:1/back?tenant=7", decision="allow")
    assert answer.headers["location"].startswith("http://127.0.0.1:1/back?tenant=7&code=")


def test_a_code_is_good_once(org: DemoOrg) -> None:
    code = returned(authorize(org, decision="allow"))["code"]
    assert exchange(org, code).status_code == 200
    assert refusal(exchange(org, code)) == (400, "invalid_grant", "invalid authorization code")


def test_a_code_is_good_for_15_minutes(org: DemoOrg) -> None:
    code = returned(authorize(org, decision="allow"))["code"]
    org.advance(minutes=15, seconds=1)
    assert refusal(exchange(org, code)) == (400, "invalid_grant", "expired authorization code")


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({"code_verifier": "other"}, "invalid_grant", "invalid code verifier"),
        ({"code_verifier": None}, "invalid_grant", "invalid code verifier"),
        (
            {"redirect_uri": "http://127.0.0.1:8788/callback"},
            "redirect_uri_mismatch",
            "redirect_uri must match configuration",
        ),
        ({"client_secret": "wrong"}, "invalid_client", "invalid client credentials"),
    ],
)
def test_an_exchange_that_is_wrong_is_refused(
    org: DemoOrg, form: dict[str, str | None], error: str, description: str
) -> None:
    code = returned(authorize(org, decision="allow"))["code"]
    assert refusal(exchange(org, code, **form)) == (400, error, description)


def test_without_the_refresh_scope_there_is_no_refresh_token(org: DemoOrg) -> None:
    code = returned(authorize(org, decision="allow", scope="api", code_challenge=None))["code"]
    assert "refresh_token" not in exchange(org, code, code_verifier=None).json()


def test_a_sixth_approval_ends_the_oldest(org: DemoOrg) -> None:
    for approvals in range(2, 7):
        assert (refresh(org).status_code == 200) == (approvals <= 6)
        exchange(org, returned(authorize(org, decision="allow"))["code"])
    assert refusal(refresh(org)) == EXPIRED


def test_two_seeds_are_two_orgs_and_know_nothing_of_each_other(org: DemoOrg) -> None:
    with DemoOrg(contacts=0, accounts=0, seed=2) as other, Caller(other) as api:
        assert other.org_id != org.org_id
        assert other.client_id != org.client_id
        assert other.refresh_token != org.refresh_token
        api.http.headers["Authorization"] = f"Bearer {org.access_token()}"
        assert api.get("/limits").status_code == 401
