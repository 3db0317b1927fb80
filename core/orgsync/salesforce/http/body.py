"""A body as it arrives: fast enough, and in pieces of a useful size."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio

from orgsync.errors import NetworkProblem

from .bounds import Pace
from .request import Request

__all__ = ["gathered", "paced"]

_CHUNK = 64 * 1024  # bytes


async def gathered(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Join small pieces: a server may send a byte at a time, and each piece costs its readers."""
    held = bytearray()
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                if held and len(held) + len(piece) > _CHUNK:
                    yield bytes(held)
                    held.clear()
                if len(piece) >= _CHUNK:
                    yield piece
                else:
                    held += piece
    except Exception:
        if held:
            yield bytes(held)  # what has arrived counts, whatever ends the rest
        raise
    if held:
        yield bytes(held)


async def paced(decoded: AsyncGenerator[bytes], request: Request, pace: Pace) -> AsyncGenerator[bytes]:
    """Yield a body as it arrives, as long as it arrives fast enough, counted unzipped.

    Raises NetworkProblem where it does not. A body that has ended is complete, however slowly it arrived.
    """
    async with aclosing(decoded) as body:
        while True:
            began, chunk = anyio.current_time(), b""
            with anyio.move_on_after(pace.patience) as wait:
                try:
                    chunk = await anext(body)
                except StopAsyncIteration:
                    return
            if wait.cancelled_caught or pace.too_slow(anyio.current_time() - began, len(chunk)):
                raise NetworkProblem(
                    f"The response to {request.place} arrives more slowly than {pace.rate:g} bytes a second.",
                    "Try again later; where the connection is that slow, lower the setting minimum_rate.",
                )
            yield chunk
