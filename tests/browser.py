"""A real browser for pages: Debian's Chromium, driven by Playwright; tests skip where it is not installed."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright

__all__ = ["browsing", "needs_browser", "opened_page"]

_CHROMIUM = shutil.which("chromium")

needs_browser = pytest.mark.skipif(_CHROMIUM is None, reason="chromium is not installed")

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def browsing(*, width: int = 1280, height: int = 900, dark: bool = False) -> AsyncGenerator[BrowserContext]:
    """Start a browser; what is yielded has cookies of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        try:
            yield await browser.new_context(
                viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
            )
        finally:
            await browser.close()


@asynccontextmanager
async def opened_page(context: BrowserContext) -> AsyncGenerator[Page]:
    """Open a page; afterwards its console must have shown no error."""
    page = await context.new_page()
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield page
    assert not found, found
