"""The form each way of signing in sends."""

from dataclasses import replace
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from orgsync.errors import CredentialsInvalid, HostNotAllowed
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.grants import audience, code_form, parse_sfdx_auth_url, token_form

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
MY_DOMAIN = "https://acme.my.salesforce.com"

REFRESH = Credentials(grant="refresh-token", login_url=MY_DOMAIN, client_id="3MVG", refresh_token="5Aep")
JWT = Credentials(grant="jwt", login_url=MY_DOMAIN, client_id="3MVG", username="a@b.c", private_key=PEM)
CLIENT = Credentials(grant="client-credentials", login_url=MY_DOMAIN, client_id="3MVG", client_secret="hush")


def test_a_refresh_sends_the_token_and_the_secret_only_if_there_is_one() -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "5Aep", "client_id": "3MVG"}
    assert token_form(REFRESH, NOW) == form
    assert token_form(replace(REFRESH, client_secret="hush"), NOW) == form | {"client_secret": "hush"}


def test_client_credentials_send_id_and_secret() -> None:
    assert token_form(CLIENT, NOW) == {
        "grant_type": "client_credentials",
        "client_id": "3MVG",
        "client_secret": "hush",
    }


@pytest.mark.parametrize("host", ["https://login.salesforce.com", "https://test.salesforce.com"])
def test_client_credentials_at_a_generic_host_are_refused_before_a_request(host: str) -> None:
    with pytest.raises(CredentialsInvalid, match="My Domain"):
        token_form(replace(CLIENT, login_url=host), NOW)


def test_a_jwt_is_signed_for_the_user_and_lives_three_minutes() -> None:
    form = token_form(JWT, NOW)
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert set(form) == {"grant_type", "assertion"}
    claims = jwt.decode(
        form["assertion"],
        KEY.public_key(),
        algorithms=["RS256"],
        audience="https://login.salesforce.com",
        options={"verify_exp": False},
    )
    assert claims == {
        "iss": "3MVG",
        "sub": "a@b.c",
        "aud": "https://login.salesforce.com",
        "exp": int(NOW.timestamp()) + 180,
    }


@pytest.mark.parametrize(
    ("login_url", "expected"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme-dev-ed.develop.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.site.com", "https://acme.my.site.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_audience_follows_the_kind_of_org(login_url: str, expected: str) -> None:
    assert audience(login_url) == expected


@pytest.mark.parametrize(
    "login_url", ["https://acme.my.salesforce.mil", "https://acme.my.sfcrmproducts.cn", "https://gateway.example.com"]
)
def test_an_audience_that_cannot_be_derived_is_asked_for_and_a_given_one_is_taken(login_url: str) -> None:
    with pytest.raises(CredentialsInvalid, match="cannot be derived") as caught:
        audience(login_url)
    assert "ORGSYNC_JWT_AUDIENCE" in caught.value.remedy
    given = Credentials(
        grant="jwt",
        login_url=login_url,
        client_id="3MVG",
        username="a@b.c",
        private_key=PEM,
        audience="https://aud.mil",
    )
    claims = jwt.decode(token_form(given, NOW)["assertion"], options={"verify_signature": False})
    assert claims["aud"] == "https://aud.mil"


EC_PEM = (
    ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
)


ENCRYPTED_PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    .decode()
)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("nonsense-key", "not a private key in PEM form, or is not whole"),
        (PEM[:400], "not a private key in PEM form, or is not whole"),
        (EC_PEM, "not an RSA key"),
        (ENCRYPTED_PEM, "encrypted with a passphrase"),
    ],
    ids=["no PEM", "cut short", "elliptic curve", "encrypted"],
)
def test_a_key_that_cannot_sign_is_refused_without_showing_it(key: str, why: str) -> None:
    with pytest.raises(CredentialsInvalid, match=why) as caught:
        token_form(replace(JWT, private_key=key), NOW)
    assert key not in repr(caught.value)
    assert caught.value.__context__ is None


