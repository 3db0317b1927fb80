"""False responses for faults: functions from a true response and its path."""

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from .wire import JSON_TYPE, Response, json_response

Page = dict[str, object]
Alteration = Callable[[Page, str], Page | None]
ResponseAlteration = Callable[[Response, str], Response | None]
_LATER_PAGE = re.compile(r"/query(?:All)?/[^/]+/?\Z")


def altered(response: Response, path: str, alteration: Alteration) -> Response | None:
    """Return the response made untrue; None where it is no page of a query, holds no rows, or cannot be altered so."""
    page = _query_page(response)
    changed = alteration(page, path) if page else None
    return None if changed is None else replace(response, body=json_response(changed).body)


def done_too_early(page: Page, path: str) -> Page | None:
    """Call this page the last one; where it is, drop half of its rows."""
    if not page["done"]:
        return {name: value for name, value in page.items() if name != "nextRecordsUrl"} | {"done": True}
    rows = _rows(page)
    return page | {"records": rows[: len(rows) // 2]} if len(rows) > 1 else None


def lost_locator(page: Page, path: str) -> Page:
    """Announce more rows without their address."""
    return page | {"done": False, "nextRecordsUrl": None}


def no_records(page: Page, path: str) -> Page:
    """Replace the rows by null."""
    return page | {"records": None}


def changed_total(offset: int) -> Alteration:
    """Return what moves the total of the pages after the first."""

    def alter(page: Page, path: str) -> Page | None:
        total = page["totalSize"]
        return page | {"totalSize": total + offset} if isinstance(total, int) and _LATER_PAGE.search(path) else None

    return alter


def unknown_total(page: Page, path: str) -> Page:
    """Make the total -1."""
    return page | {"totalSize": -1}


def same_page_again(page: Page, path: str) -> Page | None:
    """Name this page as the next one."""
    return page | {"done": False, "nextRecordsUrl": path} if _LATER_PAGE.search(path) else None


def ever_new_pages(page: Page, path: str) -> Page | None:
    """Name this page as the next one, by another address."""
    again = f"{path}?again={secrets.token_hex(4)}"
    return page | {"done": False, "nextRecordsUrl": again} if _LATER_PAGE.search(path) else None


def broken_text(response: Response, path: str, *, text: bytes) -> Response | None:
    """Put a byte that is not UTF-8 before a text; None where the response does not hold it."""
    if response.status != 200 or text not in response.body:
        return None
    return replace(response, body=response.body.replace(text, b"\xff" + text))


def _query_page(response: Response) -> Page | None:
    if response.status != 200 or response.content_type != JSON_TYPE:
        return None
    content = cast(object, json.loads(response.body))
    if not isinstance(content, dict):
        return None
    page = cast(Page, content)
    return page if {"totalSize", "done", "records"} <= page.keys() and _rows(page) else None


def _rows(page: Page) -> list[object]:
    return cast(list[object], page["records"])
