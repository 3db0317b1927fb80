"""A job's result: pages of CSV behind locators, read as they arrive and proved complete.

Nothing is lost and nothing yielded twice, whatever breaks. A page says how many rows it holds, and the job how many
rows there are; the last rows of a page are yielded only when the page has been read to its end and both agree. A page
that breaks off, or holds less than it says, is requested again from the first row that was not yielded: locators can
be read again as long as the job exists. The end is the locator `null`, never a short page. No Id may come twice, for
then as many other rows are missing: the last 100,000 rows at least are remembered.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from orgsync.errors import JobIncomplete, NetworkProblem, ResponseUnreadable, TransientProblem
from orgsync.records import EncodedRows, ids_of
from orgsync.records.csv_records import LONGEST_RECORD, LinesBroken, RecordTooLong

from ..api.client import Client
from ..api.repeats import RecentRows
from ..errors.error_body import api_error_of
from ..errors.retry import backoff, pause
from ..http.messages import Stream
from .cuts import Cut, Decoder, cuts
from .jobs import Job
from .pages import Pages

__all__ = ["Part", "Place", "results"]

_TRIES = 5  # of a page, without a new row from any of them
_MOST_EMPTY = 20  # pages in a row without a row
_END = "null"
_MOST_DIGITS = 16  # of a number of rows


@dataclass(frozen=True, slots=True)
class Place:
    """Mark a place in a result: a page (None: the first), the rows of it already taken, and the rows of earlier pages.

    With the job it is all that another process needs to go on.
    """

    locator: str | None = None
    row: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a result; `place` is where to resume after them, None at the end.

    They are texts, each as wide as `header`, or what a decoder made of some records, all of it.
    """

    header: tuple[str, ...]
    rows: Sequence[Sequence[Any]] = field(repr=False)
    place: Place | None
    is_decoded: bool = False


async def results(
    client: Client,
    job: Job,
    *,
    start: Place = Place(),
    rows: int = 10_000,
    page: int = 100_000,
    decoder: Decoder | None = None,
) -> AsyncGenerator[Part]:
    """Read the result of a complete job from a place, in parts of at most `rows` rows and pages of at most `page`.

    Values are text as the CSV has it: null and the empty string are both "". A `decoder` makes rows of them while what
    comes next is read, in parts of about `rows` rows; what it cannot decode comes as text. The last part, and only it,
    has no place; its rows may be none. Whoever stops early closes the generator (`contextlib.aclosing`), and with it
    the connection.
    Raises ResponseUnreadable where a page stays broken, and JobIncomplete where the whole is not what the job found.
    """
    async with aclosing(Pages(client, job, page)) as pages:
        reading = _Reading(pages, job, rows, start, decoder)
        while reading.place is not None:
            async with aclosing(reading.page_parts()) as parts:
                async for part in parts:
                    yield part


@dataclass(slots=True)
class _Reading:
    """The reading of one result: its place, and the pages that it has read."""

    pages: Pages
    job: Job
    rows: int
    place: Place | None
    decoder: Decoder | None
    seen: set[str] = field(default_factory=set[str])
    first_records: set[bytes] = field(default_factory=set[bytes])
    empty: int = 0
    recent: RecentRows = field(default_factory=RecentRows)

    async def page_parts(self) -> AsyncGenerator[Part]:
        """Yield what is left of the page at the place, requesting it again when it breaks off."""
        tries = 0
        while (begun := self.place) is not None:
            problem: TransientProblem
            async with aclosing(await self.pages.open(begun.locator)) as opened:
                try:
                    async with aclosing(self._parts(begun, opened.stream)) as parts:
                        async for part in parts:
                            self.place = part.place
                            yield part
                    return
                except (NetworkProblem, ResponseUnreadable) as error:
                    problem = error
            tries = 1 if self.place != begun else tries + 1
            if tries >= _TRIES:
                raise problem
            if tries > 1:
                self.decoder = None  # it gives whole batches: where pages break off, each row that came counts
            await pause(backoff(tries))

    async def _parts(self, begun: Place, stream: Stream) -> AsyncGenerator[Part]:
        """Yield the rows of one page after the place, the last of them when the page is complete."""
        await _require_csv(stream)
        self.seen.add(begun.locator or "")
        page = _page(stream, begun)
        if page.following in self.seen:
            raise _unreadable(page, "leads back to a page that was read before")
        if page.following is not None:
            self.pages.open_ahead(page.following)
        async with aclosing(self._cuts(page, stream)) as found:
            async for cut in found:
                if page.held and cut.rows and (page.is_decoded or cut.is_decoded):
                    yield self._distinct(page.part(len(page.held)))
                page.take(cut, self.job)
                if page.first_record in self.first_records:
                    raise _no_end(self.job, "begins again")
                while not page.is_decoded and len(page.held) > self.rows:
                    yield self._distinct(page.part(self.rows))
        part = self._distinct(page.last_part(self.job))
        self._note(page)
        yield part

    def _distinct(self, part: Part) -> Part:
        """Return the part; raise JobIncomplete where a row of it came before."""
        names = [name.lower() for name in part.header]
        if "id" not in names:
            return part
        ids = ids_of(part.rows, 0 if part.is_decoded else names.index("id"))
        if self.recent.has_any(ids):
            raise _no_end(self.job, "holds a row twice, so its pages overlap")
        self.recent.add(ids)
        return part

    def _note(self, page: "_Page") -> None:
        """Remember a page that was read; raise JobIncomplete where one after the other holds nothing."""
        self.empty = 0 if page.read else self.empty + 1
        if self.empty > _MOST_EMPTY:
            raise _no_end(self.job, f"has more than {_MOST_EMPTY} pages without a row, one after the other")
        if page.first_record is not None:
            self.first_records.add(page.first_record)

    async def _cuts(self, page: "_Page", stream: Stream) -> AsyncGenerator[Cut]:
        """Cut a page into rows as it arrives."""
        is_replaced = False
        try:
            async with aclosing(cuts(stream.chunks(), self.decoder, rows=self.rows)) as found:
                async for cut in found:
                    is_replaced |= cut.is_replaced
                    yield cut
        except RecordTooLong:
            raise _unreadable(page, f"holds a record or a field of more than {LONGEST_RECORD:,} bytes") from None
        except LinesBroken:
            raise _unreadable(page, "is not CSV, or is cut inside a row") from None
        if is_replaced:
            self.pages.warn(f"The response to {page.name} holds bytes that are not UTF-8; each is kept as U+FFFD.")


