"""The connections that a visitor has asked for: those that are his, filtered, sorted and a page of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orgsync.project.overview import WORST_FIRST, ConnectionOverview

from .access import Caller

__all__ = ["SORTS", "Listing", "Wanted", "listed"]

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the connections that a visitor has asked for.

    `states` and `tags` are what there is to choose from, with their numbers; `found` is how many are on all pages.
    """

    rows: Sequence[ConnectionOverview]
    found: int
    total: int
    page: int
    pages: int
    states: Sequence[tuple[str, int]]
    tags: Sequence[tuple[str, int]]


def _by_state(each: ConnectionOverview) -> Any:
    return WORST_FIRST.index(each.state), each.connection.name


def _by_name(each: ConnectionOverview) -> Any:
    return each.connection.name


def _by_lag(each: ConnectionOverview) -> Any:
    return -(each.lag or timedelta(-1)), each.connection.name


def _by_success(each: ConnectionOverview) -> Any:
    return each.last_success.timestamp() if each.last_success else 0.0, each.connection.name


def _by_due(each: ConnectionOverview) -> Any:
    return each.due.timestamp() if each.due else float("inf"), each.connection.name


SORTS: dict[str, tuple[str, Callable[[ConnectionOverview], Any]]] = {
    "state": ("worst first", _by_state),
    "name": ("name", _by_name),
    "lag": ("longest lag", _by_lag),
    "success": ("oldest success", _by_success),
    "due": ("next due", _by_due),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the connections is to be shown: a part of a name, a state, a tag, in which order, which page."""

    q: str = ""
    state: str = ""
    tag: str = ""
    sort: str = "state"
    page: int = 1


def listed(all_: Sequence[ConnectionOverview], caller: Caller, wanted: Wanted) -> Listing:
    """Return those of the connections that a caller sees and wants, a page of them."""
    mine = [each for each in all_ if caller.sees(each.connection.name)]
    states, tags = dict[str, int](), dict[str, int]()
    for each in mine:
        states[each.state] = states.get(each.state, 0) + 1
        for tag in each.connection.tags:
            tags[tag] = tags.get(tag, 0) + 1
    found = [each for each in mine if _fits(each, wanted)]
    found.sort(key=SORTS.get(wanted.sort, SORTS["state"])[1])
    pages = max(1, -(-len(found) // PER_PAGE))
    page = min(max(wanted.page, 1), pages)
    rows = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    ordered = [(state, states[state]) for state in WORST_FIRST if state in states]
    return Listing(rows, len(found), len(mine), page, pages, ordered, sorted(tags.items()))


def _fits(each: ConnectionOverview, wanted: Wanted) -> bool:
    row = each.connection
    texts = (row.name, row.username, row.instance_url, *row.tags)
    has_text = all(any(word in text.lower() for text in texts) for word in wanted.q.lower().split())
    return has_text and wanted.state in ("", each.state) and (not wanted.tag or wanted.tag in row.tags)
