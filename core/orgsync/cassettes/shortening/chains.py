"""Answers with fewer rows, so that an org looks as if it had no more of them: the first ones of each query.

What is cut from one response must agree with the others: a query's pages, a Bulk job's pages and its number of rows,
and the counts that a client plans by. So the start of each page is kept. The page that reaches the most rows is
returned as the last one. A page of a job that is requested out of order, as the links of `resultPages` allow, gets
what is left by then.

Rows that a query names by their Ids have been returned before, so of these there may be as many as it names: a client
that did not get them would take them for deleted.

What stays: the Ids of getUpdated and getDeleted, aggregates but for a number of rows, rows below rows, refusals, and
queries inside composite requests.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from orgsync.salesforce.http.messages import Response

from .text import Edit, Token, at_most, count_rows, edited, elements, first_rows, left_out, members, short

__all__ = ["Shortening"]

_DATA = r"/services/data/v[\d.]+"
_QUERY = re.compile(rf"{_DATA}/(?:tooling/)?query(?:All)?(?:/([^/]+))?/?", re.I)
_RECORD_COUNT = re.compile(rf"{_DATA}/limits/(recordCount)/?", re.I)
_JOB = re.compile(rf"{_DATA}/jobs/query(?:/([^/]+))?/?", re.I)
_RESULTS = re.compile(rf"{_DATA}/jobs/query/([^/]+)/results/?", re.I)
_RESULT_PAGES = re.compile(rf"{_DATA}/jobs/query/([^/]+)/resultPages/?", re.I)

_LITERAL = r"'(?:\\.|[^'\\])*'"
_ONE_COUNT = re.compile(  # a count is all that is selected, and nothing is grouped
    rf"\s*SELECT\s+COUNT(?:_DISTINCT)?\s*\([^)]*\)(?:\s+\w+)?\s+FROM\b(?:{_LITERAL}|(?!\bGROUP\s+BY\b)[^'])*",
    re.I | re.S,
)
_BY_IDS = re.compile(r"(?<![\w.])Id\s+IN\s*\(([^()]*)\)", re.I)

_COUNT, _LOCATOR, _END = "sforce-numberofrecords", "sforce-locator", "null"


class Shortening:
    """Cuts responses to at most `max_rows` rows of each query; it keeps pages, so each recording has its own."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._chains: dict[str, _Place] = {}
        self._results: dict[str, _Result] = {}
        self._cuts: Sequence[tuple[re.Pattern[str], Callable[[Response, str], Response]]] = (
            (_QUERY, self._query_page),
            (_RECORD_COUNT, self._record_count),
            (_JOB, self._job),
            (_RESULTS, self._result),
            (_RESULT_PAGES, self._links),
        )

    def shorten(self, response: Response) -> Response:
        """Return the response that the client is to see: the given one where nothing is to be cut.

        A page is cut alike however often it is requested. A response of an unexpected shape stays as it is: that is
        the client's to judge.
        """
        path = urlsplit(response.url).path
        for pattern, cut in self._cuts if response.ok else ():
            if found := pattern.fullmatch(path):
                try:
                    return cut(response, found[1] or "")
                except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
                    return response
        return response

    def _query_page(self, response: Response, locator: str) -> Response:
        """Cut a page of a query; a page whose query was not seen holds rows below a row."""
        soql = _request_parameter(response, "q")
        place = self._chains.get(locator) if locator else _Place(0, max(self._max_rows, _named_ids(soql)))
        if place is None:
            return response
        text, body = _read(response)
        match body["records"].value:
            case [{"attributes": {"type": "AggregateResult"}}, *more]:
                return response if more or not _ONE_COUNT.fullmatch(soql) else self._row_count(response, text, body)
            case _:
                return _changed(response, text, self._query_edits(text, body, place))

    def _query_edits(self, text: str, body: Mapping[str, Token], place: "_Place") -> list[Edit]:
        records, following = body["records"], body.get("nextRecordsUrl")
        left = place.most - place.before
        edits = at_most(body.get("totalSize"), place.most) + at_most(body.get("size"), place.most)
        edits += short(text, records, left)
        if len(records.value) < left:
            if following is not None:
                self._chains[_last_part(following.value)] = replace(place, before=place.before + len(records.value))
            return edits
        ended = _set(body.get("done"), "true") + _set(body.get("queryLocator"), "null")
        return edits + ended + left_out("nextRecordsUrl", body)

    def _row_count(self, response: Response, text: str, body: Mapping[str, Token]) -> Response:
        """Cut the number in the one record of `SELECT COUNT(Id) ...`."""
        record = members(text, next(elements(text, body["records"].start)).start)
        return _changed(response, text, [edit for token in record.values() for edit in at_most(token, self._max_rows)])

    def _record_count(self, response: Response, _: str) -> Response:
        text, body = _read(response)
        objects = [members(text, each.start) for each in elements(text, body["sObjects"].start)]
        return _changed(response, text, [edit for each in objects for edit in at_most(each["count"], self._max_rows)])

    def _job(self, response: Response, _: str) -> Response:
        text, body = _read(response)
        return _changed(response, text, at_most(body.get("numberRecordsProcessed"), self._max_rows))

    def _result(self, response: Response, job: str) -> Response:
        """Cut a page of a job's result, by the number of rows in its headers: so one that lacks rows still does.

        `null` as the locator is Salesforce's sign of the end.
        """
        count = response.headers.get(_COUNT, "")
        rows = int(count) if count.isdecimal() else count_rows(response.content)
        result = self._result_of(job)
        start = result.start(_request_parameter(response, "locator"))
        result.page_seen(start + rows, response.headers.get(_LOCATOR, _END))
        left = max(0, self._max_rows - start)
        if rows < left:
            return response
        counted = {_COUNT: str(left)} if count else {}
        content = first_rows(response.content, left)
        return _with_content(response, content, {**response.headers, **counted, _LOCATOR: _END})

    def _links(self, response: Response, job: str) -> Response:
        """Note which link is the first page's, so that links that are followed in their order are cut as pages are."""
        if not _request_parameter(response, "locator"):
            _, body = _read(response)
            self._result_of(job).announce(_parameter(body["resultPages"].value[0]["resultUrl"], "locator"), 0)
        return response

    def _result_of(self, job: str) -> "_Result":
        return self._results.setdefault(job[:15], _Result())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page of a query begins: behind so many rows, of at most so many in all."""

    before: int
    most: int


@dataclass(slots=True)
class _Result:
    """Where the pages of a job's result begin, by their locators; "" is the first page.

    As long as each page is requested by the locator in the one before, it has its true place. Once one is not, the rest
    are placed behind the rows seen so far, in the order in which they are requested.
    """

    starts: dict[str, int] = field(default_factory=dict[str, int])
    announced: dict[str, int] = field(default_factory=lambda: {"": 0})
    end: int = 0
    in_order: bool = True

    def start(self, locator: str) -> int:
        """Return how many rows precede a page."""
        if locator not in self.starts:
            if locator not in self.announced:
                self.in_order = False
                self.announced.clear()
            self.starts[locator] = self.announced.get(locator, self.end)
        return self.starts[locator]

    def page_seen(self, end: int, following: str) -> None:
        """Note the row that a page ends at, and the page that follows it."""
        self.end = max(self.end, end)
        if following != _END:
            self.announce(following, end)

    def announce(self, locator: str, start: int) -> None:
        """Note where a page begins that has not been requested."""
        if self.in_order:
            self.announced.setdefault(locator, start)


def _named_ids(soql: str) -> int:
    return sum(found.count("'") // 2 for found in _BY_IDS.findall(soql))


def _request_parameter(response: Response, parameter: str) -> str:
    return _parameter(response.url, parameter)


def _parameter(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query).get(name, [""])[0]


def _last_part(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]


def _read(response: Response) -> tuple[str, dict[str, Token]]:
    text = response.content.decode()
    return text, members(text)


def _set(token: Token | None, text: str) -> list[Edit]:
    return [] if token is None else [(token.start, token.end, text)]


def _changed(response: Response, text: str, edits: Sequence[Edit]) -> Response:
    return _with_content(response, edited(text, edits).encode(), response.headers)


def _with_content(response: Response, content: bytes, headers: Mapping[str, Any]) -> Response:
    """Return a response with another body and headers, without the `content-length` of the old body."""
    if content != response.content:
        headers = {name: value for name, value in headers.items() if name != "content-length"}
    changed = replace(response, content=content, headers=headers)
    return response if changed == response else changed
