"""A body as it arrives: fast enough, and in pieces that are worth taking up."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio

from orgsync.errors import NetworkProblem

from .bounds import Pace
from .request import Request

__all__ = ["gathered", "paced"]

_GATHERED = 64 * 1024  # bytes


async def gathered(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Put small pieces together: a server may send a byte at a time, and each costs those who read it."""
    held = bytearray()
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                if held and len(held) + len(piece) > _GATHERED:
                    yield bytes(held)
                    held.clear()
                if len(piece) >= _GATHERED:
                    yield piece
                else:
                    held += piece
    except Exception:
        if held:
            yield bytes(held)  # what has come counts, whatever ends the rest
        raise
    if held:
        yield bytes(held)


async def paced(unzipped: AsyncGenerator[bytes], request: Request, pace: Pace) -> AsyncGenerator[bytes]:
    """Read a body as it arrives, as long as it comes fast enough; only what it unfolds to counts.

    Raises NetworkProblem where it does not. A body that has come to its end is whole, however slowly it came.
    """
    async with aclosing(unzipped) as body:
        while True:
            began, chunk = anyio.current_time(), b""
            with anyio.move_on_after(pace.patience) as wait:
                try:
                    chunk = await anext(body)
                except StopAsyncIteration:
                    return
            if wait.cancelled_caught or pace.too_slow(anyio.current_time() - began, len(chunk)):
                raise NetworkProblem(
                    f"The answer to {request.place} comes more slowly than {pace.rate:g} bytes a second.",
                    "Try again later; where the line is that slow, lower the setting least_rate.",
                )
            yield chunk
