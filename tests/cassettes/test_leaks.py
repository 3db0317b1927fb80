"""What a check finds in a cassette that was not scrubbed, or was edited by hand."""

import pytest

from orgsync.cassettes.scrubbing import Leak, leaks, scrubbed

from .spoken import (
    ADA,
    CLIENT_ID,
    GRACE,
    INSTANCE,
    ORG,
    QUERY,
    REFRESH_TOKEN,
    TOKEN,
    cassette,
    contact_id,
    everything,
    interaction,
    row,
    user_id,
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"Bearer {TOKEN}", "an access token"),
        ("Bearer 0123456789abcdef", "an access token"),
        ("https://x.example/?sid=0123456789abcdef", "an access token"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIzTVZHIn0.c2lnbmF0dXJl", "a token"),
        (CLIENT_ID, "a consumer key"),
        (REFRESH_TOKEN, "a refresh token"),
        ("-----BEGIN PRIVATE KEY-----\nMII", "a private key"),
        ("http://127.0.0.1:8123/x", "an org's host"),
        ("localhost:8123", "an org's host"),
        (f"{INSTANCE}/x", "an org's host"),
        ("https%3A%2F%2Facme.my.salesforce.com%2Fx", "an org's host"),
        (ORG, "an org's id"),
        (ORG[:15], "an org's id"),
        (user_id(1), "a user's id"),
        ("ask ada@analytical.example", "an e-mail address"),
        ("ask ada%40analytical.example", "an e-mail address"),
    ],
)
def test_what_gives_itself_away_is_found_in_any_text(text: str, what: str) -> None:
    step = interaction(QUERY, {"records": [row("Case", contact_id(1), Note__c=text)]}, origin="")
    assert leaks([step]) == [Leak(1, what, "response: Case.Note__c")]
    assert leaks(scrubbed([step])) == []


def test_a_personal_field_whose_value_is_no_stand_in_is_found() -> None:
    record = row("Contact", contact_id(1), LastName="Lovelace", Phone="(000) 000-0012", Birthdate="1815-12-10")
    step = interaction(QUERY, {"records": [record]}, origin="")
    assert leaks([step]) == [
        Leak(1, "a personal text", "response: Contact.LastName"),
        Leak(1, "a personal date", "response: Contact.Birthdate"),
    ]


def test_the_users_rule_counts() -> None:
    step = interaction(QUERY, {"records": [row("Case", contact_id(1), Nick__c="Ada", Motto__c="Onwards")]}, origin="")
    assert [leak.where for leak in leaks([step], fields=["Motto__c"])] == [
        "response: Case.Nick__c",
        "response: Case.Motto__c",
    ]


def test_secrets_in_their_places_are_found() -> None:
    step = interaction(
        "/services/oauth2/token",
        {"access_token": "short"},
        method="POST",
        origin="",
        sent="client_secret=x&grant_type=password",
        request_headers={"cookie": "a", "authorization": "b"},
    )
    assert leaks([step]) == [
        Leak(1, "a cookie", "request: header cookie"),
        Leak(1, "a secret", "request: header authorization"),
        Leak(1, "a secret (client_secret)", "request: client_secret"),
        Leak(1, "a secret (access_token)", "response: access_token"),
    ]


def test_a_host_that_a_request_went_to_is_found() -> None:
    assert leaks([interaction("/services/data", "[]")]) == [Leak(1, "an org's host", "request: origin")]
    assert leaks([interaction("/v1/rates", "[]", origin="https://api.rates.example")]) == []


def test_no_leak_shows_a_value() -> None:
    steps = cassette([ADA, GRACE])
    shown = "\n".join(f"{leak.what} {leak.where}" for leak in leaks(steps))
    secretive = [word for word in everything(steps).split() if len(word) > 16 and word.isalnum()]
    assert not any(word in shown for word in (*secretive, ADA.email, ADA.last, GRACE.phone, TOKEN, ORG))
