"""The server itself: threads, connections, headers, sizes, faults."""

import asyncio
import gzip
import re
import socket
import ssl
import threading
import time
from datetime import UTC, datetime

import anyio
import httpx
import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests import plain_http
from tests.demo_org.caller import BASE, Caller, certified
from tests.plain_http import NOBODY


def test_it_starts_stops_and_starts_again_where_it_was() -> None:
    org = DemoOrg(contacts=1, accounts=1)
    with org:
        url = org.url
        contact = org.insert("Contact", LastName="Kept")
        assert plain_http.get(f"{url}/services/data").status_code == 200
    with pytest.raises(httpx.ConnectError):
        plain_http.get(f"{url}/services/data")
    with org, Caller(org) as api:
        assert org.url == url
        assert api.get(f"/sobjects/Contact/{contact}").json()["LastName"] == "Kept"


def test_a_taken_port_is_reported_and_leaves_no_thread() -> None:
    before = {*threading.enumerate()}
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        DemoOrg(contacts=0, accounts=0, port=taken.getsockname()[1]).start()
    assert {*threading.enumerate()} <= before  # one of another test may have ended in the meantime


def test_stopping_an_org_that_never_started_does_nothing() -> None:
    DemoOrg(contacts=0, accounts=0).stop()


def test_an_org_that_is_not_running_cannot_move() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        DemoOrg(contacts=0, accounts=0).move_instance()


async def test_it_serves_the_event_loop_that_tests_run_in(org: DemoOrg) -> None:
    headers = {"Authorization": f"Bearer {org.access_token()}"}
    async with (
        httpx.AsyncClient(verify=NOBODY, base_url=org.url, headers=headers, timeout=30) as http,
        anyio.create_task_group() as group,
    ):
        for _ in range(60):
            group.start_soon(http.get, f"{BASE}/limits")
    assert [request.status for request in org.requests] == [200] * 60
    assert org.api_used == 60


def test_tls_is_served_with_the_given_certificate() -> None:
    serving, authority = certified("localhost")
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    with DemoOrg(contacts=1, accounts=1, tls=serving, host="localhost") as org:
        assert org.url.startswith("https://localhost:")
        with httpx.Client(verify=trusting) as http:
            assert http.get(f"{org.url}/services/data").status_code == 200
            org.add_fault(Fault.reset())
            with pytest.raises(httpx.TransportError):
                http.get(f"{org.url}/services/data")


def test_one_connection_serves_many_requests(org: DemoOrg) -> None:
    host, port = org.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rb") as answers:
        for _ in range(3):
            connection.sendall(b"HEAD /services/data HTTP/1.1\r\nHost: demo\r\n\r\n")
            assert answers.readline() == b"HTTP/1.1 200 \r\n"
            while answers.readline() != b"\r\n":
                pass


def test_a_client_that_asks_for_it_gets_the_connection_closed(org: DemoOrg) -> None:
    answer = plain_http.get(f"{org.url}/services/data", headers={"Connection": "close"})
    assert answer.headers["connection"] == "close"


def test_a_client_that_waits_for_100_continue_gets_it(org: DemoOrg) -> None:
    host, port = org.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rb") as answers:
        head = "POST /services/oauth2/token HTTP/1.1\r\nHost: demo\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert b"100" in answers.readline()
        answers.readline()
        connection.sendall(b"a=b")
        assert b"400" in answers.readline()


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00garbage\r\n\r\n", b"GET nowhere\r\n\r\n", b"GET / HT"])
def test_garbage_is_answered_with_400_or_dropped_and_hurts_nobody(org: DemoOrg, garbage: bytes) -> None:
    host, port = org.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            said = answer.read()
        assert said.endswith(b"<h1>Bad Message 400</h1><pre>reason: Bad Request</pre>")
    assert plain_http.get(f"{org.url}/services/data").status_code == 200


