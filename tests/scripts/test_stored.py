"""What a connection signs in with is the same after it was stored."""

from datetime import UTC, datetime

from orgsync import Credentials
from orgsync.scripts.stored import columns_of, credentials_of, secrets_of
from orgsync.store import Connection

WHOLE = Credentials(
    grant="jwt",
    login_url="https://acme.my.salesforce.mil",
    client_id="3MVG",
    client_secret="hush",
    refresh_token="5Aep",
    private_key="a key",
    username="ada@acme.example",
    audience="https://aud.salesforce.mil",
    access_token="00D!token",
    instance_url="https://acme.my.salesforce.mil",
    org_id="00D5g000000AbCdEAK",
    user_id="0055g000000XyZaAAK",
    scope="api",
    issued_at=datetime(2026, 3, 3, 10, tzinfo=UTC),
    lifetime=7200.0,
)


def test_credentials_are_read_back_as_they_were_stored() -> None:
    for kept in (WHOLE, Credentials(grant="jwt", login_url="https://login.salesforce.com", client_id="3MVG")):
        assert credentials_of(Connection(name="acme", **columns_of(kept)), secrets_of(kept)) == kept
