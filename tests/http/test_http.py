"""One request, one whole answer, whatever the network does."""

import gzip
import logging
import socket
import ssl
from datetime import UTC, datetime

import anyio
import anyio.abc
import pytest
import trustme

from orgsync.errors import ArgumentInvalid, CredentialsInvalid, NetworkProblem, ResponseUnreadable
from orgsync.salesforce.http.http import JSON, Http, Response
from orgsync.salesforce.http.messages import host_name
from orgsync.salesforce.http.network_errors import connect_problem

from .raw_server import HANG, RESET, RawServer, reply

TOKEN = "00Dxx!secret-token"


def answer_with(content: bytes, content_type: str = "text/html", status: int = 200) -> Response:
    return Response(status, {"content-type": content_type}, content, "GET", "https://acme.my.salesforce.com/x?q=Smith")


async def test_an_answer_has_lower_case_headers_its_body_and_the_servers_clock() -> None:
    stamp = {"Date": "Tue, 03 Mar 2026 10:00:00 GMT", "Sforce_Limit_Info": "api-usage=1/15000"}
    async with RawServer(reply(201, {"a": [1, None]}, **stamp)) as server, Http() as http:
        answer = await http.send("POST", f"{server.url}/x", json={"name": "Zoë"})
    assert (answer.status, answer.ok, answer.json()) == (201, True, {"a": [1, None]})
    assert answer.headers["sforce-limit-info"] == "api-usage=1/15000"
    assert answer.date == datetime(2026, 3, 3, 10, tzinfo=UTC)
    assert server.asked[0].body == '{"name":"Zoë"}'.encode()
    assert server.asked[0].headers["content-type"] == "application/json"
    assert server.asked[0].headers["user-agent"].startswith("orgsync/")


@pytest.mark.parametrize(("json", "sent"), [(None, b"null"), ([], b"[]"), (False, b"false")])
async def test_an_empty_json_value_is_sent_and_not_left_out(json: JSON, sent: bytes) -> None:
    async with RawServer(reply()) as server, Http() as http:
        await http.send("POST", server.url, json=json)
    assert server.asked[0].body == sent


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("", None),
        ("soon", None),
        ("Tue, 03 Mar 2026 10:00:00 -0000", datetime(2026, 3, 3, 10, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("Tue, 03 Mar 2026 11:00:00 +0100", datetime(2026, 3, 3, 10, tzinfo=UTC)),
    ],
)
def test_a_missing_or_garbled_date_is_none_and_any_other_is_utc(date: str, expected: datetime | None) -> None:
    assert Response(200, {"date": date}, b"", "GET", "https://x").date == expected


async def test_a_query_string_encodes_plus_and_space_as_salesforce_reads_them() -> None:
    soql = "SELECT Id FROM Contact WHERE CreatedDate > 2024-01-01T00:00:00+00:00 AND Name = 'A&B/C~ü%'"
    async with RawServer(reply()) as server, Http() as http:
        await http.send("GET", f"{server.url}/query", params={"q": soql})
        await http.send("GET", f"{server.url}/query?a=1", params={"b": "2"})
    first = server.asked[0].target
    assert first == (
        "/query?q=SELECT%20Id%20FROM%20Contact%20WHERE%20CreatedDate%20%3E%202024-01-01T00%3A00%3A00%2B00%3A00"
        "%20AND%20Name%20%3D%20%27A%26B%2FC~%C3%BC%25%27"
    )
    assert server.asked[1].target == "/query?a=1&b=2"