def test_bodies_are_gzipped_only_if_asked_for(org: DemoOrg) -> None:
    plain = plain_http.get(f"{org.url}/services/data", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in plain.headers
    with httpx.stream("GET", f"{org.url}/services/data", headers={"Accept-Encoding": "gzip"}) as packed:
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content
        assert packed.headers["content-encoding"] == "gzip"


def test_the_date_header_follows_the_org_s_clock(org: DemoOrg) -> None:
    assert plain_http.get(f"{org.url}/services/data").headers["date"] == "Sat, 14 Mar 2026 12:30:20 GMT"
    org.advance(days=1, hours=1, minutes=1, seconds=1)
    assert plain_http.get(f"{org.url}/services/data").headers["date"] == "Sun, 15 Mar 2026 13:31:21 GMT"
    assert org.now == datetime(2026, 3, 15, 13, 31, 21, tzinfo=UTC)


def test_without_a_frozen_clock_time_is_real() -> None:
    org = DemoOrg(contacts=0, accounts=0)
    assert abs((org.now - datetime.now(UTC)).total_seconds()) < 5


def test_a_uri_over_16384_bytes_is_answered_with_414_in_html(api: Caller) -> None:
    fits = api.get("/query", q="SELECT Id FROM Contact" + " " * 3000)
    too_long = api.get("/query", q="SELECT Id FROM Contact" + " " * 16_384)
    assert fits.status_code == 200
    assert too_long.status_code == 414
    assert too_long.text == "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>"


def test_uri_and_headers_over_16384_bytes_are_answered_with_431(api: Caller) -> None:
    assert api.get("/limits", headers={"X-Padding": "x" * 16_300}).status_code == 431


def test_requests_remember_what_was_asked(api: Caller, org: DemoOrg) -> None:
    api.get("/query", q="SELECT Id FROM Contact")
    (request,) = org.requests
    assert (request.method, request.path, request.status) == ("GET", f"{BASE}/query", 200)
    assert request.query == {"q": "SELECT Id FROM Contact"}
    assert request.counted
    assert org.access_token() not in repr(request)
    assert "uthorization" not in repr(request)
    org.clear_requests()
    assert org.requests == []


def test_requests_whose_client_has_left_are_forgotten_with_the_others(api: Caller, org: DemoOrg) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", int(org.url.rpartition(":")[2]))) as client:
            client.sendall(b"GET /services/data HTTP/1.1\r\nHost: localhost\r\n\r\n")
    org.clear_requests()
    api.get("/limits")
    assert [request.path for request in org.requests] == [f"{BASE}/limits"]


def test_secrets_are_not_in_the_org_s_repr(org: DemoOrg) -> None:
    assert org.client_secret not in repr(org)
    assert org.refresh_token not in repr(org)


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (Fault.status(502, "<h3>Oops</h3>"), 502, "<h3>Oops</h3>"),
        (Fault.status(503, "no healthy upstream", content_type="text/plain"), 503, "no healthy upstream"),
        (Fault.status(500), 500, ""),
        (Fault.maintenance(), 503, "We are down for maintenance."),
        (Fault.json_error(400, "UNABLE_TO_LOCK_ROW", "busy"), 400, "UNABLE_TO_LOCK_ROW"),
        (Fault.oauth_error("server_error", "try again"), 400, '{"error":"server_error"'),
        (Fault.concurrent_limit(), 403, "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
    ],
)
def test_a_fault_answers_once_and_the_next_call_is_well(
    api: Caller, org: DemoOrg, fault: Fault, status: int, text: str
) -> None:
    org.add_fault(fault, match="limits")
    assert api.get("/").status_code == 200
    struck = api.get("/limits")
    assert struck.status_code == status
    assert text in struck.text
    assert ("content-type" in struck.headers) == bool(text)
    assert api.get("/limits").status_code == 200


def test_a_reset_is_seen_as_one_and_leaves_the_request_undone(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.reset(), match="sobjects")
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        api.send("POST", "/sobjects/Contact", {"LastName": "Lost"})
    assert "Lost" not in [row["LastName"] for row in org.rows("Contact")]
    assert org.requests[-1].status == 0


def test_a_reset_after_processing_leaves_the_request_done(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.reset(processed=True), match="sobjects")
    with pytest.raises(httpx.ReadError):
        api.send("POST", "/sobjects/Contact", {"LastName": "Done"})
    assert "Done" in [row["LastName"] for row in org.rows("Contact")]


def test_a_truncated_body_is_noticed(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.truncate(), match="query")
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        api.get("/query", q="SELECT Id, Name FROM Contact")


def test_a_hanging_call_ends_when_the_client_gives_up(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.hang(), match="query")
    with pytest.raises(httpx.ReadTimeout):
        api.http.get(f"{BASE}/query", timeout=0.05)
    assert org.requests[-1].status == 0


