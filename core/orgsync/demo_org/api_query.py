"""The query resources: query, queryAll, and the pages behind a locator."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .clock import Clock
from .database import Database
from .grammar import parse
from .ids import ALPHABET, to18
from .query import run
from .query_columns import query_columns
from .refusal import Refusal, not_implemented
from .settings import Settings
from .view import QueryResult, View
from .wire import Call, Response, json_response

LOCATORS_LIVE = timedelta(days=2)
SMALLEST_PAGE = 200
LARGEST_PAGE = 2000
WIDE_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Cursor:
    """A query's rows as they were when it ran, for the pages after the first."""

    found: QueryResult
    size: int
    opened: datetime


class Queries:
    """Answers query, queryAll and query/<locator>."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._cursors: dict[str, Cursor] = {}

    def query(self, call: Call, base: str) -> Response:
        """Run the query in `q`."""
        return self._run(call, base, deleted_too=False)

    def query_all(self, call: Call, base: str) -> Response:
        """Run the query in `q`, deleted rows included."""
        return self._run(call, base, deleted_too=True)

    def more(self, call: Call, base: str, locator: str) -> Response:
        """Return the page that starts where the locator says."""
        name, _, offset = locator.partition("-")
        cursor = self._cursors.get(name)
        start = int(offset) if offset.isdigit() else -1
        if cursor is None or self._clock.now - cursor.opened > LOCATORS_LIVE:
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if not 0 <= start < cursor.found.total:
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return json_response(self._page(cursor, name, start, base))

    def expire(self) -> None:
        """Forget every locator."""
        self._cursors.clear()

    def _run(self, call: Call, base: str, *, deleted_too: bool) -> Response:
        if "explain" in call.query:
            return self._explained(call.query["explain"], base, deleted_too=deleted_too)
        text = call.query.get("q")
        if not text:
            raise Refusal(400, "MALFORMED_QUERY", "A query string has to be specified")
        most = self._settings.query_timeout_rows
        view = View.of(self._database, base, deleted_too=deleted_too, most_rows=most, nested=self._nested(base))
        if call.query.get("columns", "").lower() == "true":
            return json_response(query_columns(text, view))
        found = run(text, view)
        return json_response(self._first_page(found, self._page_size(call, wide=found.wide), base))

    def _nested(self, base: str) -> Callable[[QueryResult], dict[str, object]]:
        """Return how a sub-select's rows are written: a page of them, and where the rest is."""
        return lambda found: self._first_page(found, self._settings.child_page_size, base)

    def _first_page(self, found: QueryResult, size: int, base: str) -> dict[str, object]:
        cursor = Cursor(found, size, self._clock.now)
        name = f"0r8xx{''.join(secrets.choice(ALPHABET) for _ in range(13))}"
        if len(found.rows) > size:
            self._cursors[name] = cursor
        return self._page(cursor, name, 0, base)

    def _explained(self, text: str, base: str, *, deleted_too: bool) -> Response:
        """Return how the query would be run: this org has no index, so that there is one plan."""
        if to18(text):
            raise not_implemented("explain reports and list views")
        view = View.of(self._database, base, deleted_too=deleted_too)
        found = run(text, view)
        source = self._database.schema.sobject(parse(text).source)
        name = source.name if source else ""
        plan: dict[str, object] = {
            "cardinality": found.total, "fields": [], "leadingOperationType": "TableScan", "notes": [],
            "relativeCost": 1.0, "sobjectCardinality": len(view.tables[name]), "sobjectType": name,
        }  # fmt: skip
        return json_response({"plans": [plan], "sourceQuery": text})

    def _page_size(self, call: Call, *, wide: bool) -> int:
        """Return how many rows a page holds: fewer than requested where rows are wide."""
        size = self._settings.page_size
        requested = re.search(r"batchSize=(\d+)", call.headers.get("sforce-query-options", ""), re.I)
        if requested:
            size = min(size, max(int(requested[1]), SMALLEST_PAGE), LARGEST_PAGE)
        return min(size, WIDE_PAGE) if wide else size

    def _page(self, cursor: Cursor, name: str, start: int, base: str) -> dict[str, object]:
        end = start + cursor.size
        done = end >= len(cursor.found.rows)
        response: dict[str, object] = {"totalSize": cursor.found.total, "done": done}
        if not done:
            response["nextRecordsUrl"] = f"{base}/query/{name}-{end}"
        response["records"] = cursor.found.page(start, cursor.size)
        return response
