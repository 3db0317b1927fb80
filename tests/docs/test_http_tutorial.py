"""The tutorial over HTTP, typed into real terminals, and its link opened in a real browser."""

import json
import re
from pathlib import Path

from anyio import to_thread

from tests.browser import browsing, needs_browser, opened_page

from .pages import page
from .terminals import BROWSER, TERMINAL, Terminals

PAGE = page("docs/tutorial-http.md")


@needs_browser
async def test_a_customer_connects_in_the_browser_and_a_change_arrives_at_the_receiver(tmp_path: Path) -> None:
    blocks = [block for block in PAGE.blocks() if TERMINAL.fullmatch(block.remark) or block.language == "diff"]
    [shown] = [block for block in PAGE.blocks("text") if block.remark == BROWSER]
    with Terminals(PAGE, tmp_path) as terminals:
        await to_thread.run_sync(terminals.run, [block for block in blocks if block.line < shown.line])
        written = terminals.written(4)
        answer = json.loads(written[written.index("{") :])
        async with browsing() as context, opened_page(context) as browser:
            await browser.goto(answer["url"])
            [host] = re.findall(r"is at http://(\S+)", (tmp_path / "crm" / "demo-org.txt").read_text())
            await browser.get_by_label("My Domain").fill(host)
            await browser.get_by_role("button", name="Continue to Salesforce").click()
            await browser.get_by_role("button", name="Allow").click()
            await browser.get_by_text(shown.text.strip()).wait_for()
        await to_thread.run_sync(terminals.run, [block for block in blocks if block.line > shown.line])
