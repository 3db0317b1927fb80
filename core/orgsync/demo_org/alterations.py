"""What makes a true answer untrue: functions from it, and its path, to the untrue one, for faults."""

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from .wire import JSON_TYPE, Answer, json_answer

Page = dict[str, object]
Alteration = Callable[[Page, str], Page | None]
AnswerAlteration = Callable[[Answer, str], Answer | None]
_LATER_PAGE = re.compile(r"/query(?:All)?/[^/]+/?\Z")


def altered(answer: Answer, path: str, alteration: Alteration) -> Answer | None:
    """Return the answer made untrue; None where it is no page of a query, holds no rows, or cannot be altered so."""
    page = _query_page(answer)
    changed = alteration(page, path) if page else None
    return None if changed is None else replace(answer, body=json_answer(changed).body)


def done_too_early(page: Page, path: str) -> Page | None:
    """Say that this page is the last one; where it is, drop half of its rows."""
    if not page["done"]:
        return {name: value for name, value in page.items() if name != "nextRecordsUrl"} | {"done": True}
    rows = _rows(page)
    return page | {"records": rows[: len(rows) // 2]} if len(rows) > 1 else None


def lost_locator(page: Page, path: str) -> Page:
    """Say that there is more, and not where."""
    return page | {"done": False, "nextRecordsUrl": None}


def no_records(page: Page, path: str) -> Page:
    """Give null for the rows."""
    return page | {"records": None}


def changed_total(offset: int) -> Alteration:
    """Return what moves the total of the pages after the first."""

    def alter(page: Page, path: str) -> Page | None:
        total = page["totalSize"]
        return page | {"totalSize": total + offset} if isinstance(total, int) and _LATER_PAGE.search(path) else None

    return alter


def unknown_total(page: Page, path: str) -> Page:
    """Say that the total is not known."""
    return page | {"totalSize": -1}


def same_page_again(page: Page, path: str) -> Page | None:
    """Say that the next page is this one."""
    return page | {"done": False, "nextRecordsUrl": path} if _LATER_PAGE.search(path) else None


def ever_new_pages(page: Page, path: str) -> Page | None:
    """Say that the next page is this one, by another address."""
    again = f"{path}?again={secrets.token_hex(4)}"
    return page | {"done": False, "nextRecordsUrl": again} if _LATER_PAGE.search(path) else None


def broken_text(answer: Answer, path: str, *, text: bytes) -> Answer | None:
    """Put a byte that is not UTF-8 before a text; None where the answer does not hold it."""
    if answer.status != 200 or text not in answer.body:
        return None
    return replace(answer, body=answer.body.replace(text, b"\xff" + text))


def _query_page(answer: Answer) -> Page | None:
    if answer.status != 200 or answer.content_type != JSON_TYPE:
        return None
    content = cast(object, json.loads(answer.body))
    if not isinstance(content, dict):
        return None
    page = cast(Page, content)
    return page if {"totalSize", "done", "records"} <= page.keys() and _rows(page) else None


def _rows(page: Page) -> list[object]:
    return cast(list[object], page["records"])
