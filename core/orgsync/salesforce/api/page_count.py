"""The pages of a query, counted against the number of rows that Salesforce says it found.

A page that says `done` is believed only when all pages together hold as many rows as `totalSize` names: a proxy or a
server that ends a query early would otherwise pass for an org with fewer rows. The first total that a page names
counts, for Salesforce names the same one on every page; a negative or missing one says nothing. No row may come twice
in the same version, for then as many others are missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orgsync.errors import QueryIncomplete, ResponseUnreadable

from .repeats import RecentRows, Version, versions_of

__all__ = ["AGAIN", "Page", "PageCount"]

AGAIN = "Run it again; if this persists, look for a proxy that changes responses."


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a query's records. A short page is not an end: only `next_url` being None is.

    `total` is how many rows the query finds, None where the response does not say.
    """

    records: Sequence[dict[str, Any]]
    total: int | None
    next_url: str | None


@dataclass(slots=True)
class PageCount:
    """The rows of a query so far, against the number that Salesforce says there are."""

    request: str
    rows: int = 0
    total: int | None = None
    largest: int | None = None
    urls: set[str] = field(default_factory=set[str])
    pages: set[int] = field(default_factory=set[int])
    recent: RecentRows | None = field(default_factory=RecentRows)
    versions: tuple[Version, ...] = ()  # the rows of the page that was checked last

    def checked(self, page: Page) -> Page:
        """Return the page if it can be the next one.

        Raises QueryIncomplete for a last one that leaves rows out and for one that repeats a row; ResponseUnreadable
        for one that leads back to one that was read or brings more rows than were found.
        """
        total = self.first_total(page)
        rows = self.rows + len(page.records)
        if page.next_url is None and total is not None and rows < total:
            raise QueryIncomplete(
                f"{self.request} ended with {rows:,} of the {total:,} rows that Salesforce says it found.",
                AGAIN,
            )
        versions = versions_of(page.records) if self.recent is not None else ()
        if page.next_url in self.urls or (versions and hash(versions) in self.pages):
            raise ResponseUnreadable(f"The pages of {self.request} lead back to an earlier one.", "Run it again.")
        largest = self.largest_total(page)
        if largest is not None and rows > largest:
            raise ResponseUnreadable(
                f"{self.request} has more rows than the {largest:,} rows that Salesforce says it found.", AGAIN
            )
        if self.rows and self.recent is not None and self.recent.has_any(versions):
            raise QueryIncomplete(f"The pages of {self.request} overlap: a row was returned twice.", AGAIN)
        self.versions = versions
        return page

    def add(self, page: Page) -> None:
        """Count a page."""
        self.total, self.largest = self.first_total(page), self.largest_total(page)
        if page.next_url is not None:
            self.urls.add(page.next_url)
        if self.versions:
            self.pages.add(hash(self.versions))
        if not self.rows and len(set(self.versions)) < len(self.versions):
            self.recent = None  # a virtual object, whose rows share an Id
        if self.recent is not None:
            self.recent.add(self.versions)
        self.rows += len(page.records)

    def first_total(self, page: Page) -> int | None:
        """Return the first total that a page named, this one included."""
        return page.total if self.total is None else self.total

    def largest_total(self, page: Page) -> int | None:
        """Return the largest total that any page named, this one included."""
        return max((total for total in (self.largest, page.total) if total is not None), default=None)
