"""The link of a connect session in a real browser: from the form by the demo org's own page back to the product."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import ConsoleMessage, Page, expect

from orgsync.demo_org import DemoOrg
from tests.browser import browsing, needs_browser

from .connecting import connecting, host_of, new_link
from .serving import Served

pytestmark = needs_browser

SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest_asyncio.fixture
async def served(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[Served]:
    async with connecting(tmp_path, org) as found:
        yield found


def errors_of(page: Page) -> list[str]:
    """Return a list that the console's errors come into; icons that the org and the product do not have are none."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            found.append(message.text)

    page.on("console", note)
    return found


async def require_fits(page: Page) -> None:
    assert await page.evaluate(SCROLLS) is False, "the page scrolls sideways"
    assert await page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize(("width", "dark"), [(360, False), (1280, True)])
async def test_a_customer_goes_the_whole_way_with_the_keyboard(
    served: Served, org: DemoOrg, width: int, dark: bool
) -> None:
    back = f"{served.url}/docs?tab=2"  # stands for a page of the product
    session, link = await new_link(served, return_url=back, account_name="Globex Ltd")
    async with browsing(width=width, dark=dark) as context:
        page = await context.new_page()
        errors = errors_of(page)
        await page.goto(link)
        await require_fits(page)
        await expect(page.get_by_role("heading")).to_have_text("Acme CRM asks for access to your Salesforce org")
        await expect(page.get_by_label("My Domain", exact=True)).to_be_hidden()
        await page.keyboard.press("Tab")  # the first radio button
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("My Domain", exact=True)).to_be_focused()
        await page.keyboard.type(host_of(org))
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Allow").click()
        await page.wait_for_url(f"{back}&session={session}&state=connected")
        assert errors == []
    assert (await served.project.connections.get("globex")).status == "ready"


async def test_a_customer_corrects_a_typo_denies_and_tries_again(served: Served, org: DemoOrg) -> None:
    _, link = await new_link(served, environments=["my_domain"])
    async with browsing(width=360) as context:
        page = await context.new_page()  # answers of 4xx are errors in its console
        await page.goto(link)
        await page.get_by_label("My Domain", exact=True).fill("acme.my.saleforce.com")
        await page.get_by_role("button", name="Continue to Salesforce").click()
        await expect(page.get_by_role("alert")).to_contain_text("Did you mean acme.my.salesforce.com?")
        await require_fits(page)
        await page.get_by_label("My Domain", exact=True).fill(host_of(org))
        await page.get_by_role("button", name="Continue to Salesforce").click()
        await page.get_by_role("button", name="Deny").click()
        await expect(page.get_by_role("alert")).to_contain_text("choose Allow")
        await require_fits(page)
        await page.get_by_role("button", name="Try again").click()
        await page.get_by_label("My Domain", exact=True).fill(host_of(org))
        await page.get_by_role("button", name="Continue to Salesforce").click()
        await page.get_by_role("button", name="Allow").click()
        await expect(page.get_by_role("heading")).to_have_text("Connected")
        await page.reload()
        await expect(page.get_by_role("alert")).to_contain_text("used already")
    assert [each.name for each in await served.project.connections.list()] == ["acme", "globex"]
