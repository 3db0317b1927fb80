"""What a describe tells, and whether it still does."""

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import ObjectNotFound
from orgsync.salesforce.api.describe import changed_since, describe
from orgsync.salesforce.http.http import Http
from tests.http.raw_server import RawServer, reply

from .clients import client_of, lone_client

STAMP = "Tue, 03 Mar 2026 10:00:00 GMT"
LATER = "Tue, 03 Mar 2026 10:30:00 GMT"
STREET = {"name": "MailingStreet", "type": "textarea", "compoundFieldName": "MailingAddress", "length": 255}
CONTACT = {"name": "Contact", "fields": [STREET, {"name": "Id", "type": "id"}]}


async def test_describe_knows_fields_and_parents(org: DemoOrg) -> None:
    async with client_of(org) as client:
        contact = await describe(client, "Contact")
    assert contact.replicateable
    email, account = contact.field("EMAIL"), contact.parent("account")
    assert email is not None
    assert email.name == "Email"
    assert account is not None
    assert account.refers_to == ("Account",)
    assert contact.parent("Nobody") is None


async def test_an_unchanged_describe_costs_no_body() -> None:
    nothing_new = b"HTTP/1.1 304 Not Modified\r\nLast-Modified: Tue, 03 Mar 2026 10:00:00 GMT\r\n\r\n"
    answers = reply(200, CONTACT, Last_Modified=STAMP), nothing_new, reply(200, CONTACT, Last_Modified=LATER)
    async with RawServer(*answers) as server, Http() as http:
        client = lone_client(http, server.url)
        first = await describe(client, "Contact")
        assert first.last_modified == STAMP
        assert await changed_since(client, "Contact", STAMP) is None
        second = await changed_since(client, "Contact", STAMP)
    assert second is not None
    assert second.last_modified == LATER
    assert "if-modified-since" not in server.asked[0].headers
    assert [asked.headers["if-modified-since"] for asked in server.asked[1:]] == [STAMP, STAMP]


async def test_an_object_that_has_gone_since_is_named(org: DemoOrg) -> None:
    async with client_of(org) as client:
        with pytest.raises(ObjectNotFound, match="no object Contct"):
            await changed_since(client, "Contct", STAMP)
