"""Answers with fewer rows, so that an org looks as if it had no more of them: the first ones of each query.

What is cut from one answer must fit what the others say: a query's pages, a Bulk job's pages and its number of rows,
and the counts that a client plans by. So it is kept where each page begins. The page that reaches the most rows is
given as the last one. A page of a job that is asked for out of the order, as the links of `resultPages` allow, gets
what is left by then.

Rows that a query names by their Ids have been given before, so of these there may be as many as it names: a client
that did not get them back would take them for deleted.

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
    """Cuts answers to at most `max_rows` rows of each query; remembers pages, so each recording has its own."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._chains: dict[str, _Place] = {}
        self._results: dict[str, _Result] = {}
        self._ways: Sequence[tuple[re.Pattern[str], Callable[[Response, str], Response]]] = (
            (_QUERY, self._query_page),
            (_RECORD_COUNT, self._record_count),
            (_JOB, self._job),
            (_RESULTS, self._result),
            (_RESULT_PAGES, self._links),
        )

    def shorten(self, answer: Response) -> Response:
        """Give what the client is to see in the place of an answer: the answer itself where nothing is to be cut.

        A page is cut alike however often it is asked for. What is not of the shape that is due stays as it is: that
        is the client's to judge.
        """
        path = urlsplit(answer.url).path
        for pattern, way in self._ways if answer.ok else ():
            if found := pattern.fullmatch(path):
                try:
                    return way(answer, found[1] or "")
                except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
                    return answer
        return answer

    def _query_page(self, answer: Response, locator: str) -> Response:
        """Cut a page of a query; a page whose query was not seen holds rows below a row."""
        asked = _asked(answer, "q")
        place = self._chains.get(locator) if locator else _Place(0, max(self._max_rows, _named_ids(asked)))
        if place is None:
            return answer
        text, body = _read(answer)
        match body["records"].value:
            case [{"attributes": {"type": "AggregateResult"}}, *more]:
                return answer if more or not _ONE_COUNT.fullmatch(asked) else self._row_count(answer, text, body)
            case _:
                return _changed(answer, text, self._query_edits(text, body, place))

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

    def _row_count(self, answer: Response, text: str, body: Mapping[str, Token]) -> Response:
        """Cut the number in the one record of `SELECT COUNT(Id) ...`."""
        record = members(text, next(elements(text, body["records"].start)).start)
        return _changed(answer, text, [edit for token in record.values() for edit in at_most(token, self._max_rows)])

    def _record_count(self, answer: Response, _: str) -> Response:
        text, body = _read(answer)
        objects = [members(text, each.start) for each in elements(text, body["sObjects"].start)]
        return _changed(answer, text, [edit for each in objects for edit in at_most(each["count"], self._max_rows)])

    def _job(self, answer: Response, _: str) -> Response:
        text, body = _read(answer)
        return _changed(answer, text, at_most(body.get("numberRecordsProcessed"), self._max_rows))

    def _result(self, answer: Response, job: str) -> Response:
        """Cut a page of a job's result, by the number of rows that its headers tell: so one that lacks rows still does.

        `null` as the locator is the end, as Salesforce says it.
        """
        said = answer.headers.get(_COUNT, "")
        rows = int(said) if said.isdecimal() else count_rows(answer.content)
        result = self._result_of(job)
        start = result.start(_asked(answer, "locator"))
        result.met(start + rows, answer.headers.get(_LOCATOR, _END))
        left = max(0, self._max_rows - start)
        if rows < left:
            return answer
        told = {_COUNT: str(left)} if said else {}
        content = first_rows(answer.content, left)
        return _given(answer, content, {**answer.headers, **told, _LOCATOR: _END})

    def _links(self, answer: Response, job: str) -> Response:
        """Learn which link is the first page's, so that links that are followed in their order are cut as pages are."""
        if not _asked(answer, "locator"):
            _, body = _read(answer)
            self._result_of(job).announce(_parameter(body["resultPages"].value[0]["resultUrl"], "locator"), 0)
        return answer

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

    As long as pages are asked for as the ones before them told, each has its true place. Once one is not, those still
    to come are placed behind the rows met so far, in the order in which they are asked for.
    """

    starts: dict[str, int] = field(default_factory=dict[str, int])
    announced: dict[str, int] = field(default_factory=lambda: {"": 0})
    end: int = 0
    in_order: bool = True

    def start(self, locator: str) -> int:
        """Tell how many rows come before a page."""
        if locator not in self.starts:
            if locator not in self.announced:
                self.in_order = False
                self.announced.clear()
            self.starts[locator] = self.announced.get(locator, self.end)
        return self.starts[locator]

    def met(self, end: int, following: str) -> None:
        """Note up to which row a page goes, and which page follows it."""
        self.end = max(self.end, end)
        if following != _END:
            self.announce(following, end)

    def announce(self, locator: str, start: int) -> None:
        """Note where a page begins that has not been asked for."""
        if self.in_order:
            self.announced.setdefault(locator, start)


def _named_ids(soql: str) -> int:
    return sum(found.count("'") // 2 for found in _BY_IDS.findall(soql))


def _asked(answer: Response, parameter: str) -> str:
    return _parameter(answer.url, parameter)


def _parameter(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query).get(name, [""])[0]


def _last_part(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]


def _read(answer: Response) -> tuple[str, dict[str, Token]]:
    text = answer.content.decode()
    return text, members(text)


def _set(token: Token | None, text: str) -> list[Edit]:
    return [] if token is None else [(token.start, token.end, text)]


def _changed(answer: Response, text: str, edits: Sequence[Edit]) -> Response:
    return _given(answer, edited(text, edits).encode(), answer.headers)


def _given(answer: Response, content: bytes, headers: Mapping[str, Any]) -> Response:
    """Give an answer another body and headers; `content-length`, which told of the old body, goes."""
    if content != answer.content:
        headers = {name: value for name, value in headers.items() if name != "content-length"}
    given = replace(answer, content=content, headers=headers)
    return answer if given == answer else given