async def test_a_form_is_sent_as_a_form() -> None:
    async with RawServer(reply()) as server, Http() as http:
        await http.send("POST", server.url, form={"grant_type": "x", "secret": "a+b &=ü"})
    assert server.asked[0].form == {"grant_type": "x", "secret": "a+b &=ü"}
    assert server.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_redirect_is_answered_and_not_followed() -> None:
    async with RawServer(reply(302, Location="http://127.0.0.1:9/steal")) as server, Http() as http:
        answer = await http.send("GET", server.url, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:9/steal")
    assert len(server.asked) == 1


async def test_no_cookie_is_kept_or_sent_back() -> None:
    async with RawServer(reply(Set_Cookie="BrowserId=abc; path=/")) as server, Http() as http:
        answer = await http.send("GET", server.url)
        await http.send("GET", server.url)
    assert "set-cookie" not in answer.headers
    assert "cookie" not in server.asked[1].headers


async def test_a_gzipped_body_arrives_decoded() -> None:
    body = gzip.compress(b'{"done":true}')
    async with RawServer(reply(200, body, Content_Encoding="gzip")) as server, Http() as http:
        answer = await http.send("GET", server.url)
    assert answer.json() == {"done": True}
    assert server.asked[0].headers["accept-encoding"] == "gzip"


async def test_connections_are_used_again() -> None:
    async with RawServer(reply()) as server, Http() as http:
        for _ in range(3):
            await http.send("GET", server.url)
        assert len(server.asked) == 3
        assert server.connections == 1


@pytest.mark.parametrize(
    ("content", "content_type", "kind"),
    [
        (b"<html><body>We are down for maintenance.</body></html>", "text/html", "a maintenance page"),
        (b"\n <h1>Bad Message 414</h1>", "text/html", "HTML"),
        (b"no healthy upstream", "text/plain", "text"),
        (b"", "", "an empty body"),
        (b'{"records":[{"Name":"Smith', "application/json;charset=UTF-8", "JSON that is cut short"),
        (b'[{"a":1}', "application/json;charset=UTF-8", "JSON that is cut short"),
        (b'\xff\xfe"', "application/json", "bytes that are not UTF-8"),
        (b"[" * 100_000, "application/json", "JSON that is nested too deep"),
    ],
)
def test_what_is_not_json_says_what_it_is_and_shows_no_data(content: bytes, content_type: str, kind: str) -> None:
    with pytest.raises(ResponseUnreadable) as caught:
        answer_with(content, content_type, 503).json()
    assert caught.value.cause.startswith(f"GET acme.my.salesforce.com/x returned {kind} instead of JSON")
    assert "503" in caught.value.cause
    assert "Smith" not in repr(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.remedy


async def test_a_host_that_does_not_exist_was_not_sent_to() -> None:
    async with Http() as http:
        with pytest.raises(NetworkProblem, match=r"host no-such-host\.invalid could not be resolved") as caught:
            await http.send("GET", "https://no-such-host.invalid/?q=Smith")
    assert caught.value.sent is False
    assert all(word in caught.value.remedy for word in ("network", "DNS", "HTTPS_PROXY"))
    assert "Smith" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "needs_action"),
    [
        (socket.EAI_NONAME, True),
        (getattr(socket, "EAI_NODATA", socket.EAI_NONAME), True),
        (socket.EAI_AGAIN, False),
        (socket.EAI_FAIL, False),
        (socket.EAI_SYSTEM, False),
    ],
)
def test_that_a_name_does_not_exist_is_proven_by_an_answer_alone(code: int, needs_action: bool) -> None:
    found = connect_problem(socket.gaierror(code, "no"), "acme.my.salesforce.com", is_loopback=False)
    assert "could not be resolved" in found.cause
    assert found.needs_action is needs_action


async def test_why_a_tls_handshake_failed_is_named_as_openssl_does() -> None:
    async def refuse(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"\x15\x03\x03\x00\x02\x02\x28")  # a fatal alert: handshake_failure

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, refuse)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610
        async with Http() as http:
            with pytest.raises(NetworkProblem, match=r"TLS failed \(\S+_ALERT_HANDSHAKE_FAILURE\)\."):
                await http.send("GET", f"https://127.0.0.1:{port}/")
        tasks.cancel_scope.cancel()


async def test_a_refused_connection_was_not_sent_to() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with Http() as http:
            with pytest.raises(NetworkProblem, match=f"^Nothing listens at 127.0.0.1:{port} of this machine") as caught:
                await http.send("GET", f"http://127.0.0.1:{port}/")
    assert caught.value.sent is False
    assert caught.value.remedy.endswith("or correct the port.")  # whose connection it is, is not known here


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://acme.my.salesforce.com/x", "acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com:443/x", "acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com:8443/x", "acme.my.salesforce.com:8443"),
        ("http://[::1]:8080/x", "[::1]:8080"),
        ("http://localhost:99999/x", "localhost"),
        ("/x", ""),
    ],
)
def test_a_host_is_named_with_its_port_unless_it_is_the_schemes_own(url: str, named: str) -> None:
    assert host_name(url) == named


async def test_a_certificate_that_is_not_trusted_was_not_sent_to() -> None:
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server_tls)  # pyright: ignore[reportUnknownMemberType]
    async with RawServer(reply(), tls=server_tls) as server, Http() as http:
        with pytest.raises(NetworkProblem, match="certificate is not trusted") as caught:
            await http.send("GET", server.url)
    assert caught.value.sent is False
    assert server.asked == []


async def test_a_certificate_authority_of_ones_own_can_be_trusted() -> None:
    ca, server_tls, client_tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ca.issue_cert("127.0.0.1").configure_cert(server_tls)  # pyright: ignore[reportUnknownMemberType]
    ca.configure_trust(client_tls)  # pyright: ignore[reportUnknownMemberType]
    async with RawServer(reply(200, 1), tls=server_tls) as server, Http(tls=client_tls) as http:
        assert (await http.send("GET", server.url)).json() == 1