def test_a_key_whose_line_ends_are_written_as_backslash_n_signs_too() -> None:
    assert token_form(replace(JWT, private_key=PEM.replace("\n", "\\n")), NOW) == token_form(JWT, NOW)


@pytest.mark.parametrize(
    ("credentials", "variable"),
    [
        (replace(REFRESH, refresh_token=None), "ORGSYNC_REFRESH_TOKEN"),
        (replace(REFRESH, refresh_token=""), "ORGSYNC_REFRESH_TOKEN"),
        (replace(CLIENT, client_secret=None), "ORGSYNC_CLIENT_SECRET"),
        (replace(JWT, username=None), "--username"),
        (replace(JWT, private_key=None), "ORGSYNC_PRIVATE_KEY"),
    ],
)
def test_a_missing_part_is_named(credentials: Credentials, variable: str) -> None:
    with pytest.raises(CredentialsInvalid, match=variable):
        token_form(credentials, NOW)


def test_a_code_is_exchanged_with_its_verifier() -> None:
    form = code_form("c0de", client_id="3MVG", client_secret=None, redirect_uri="http://x/cb", code_verifier="v")
    assert form == {
        "grant_type": "authorization_code",
        "code": "c0de",
        "client_id": "3MVG",
        "redirect_uri": "http://x/cb",
        "code_verifier": "v",
    }
    with_secret = code_form("c", client_id="i", client_secret="hush", redirect_uri="r", code_verifier="v")
    assert with_secret["client_secret"] == "hush"


@pytest.mark.parametrize(
    ("text", "login_url", "secret"),
    [
        ("force://PlatformCLI::5Aep861.x_y@acme.my.salesforce.com", MY_DOMAIN, None),
        ("  force://3MVG.a_b:1234==:5Aep=@acme.my.salesforce.com/\n", MY_DOMAIN, "1234=="),
        (
            "force://PlatformCLI::5Aep@acme--dev.sandbox.my.salesforce.com",
            "https://acme--dev.sandbox.my.salesforce.com",
            None,
        ),
        ("force://PlatformCLI::5Aep@127.0.0.1:8080", "http://127.0.0.1:8080", None),
    ],
)
def test_an_sfdx_auth_url_is_read(text: str, login_url: str, secret: str | None) -> None:
    credentials = parse_sfdx_auth_url(text)
    assert (credentials.grant, credentials.login_url, credentials.client_secret) == ("refresh-token", login_url, secret)
    assert credentials.refresh_token is not None
    assert credentials.refresh_token.startswith("5Aep")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "force://",
        "https://PlatformCLI::5Aep@acme.my.salesforce.com",
        "force://PlatformCLI:5Aep@acme.my.salesforce.com",
        "force://PlatformCLI::@acme.my.salesforce.com",
        "force://::5Aep@acme.my.salesforce.com",
        "force://PlatformCLI::5Aep@",
        "force://PlatformCLI::5Aep@acme.my.salesforce.com more",
        "force://Platform CLI::5Aep@acme.my.salesforce.com",
        "force://PlatformCLI::5Aep@evilsalesforce.com",
    ],
)
def test_any_other_text_is_no_sfdx_auth_url_and_is_not_shown(text: str) -> None:
    with pytest.raises(HostNotAllowed if "evil" in text else CredentialsInvalid) as caught:
        parse_sfdx_auth_url(text)
    assert "5Aep" not in str(caught.value)


def test_what_sf_prints_in_place_of_an_auth_url_is_recognised() -> None:
    printed = "[REDACTED] Use 'sf org auth show-sfdx-auth-url' to view"
    with pytest.raises(CredentialsInvalid, match="since May 2026") as caught:
        parse_sfdx_auth_url(printed)
    assert "sf org auth show-sfdx-auth-url --target-org" in caught.value.remedy


def test_an_sfdx_auth_url_may_name_an_allowed_host() -> None:
    credentials = parse_sfdx_auth_url("force://P::5Aep@gw.example.com", allowed_hosts=("gw.example.com",))
    assert credentials.login_url == "https://gw.example.com"
