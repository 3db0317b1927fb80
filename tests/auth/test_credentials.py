"""Credentials keep their secrets apart and out of sight."""

from dataclasses import replace

import pytest

from orgsync.errors import CredentialsInvalid
from orgsync.salesforce.auth.credentials import SECRET_PARTS, Credentials
from orgsync.salesforce.auth.session import Access
from orgsync.salesforce.auth.web_flow import begin

FULL = Credentials(
    grant="jwt",
    login_url="https://login.salesforce.com",
    client_id="3MVG-hidden",
    client_secret="hidden-1",
    refresh_token="hidden-2",
    private_key="hidden-3",
    access_token="hidden-4",
    username="jane-hidden@example.org",
    instance_url="https://acme.my.salesforce.com",
    org_id="00D5g000000AbCd",
)


def test_secrets_can_be_taken_out_and_put_back() -> None:
    assert set(FULL.secrets()) == set(SECRET_PARTS)
    bare = replace(FULL, client_secret=None, refresh_token=None, private_key=None, access_token=None)
    assert bare.secrets() == {}
    assert bare.with_secrets(FULL.secrets()) == FULL


def test_only_the_secrets_given_are_changed() -> None:
    changed = FULL.with_secrets({"access_token": "new"})
    assert changed.secrets() == FULL.secrets() | {"access_token": "new"}


def test_an_unknown_secret_part_is_refused() -> None:
    with pytest.raises(CredentialsInvalid, match="no secret part called username"):
        FULL.with_secrets({"username": "x"})


def test_no_repr_shows_a_secret_or_a_person() -> None:
    texts = [repr(FULL), str(FULL), f"{FULL}", repr(Access("hidden-token", "https://acme.my.salesforce.com"))]
    assert all("hidden" not in text for text in texts)
    assert "acme" in texts[0]
    authorization = begin("https://login.salesforce.com", "3MVG", "http://localhost:1/callback")
    assert authorization.state not in repr(authorization)
    assert authorization.code_verifier not in repr(authorization)