@pytest.mark.parametrize(
    "broken",
    [
        RESET,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nab",
    ],
    ids=["reset", "body cut short", "chunk cut short"],
)
async def test_a_broken_answer_may_have_reached_the_server(broken: bytes) -> None:
    async with RawServer(broken) as server, Http() as http:
        with pytest.raises(NetworkProblem, match="broke before the whole response") as caught:
            await http.send("GET", f"{server.url}/x?q=Smith")
    assert caught.value.sent is True
    assert "Smith" not in str(caught.value)


async def test_an_answer_that_does_not_come_is_a_network_problem_in_time() -> None:
    async with RawServer(HANG) as server, Http() as http:
        with pytest.raises(NetworkProblem, match="not answered in time") as caught:
            await http.send("GET", server.url, timeout=0.05)
    assert caught.value.sent is True


async def test_a_connection_that_does_not_come_about_was_not_sent_to() -> None:
    with socket.socket() as full, socket.socket() as filler:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        filler.connect(full.getsockname())  # the backlog is full now: further handshakes hang
        port = full.getsockname()[1]
        async with Http(connect_timeout=0.1) as http:
            problems: list[NetworkProblem] = []
            for _ in range(2):  # the first may still fit into the backlog
                with pytest.raises(NetworkProblem) as caught:
                    await http.send("GET", f"http://127.0.0.1:{port}/", timeout=0.2)
                problems.append(caught.value)
    assert f"No connection to 127.0.0.1:{port} could be made in time" in problems[-1].cause
    assert problems[-1].sent is False


@pytest.mark.parametrize("url", ["ftp://host/", "https://", "https://[::1", "https://host:port/"])
async def test_an_address_that_is_none_is_a_configuration_problem(url: str) -> None:
    async with Http() as http:
        with pytest.raises(ArgumentInvalid, match="address of a request is not a URL"):
            await http.send("GET", url)


@pytest.mark.parametrize("tail", ["\n", "\r\nX-Evil: 1", "ü"])
async def test_a_header_with_a_line_end_or_an_accent_is_refused_without_showing_it(tail: str) -> None:
    async with RawServer(reply()) as server, Http() as http:
        with pytest.raises(CredentialsInvalid, match="a character that HTTP does not allow") as caught:
            await http.send("GET", server.url, headers={"Authorization": f"Bearer {TOKEN}{tail}"})
    assert TOKEN not in repr(caught.value)
    assert caught.value.__context__ is None
    assert server.asked == []


async def test_neither_a_repr_nor_a_log_shows_a_body_a_query_or_a_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with RawServer(reply(200, {"access_token": TOKEN})) as server, Http() as http:
        answer = await http.send("GET", server.url, params={"q": "Smith"}, headers={"Authorization": f"Bearer {TOKEN}"})
    for text in (repr(answer), answer.place, caplog.text):
        assert TOKEN not in text
        assert "Smith" not in text


async def test_the_log_lines_of_other_users_of_httpx_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="httpx")
    logging.getLogger("httpx").info("somebody else's")
    assert "somebody else's" in caplog.text


async def test_a_proxy_is_not_asked_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    async with RawServer(reply()) as server, Http() as http:
        assert (await http.send("GET", server.url)).ok


async def test_a_closed_pool_sends_nothing() -> None:
    async with Http() as http:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await http.send("GET", "http://127.0.0.1/")


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "something that is not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16garbage\r\n\r\n", "something that is not HTTP"),
        (b"HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n", "a status that HTTP does not have"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 5\r\n\r\n", "two lengths that differ"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: some\r\n\r\n", "one that is not a number"),
        (b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", "headers that are not HTTP's"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + b"x" * 99,
            "a body whose parts have no proper lengths",
        ),
        (reply(200, b"plain", Content_Encoding="gzip"), "a body that is labelled gzip and cannot be unzipped"),
        (reply(200, gzip.compress(b"whole") + b"\0\0xyz", Content_Encoding="gzip"), "labelled gzip and cannot"),
    ],
)
async def test_an_answer_that_is_wrong_in_itself_is_named_as_that(answer: bytes, named: str) -> None:
    async with RawServer(answer) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match=f"GET 127.0.0.1:[0-9]+/x returned .*{named}") as caught:
            await http.send("GET", f"{server.url}/x?q=Smith")
    assert "Smith" not in str(caught.value)


async def test_zeros_behind_a_gzipped_body_are_passed_over() -> None:
    body = gzip.compress(b"one") + b"\0" * 16 + gzip.compress(b"two") + b"\0" * 3
    async with RawServer(reply(200, body, Content_Encoding="gzip")) as server, Http() as http:
        assert (await http.send("GET", server.url)).content == b"onetwo"
