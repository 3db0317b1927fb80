"""The page in a real browser: no console error in any of it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Job
from orgsync.store import Connection
from tests.browser import browsing, needs_browser, opened_page

from .serving import Served

pytestmark = needs_browser

SCRIPT = """\
from orgsync import Batches, Context, Record, sync


class Contact(Record, table=True):
    last_name: str


class Account(Record, table=True):
    name: str


@sync(every="15m")
def people(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)


@sync
def firms(ctx: Context) -> Batches[Account]:
    if ctx.connection.name:
        raise ValueError
    return ctx.changes(Account)
"""


@pytest.fixture(autouse=True)
def script(tmp_path: Path) -> None:
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "crm.py").write_text(SCRIPT)


@asynccontextmanager
async def signed_in(served: Served, *, width: int = 1280, dark: bool = False) -> AsyncGenerator[Page]:
    """Open a browser and sign in by the form."""
    token = await served.token("admin", name=f"ops-{width}-{dark}")
    async with browsing(width=width, dark=dark) as context, opened_page(context) as page:
        await page.goto(f"{served.url}/")
        await page.get_by_label("Token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("link", name="acme")).to_be_visible()
        yield page


async def test_signing_in_is_wrong_once_and_right_then_and_leads_to_where_one_wanted(served: Served) -> None:
    async with browsing() as context:
        page = await context.new_page()  # its console names the status of the wrong attempt
        await page.goto(f"{served.url}/runs")
        await page.get_by_label("Token").fill("orgsync_00_wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("This is not a token")
        await expect(page.get_by_label("Token")).to_be_focused()
        await page.get_by_label("Token").fill(await served.token("read"))
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{served.url}/runs")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page).to_have_url(f"{served.url}/sign-in")


async def test_the_list_filters_while_typing_and_refreshes_itself_without_taking_the_focus(served: Served) -> None:
    for name in ("globex", "initech"):
        await served.project.store.connections.save(Connection(name=name, tags=["us"]), {})
    async with signed_in(served) as page:
        await page.get_by_role("searchbox").press_sequentially("glo")
        await expect(page.get_by_role("link", name="acme")).to_be_hidden()
        await expect(page.get_by_role("link", name="globex")).to_be_visible()
        await expect(page).to_have_url(f"{served.url}/?q=glo&tag=&sort=state")
        await page.get_by_role("searchbox").fill("")
        await page.get_by_label("Tag", exact=True).select_option("us")
        await expect(page.get_by_role("link", name="acme")).to_be_hidden()
        await page.get_by_label("Tag", exact=True).select_option("")
        link = page.get_by_role("link", name="acme")
        await link.focus()
        await page.evaluate("window.scrollTo(0, 40)")
        await served.project.connections.update("acme", tags=["fresh"])
        await expect(page.locator("#list")).to_contain_text("fresh", timeout=10_000)
        await expect(link).to_be_focused()
        await page.get_by_role("link", name="never run").click()
        await expect(page.get_by_role("link", name="never run")).to_have_attribute("aria-current", "true")


async def test_a_run_is_followed_to_its_end(served: Served, org: DemoOrg) -> None:
    org.page_size = 5
    org.add_fault(Fault.delay(0.2), match="/query", times=None)
    async with signed_in(served) as page:
        await page.get_by_role("link", name="acme").click()
        await page.get_by_role("button", name="Run now people").click()
        await expect(page).to_have_url(f"{served.url}/runs/1")
        await expect(page.get_by_role("main")).to_contain_text("running")
        org.clear_faults()
        await expect(page.get_by_role("main").get_by_role("status")).to_have_text("done")
        await expect(page.locator("dt", has_text="Rows added").locator("xpath=following-sibling::dd")).to_have_text(
            "25"
        )
        await page.get_by_role("main").get_by_role("link", name="acme").first.click()
        await expect(page.get_by_role("img", name="Rows changed in the last 1 run: 25 to 25, last 25")).to_be_visible()
        await page.get_by_role("button", name="Test").click()
        await expect(page.get_by_role("status")).to_contain_text(["The org answered"])


async def test_a_sync_is_paused_by_the_keyboard_and_a_failure_shows_its_remedy(served: Served) -> None:
    await served.project.execute(Job("sync", "firms", "acme"))
    async with signed_in(served) as page:
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("main")).to_be_focused()
        await page.get_by_role("link", name="acme").focus()
        await page.keyboard.press("Enter")
        firms = page.get_by_role("region", name="firms")
        await expect(firms).to_contain_text("raised ValueError")
        await expect(firms).to_contain_text("Correct the script")
        seen: list[str] = []
        for _ in range(14):
            await page.keyboard.press("Tab")
            seen.append(await page.evaluate("document.activeElement.textContent.trim()"))
            if seen[-1] == "Pause people":
                break
        assert {"Test", "Pause all", "Run now firms", "Pause people"} <= set(seen), seen
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", "where the focus is, is seen"
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Continue people")).to_be_visible()
        [schedule] = await served.project.schedules.list()
        assert (schedule.sync, schedule.off) == ("people", True)


@pytest.mark.parametrize("dark", [False, True])
async def test_nothing_is_wider_than_a_small_screen(served: Served, dark: bool) -> None:
    long = "a-customer-with-a-name-that-is-rather-long.production"
    await served.project.store.connections.save(Connection(name=long, username="x" * 80, tags=["t" * 60]), {})
    for sync in ("people", "firms"):
        await served.project.execute(Job("sync", sync, "acme"))
    async with signed_in(served, width=360, dark=dark) as page:
        for path in ("/", f"/connections/{long}", "/connections/acme", "/runs", "/runs/2"):
            await page.goto(f"{served.url}{path}")
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width == 360, (path, width)
            background = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            assert (background != "rgb(255, 255, 255)") is dark


async def test_a_server_that_does_not_answer_is_said_and_so_is_that_it_does_again(served: Served) -> None:
    async with browsing() as context:
        page = await context.new_page()  # its console names the requests that failed
        await page.goto(f"{served.url}/")
        await page.get_by_label("Token").fill(await served.token("read"))
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("link", name="acme")).to_be_visible()
        await context.set_offline(True)
        await expect(page.locator("#stale")).to_be_visible(timeout=10_000)
        await context.set_offline(False)
        await expect(page.locator("#stale")).to_be_hidden(timeout=10_000)
        await served.project.tokens.revoke("caller")
        await expect(page).to_have_url(f"{served.url}/sign-in", timeout=10_000)
