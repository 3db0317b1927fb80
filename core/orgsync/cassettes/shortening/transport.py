"""A transport over which each query seems to find at most so many rows, for recordings that are to stay small."""

from contextlib import aclosing

from orgsync.salesforce.http.messages import Response
from orgsync.salesforce.http.request import Request
from orgsync.salesforce.http.transport import Transport, TransportResponse, whole_response

from .chains import Shortening

__all__ = ["ShorteningTransport"]


class ShorteningTransport:
    """Send requests through another transport, and cut the responses to at most so many rows of each query.

    A response is read whole first.
    """

    def __init__(self, network: Transport, shortening: Shortening) -> None:
        self._network = network
        self._shortening = shortening

    async def request(self, request: Request) -> TransportResponse:
        """Send a request, and return its response with no more rows than are wanted; see `Transport`."""
        response = await self._network.request(request)
        async with aclosing(response), aclosing(response.body) as body:
            content = b"".join([part async for part in body])
        whole = Response(response.status, response.headers, content, request.method, request.url)
        short = self._shortening.shorten(whole)
        return whole_response(short.status, short.headers, short.content)
