"""https to a port of plain HTTP: what the log says of it."""

import asyncio
import logging

import anyio
import httpx
import pytest
from structlog.testing import capture_logs

from tests.plain_http import NOBODY

from .test_http_protocol import served


async def test_tls_that_is_spoken_to_a_port_of_plain_http_is_named_as_that(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as port, httpx.AsyncClient(verify=NOBODY, timeout=30) as caller:
        with capture_logs() as logged, caplog.at_level(logging.WARNING):
            with pytest.raises(httpx.ConnectError):
                await caller.get(f"https://127.0.0.1:{port}/")
            assert (await caller.post(f"http://127.0.0.1:{port}/", content=b"\x16\x03\x01")).text == "3 bytes"
    assert [each["event"] for each in logged] == ["a request was refused"]
    assert logged[0]["error"].startswith("TLS was spoken to a port of plain HTTP. Call it by http://")
    assert not caplog.records


async def test_tls_that_goes_on_is_refused_once(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with capture_logs() as logged, anyio.fail_after(10):
            writer.write(b"\x16\x03\x01")
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
            writer.write(b"\x16\x03\x01")
            async with httpx.AsyncClient(verify=NOBODY, timeout=30) as caller:  # by then the server has read it
                await caller.get(f"http://127.0.0.1:{port}/")
        writer.close()
    assert len(logged) == 1
    assert not caplog.records


async def test_a_body_that_begins_as_tls_does_is_a_body() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n")
        writer.write(b"Connection: close\r\nExpect: 100-continue\r\n\r\n")
        with capture_logs() as logged, anyio.fail_after(10):
            await reader.readuntil(b"100 Continue\r\n\r\n")  # so that the body comes by itself
            writer.write(b"\x16\x03\x01")
            assert (await reader.read()).endswith(b"3 bytes")
        writer.close()
    assert logged == []
