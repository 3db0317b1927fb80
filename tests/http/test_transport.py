"""Http goes over any transport, bounds what it returns, and releases every response."""

from collections.abc import AsyncGenerator

import pytest

from orgsync.errors import ArgumentInvalid, NotRecorded, ResponseTooLarge
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.http import Http
from orgsync.salesforce.http.request import Request
from orgsync.salesforce.http.transport import TransportResponse, sent_address

URL = "https://acme.my.salesforce.com/services/data"


class InMemory:
    """A transport without a network, which answers every request alike and knows the responses in use."""

    def __init__(self, status: int, *pieces: bytes) -> None:
        self.requests: list[Request] = []
        self.in_use: set[int] = set()
        self._status, self._pieces = status, pieces

    async def request(self, request: Request) -> TransportResponse:
        self.requests.append(request)
        number = len(self.requests)
        self.in_use.add(number)

        async def release() -> None:
            self.in_use.discard(number)

        return TransportResponse(self._status, {"content-type": "text/plain"}, self._body(), release)

    async def _body(self) -> AsyncGenerator[bytes]:
        for piece in self._pieces:
            yield piece


async def test_a_request_goes_to_the_given_transport_with_its_bounds_on_each_wait() -> None:
    transport = InMemory(200, b"a", b"b")
    async with Http(7, 3, transport=transport) as http:
        response = await http.send("POST", URL, params={"q": "x y"}, json=[1], timeout=5)
        await http.send("GET", URL)
    assert (response.status, response.content, response.url) == (200, b"ab", f"{URL}?q=x%20y")
    assert [(each.method, each.body, each.timeout, each.connect_timeout) for each in transport.requests] == [
        ("POST", b"[1]", 5, 3),
        ("GET", None, 7, 3),
    ]


@pytest.mark.parametrize("status", [200, 500])
async def test_every_response_is_released_whether_it_is_read_or_not(status: int) -> None:
    transport = InMemory(status, b"a", b"b")
    async with Http(transport=transport) as http:
        await http.send("GET", URL)
        async with http.stream("GET", URL) as stream:
            assert (await stream.read()).content == b"ab"
        async with http.stream("GET", URL) as stream:
            assert stream.status == status
    assert (len(transport.requests), transport.in_use) == (3, set())


async def test_a_response_that_is_too_large_is_released_too() -> None:
    transport = InMemory(200, b"abc", b"def")
    async with Http(transport=transport, bounds=Bounds(largest_response=5)) as http:
        with pytest.raises(ResponseTooLarge, match="more than 5 bytes"):
            await http.send("GET", URL)
    assert transport.in_use == set()


async def test_an_error_of_the_transport_arrives_as_it_is() -> None:
    class Failing(InMemory):
        async def request(self, request: Request) -> TransportResponse:
            raise NotRecorded("it.yaml does not hold it.", "Record it.")

    async with Http(transport=Failing(200)) as http:
        with pytest.raises(NotRecorded, match="does not hold it"):
            await http.send("GET", URL)


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://[::1",
        "https://host:port/",
        "/services/data",
        "https://host:65536/",
        "https://xn--/services",
    ],
)
def test_an_address_that_nothing_can_be_sent_to_is_refused_before_any_transport_sees_it(url: str) -> None:
    with pytest.raises(ArgumentInvalid, match="not a URL"):
        sent_address(url)


def test_a_query_directly_behind_the_host_is_not_lost() -> None:
    assert sent_address("https://acme.my.salesforce.com?q=a/b") == "https://acme.my.salesforce.com?q=a/b"


def test_an_address_is_compared_as_it_is_sent() -> None:
    assert (
        sent_address("https://acme.my.salesforce.com:443/å ä?q=1")
        == "https://acme.my.salesforce.com/%C3%A5%20%C3%A4?q=1"
    )
