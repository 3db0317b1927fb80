"""Prepared answers as they are sent: pages in memory, and those of rows that are changed while a benchmark runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .prepared import Prepared, pages_of
from .wire import Reply, Request

__all__ = ["LoadedPages", "changed_pages"]


@dataclass(frozen=True, slots=True)
class LoadedPages:
    """One prepared answer in memory: page n is told by how many rows come before it."""

    prepared: Prepared
    plain: tuple[bytes, ...]
    gzipped: tuple[bytes, ...]

    @classmethod
    def load(cls, prepared: Prepared) -> "LoadedPages":
        """Read the pages of a prepared answer, plain and gzipped."""
        numbers = range(len(prepared.sizes))
        plain = tuple(prepared.page(number, gzipped=False) for number in numbers)
        return cls(prepared, plain, tuple(prepared.page(number, gzipped=True) for number in numbers))

    def reply(self, request: Request, number: int, content_type: str, **headers: str) -> Reply:
        """Answer with one page, gzipped where the client takes that."""
        if request.takes_gzip:
            return Reply(self.gzipped[number], 200, content_type, {**headers, "Content-Encoding": "gzip"})
        return Reply(self.plain[number], 200, content_type, headers)


def changed_pages(pages: Sequence[bytes], rows: int, time: int) -> list[bytes]:
    """Take the first rows as they were sent, changed for the nth time and stamped now."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    records: list[dict[str, Any]] = [record for page in pages for record in json.loads(page)["records"]][:rows]
    for record in records:
        record |= {"SystemModstamp": now, "LastModifiedDate": now, "Title": f"Change {time}"}
    records.sort(key=lambda record: record["Id"])
    return [*pages_of(records, kind="changed")]