def test_an_org_stops_while_a_call_hangs() -> None:
    with DemoOrg(contacts=0, accounts=0) as org:
        org.add_fault(Fault.hang())
        with socket.create_connection(("127.0.0.1", int(org.url.rpartition(":")[2]))) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: demo\r\n\r\n")
            while not org.requests:
                time.sleep(0.001)
            org.stop()
            assert connection.recv(1) == b""


async def test_a_delayed_call_is_answered_late_and_others_are_not(org: DemoOrg) -> None:
    org.add_fault(Fault.delay(0.2), match="oauth2")
    async with httpx.AsyncClient(verify=NOBODY, base_url=org.url, timeout=30) as http:
        late = asyncio.create_task(http.post("/services/oauth2/token"))
        while not (await http.get("/services/data")).is_success or late.done():
            raise AssertionError("the delayed call was not the later one")
        assert (await late).status_code == 400
    assert [request.path for request in org.requests] == ["/services/data", "/services/oauth2/token"]


def test_a_fault_can_strike_one_call_in_ten_a_number_of_times_or_always(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.maintenance(), match="limits", every=10)
    assert [api.get("/limits").status_code for _ in range(20)] == ([200] * 9 + [503]) * 2
    org.clear_faults()
    org.add_fault(Fault.maintenance(), match=r"v\d+\.0/limits$", times=2)
    assert [api.get("/limits").status_code for _ in range(3)] == [503, 503, 200]
    org.add_fault(Fault.maintenance(), times=None)
    assert [api.get("/limits").status_code for _ in range(3)] == [503, 503, 503]


def test_the_api_limit_is_counted_reported_and_enforced(api: Caller, org: DemoOrg) -> None:
    org.api_limit = 2
    reported = [api.get("/limits").headers["sforce-limit-info"] for _ in range(2)]
    assert reported == ["api-usage=1/2", "api-usage=2/2"]
    refused = api.get("/limits")
    assert refused.status_code == 403
    assert refused.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert plain_http.get(f"{org.url}/services/data").status_code == 200
    assert [request.counted for request in org.requests] == [True, True, False, False]


def test_errors_count_as_calls_but_a_bad_token_does_not(api: Caller, org: DemoOrg) -> None:
    assert "sforce-limit-info" in api.get("/nothing").headers
    api.http.headers["Authorization"] = "Bearer wrong"
    refused = api.get("/limits")
    assert "sforce-limit-info" not in refused.headers
    assert org.api_used == 1


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "nonsense"])
def test_a_call_without_a_good_token_gets_401(org: DemoOrg, header: str) -> None:
    answer = plain_http.get(f"{org.url}{BASE}/limits", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Token"
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@pytest.mark.parametrize(
    "path", ["/nothing", "/sobjects/Nothing", "/sobjects/Nothing/describe", "//query", "/query/x/y"]
)
def test_an_unknown_path_gets_404(api: Caller, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json() == [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


def test_unknown_and_retired_versions_are_refused(api: Caller) -> None:
    assert api.get("/services/data/v99.0/limits").status_code == 404
    assert api.get("/services/data/latest/limits").status_code == 404
    assert api.get("/services/data/v20.0/limits").status_code == 410
    assert api.get("/services/oauth2/nothing").status_code == 404


def test_the_wrong_verb_gets_405_with_the_right_ones(api: Caller) -> None:
    answer = api.send("PUT", "/sobjects/Contact")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET,POST"
    assert answer.json()[0]["errorCode"] == "METHOD_NOT_ALLOWED"


def test_request_ids_are_32_hex_digits_twice(api: Caller) -> None:
    headers = api.get("/limits").headers
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert headers["x-sfdc-request-id"] == headers["x-request-id"]


def test_an_org_that_moves_refuses_at_the_old_place_and_names_the_new_one(api: Caller, org: DemoOrg) -> None:
    old = org.instance_url
    org.move_instance()
    assert org.instance_url != old
    assert org.login_url == old
    assert api.get("/limits").status_code == 401
    api.sign_in()
    assert api.get("/limits").status_code == 200
    api.http.base_url = httpx.URL(old)
    assert api.get("/limits").status_code == 401


def test_a_place_that_is_gone_answers_420_where_sign_in_stays_and_else_nothing(api: Caller, org: DemoOrg) -> None:
    org.move_instance(unreachable=True)
    answer = api.get("/limits")
    assert answer.status_code == 420
    assert answer.headers["content-type"].startswith("text/html")
    second = org.instance_url
    org.move_instance(unreachable=True)
    with pytest.raises(httpx.ConnectError):
        plain_http.get(f"{second}/services/data")