@dataclass(slots=True)
class _Page:
    """What is known of a page, and the rows of it that are not yielded yet."""

    begun: Place
    name: str
    claimed: int | None  # rows, by Sforce-NumberOfRecords
    following: str | None  # the next page's locator
    ends: bool | None  # whether this is the last page; None where the response does not say
    header: tuple[str, ...] = ()
    first_record: bytes | None = None  # where it has an Id, so that no other page begins with it
    read: int = 0
    held: Sequence[Sequence[Any]] = ()  # of what was decoded, no more than one cut
    is_decoded: bool = False

    def take(self, cut: Cut, job: Job) -> None:
        """Add rows that have arrived, without those that were yielded before.

        Raises JobIncomplete where the result holds more rows than the job found.
        """
        self.header = cut.header
        if cut.rows:
            self.is_decoded = cut.is_decoded
        if not cut.is_decoded and set(map(len, cut.rows)) - {len(self.header)}:
            raise _unreadable(self, "holds rows of another width than its header")
        if self.first_record is None and cut.rows and "id" in (name.lower() for name in self.header):
            self.first_record = cut.first
        rows = _behind(cut.rows, self.begun.row - self.read)
        if rows:
            self.held = [*self.held, *rows] if self.held else rows
        self.read += len(cut.rows)
        if self.claimed is not None and self.read > self.claimed:
            raise self._miscounted()
        if job.processed is not None and self.begun.before + self.read > job.processed:
            raise _incomplete(job, self.begun.before + self.read)

    def part(self, rows: int) -> Part:
        """Return the next rows."""
        given, self.held = (self.held, ()) if rows == len(self.held) else (self.held[:rows], self.held[rows:])
        return Part(self.header, given, replace(self.begun, row=self.read - len(self.held)), self.is_decoded)

    def last_part(self, job: Job) -> Part:
        """Return the rows that are left, now that the page is read and nothing is missing."""
        if self.claimed is not None and self.read != self.claimed:
            raise self._miscounted()
        total = self.begun.before + self.read
        if self.ends is None and total != job.processed:
            raise _unreadable(self, "does not say whether it is the last")
        if self.following is None and job.processed not in (None, total):
            raise _incomplete(job, total)
        if self.begun.row > self.read:
            raise _unreadable(self, "holds fewer rows than before")
        place = Place(self.following, 0, total) if self.following else None
        return Part(self.header, self.held, place, self.is_decoded)

    def _miscounted(self) -> ResponseUnreadable:
        return _unreadable(self, f"does not hold the {self.claimed:,} rows that it says")


def _behind(rows: Sequence[Sequence[Any]], at: int) -> Sequence[Sequence[Any]]:
    """Return the rows from a place on."""
    if at <= 0:
        return rows
    return rows.behind(at) if isinstance(rows, EncodedRows) else rows[at:]


async def _require_csv(stream: Stream) -> None:
    """Raise ResponseUnreadable for a success that is JSON or HTML, and name the error of Salesforce's in it."""
    kind = next((each for each in ("json", "html") if each in stream.headers.get("content-type", "").lower()), None)
    if kind is None:
        return
    refusal = api_error_of(await stream.read()) if kind == "json" else None
    said = f" ({refusal.shown})" if refusal else ""
    raise ResponseUnreadable(
        f"{stream.place} was answered with {kind.upper()} instead of CSV, with status {stream.status}{said}.",
        "Run the sync again: it resumes the same job. If this persists, look for a proxy on the way to the org.",
    )


def _page(stream: Stream, begun: Place) -> _Page:
    """Read off the headers how many rows a page holds and what follows it.

    Only `null` is the end. A response without the header may have lost it to a proxy: it ends the result only where
    the rows are as many as the job found.
    """
    locator, count = stream.headers.get("sforce-locator"), stream.headers.get("sforce-numberofrecords", "")
    following = None if locator in (None, "", _END) else locator
    return _Page(
        begun=begun,
        name=stream.place,
        claimed=int(count) if count.isdecimal() and len(count) < _MOST_DIGITS else None,
        following=following,
        ends=locator == _END if locator else None,
    )


def _incomplete(job: Job, rows: int) -> JobIncomplete:
    return JobIncomplete(
        f"The result of query job {job.id} holds {rows:,} rows, and the job found {job.processed or 0:,}.",
        "Run the sync again: it creates another job.",
    )


def _no_end(job: Job, what: str) -> JobIncomplete:
    return JobIncomplete(f"The result of query job {job.id} {what}.", "Run the sync again: it creates another job.")


def _unreadable(page: _Page, what: str) -> ResponseUnreadable:
    return ResponseUnreadable(f"The response to {page.name} {what}.", "Run the sync again: it resumes the same job.")
