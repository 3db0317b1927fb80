"""What the server will send, made once and kept: pages of JSON or CSV, each plain and gzipped."""

import csv
import gzip
import hashlib
import io
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from .people import INSTANTS, Value, contacts

__all__ = ["API_VERSION", "CACHE", "PAGES", "Format", "Prepared", "answer_of", "pages_of", "prepare"]

Format: TypeAlias = Literal["json", "csv"]

API_VERSION = "62.0"
PAGES: dict[Format, int] = {"json": 2_000, "csv": 50_000}
"""Rows of a page. Of Bulk results `maxRecords` is a ceiling, and clients ask for this many or more."""

CACHE = Path(tempfile.gettempdir()) / "orgsync-benchmarks"
"""Where prepared pages and the peers' environments are kept between runs; it may be deleted."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Contacts ready to be sent. Page n is the file `n.json` or `n.csv`, and `n.json.gz` or `n.csv.gz`."""

    folder: str
    format: Format
    rows: int
    columns: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def page_rows(self) -> int:
        """The rows of every page but the last."""
        return self.sizes[0]

    def page(self, number: int, *, gzipped: bool) -> bytes:
        """Read one page."""
        return Path(self.folder, f"{number}.{self.format}{'.gz' if gzipped else ''}").read_bytes()

    @property
    def whole(self) -> Path:
        """The whole CSV in one file, one header on top."""
        return Path(self.folder, "whole.csv")

    @classmethod
    def load(cls, folder: Path) -> "Prepared":
        """Read what a folder holds."""
        told: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return cls(told["folder"], told["format"], told["rows"], tuple(told["columns"]), tuple(told["sizes"]))


def prepare(
    form: Format, rows: int, columns: Sequence[str], *, page_rows: int | None = None, cache: Path = CACHE
) -> Prepared:
    """Make the pages, or take those that an earlier run made from the same code."""
    size = page_rows or PAGES[form]
    folder = cache / f"{form}-{rows}-{len(columns)}-{size}-{_recipe(columns)}"
    if not (folder / "manifest.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write = _write_json if form == "json" else _write_csv
        made = Prepared(str(folder), form, rows, tuple(columns), tuple(write(folder, rows, columns, size)))
        (folder / "manifest.json").write_text(json.dumps(asdict(made)), encoding="utf-8")
    return Prepared.load(folder)


def _records(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> list[dict[str, Any]]:
    """Write rows as Salesforce's JSON: `attributes` first, a parent as an object of its own."""
    return [_record(dict(zip(columns, row, strict=True))) for row in rows]


def pages_of(records: Sequence[dict[str, Any]], *, kind: str) -> Iterator[bytes]:
    """Write all pages of a query's answer."""
    for start in range(0, len(records), PAGES["json"]):
        part, end = records[start : start + PAGES["json"]], start + PAGES["json"]
        yield answer_of(part, total=len(records), following=f"{kind}-{end}" if end < len(records) else None)


def answer_of(records: Sequence[dict[str, Any]], *, total: int, following: str | None = None) -> bytes:
    """Write one page of a query's answer; `following` is the end of the next page's locator."""
    answer: dict[str, Any] = {"totalSize": total, "done": following is None}
    if following is not None:
        answer["nextRecordsUrl"] = f"/services/data/v{API_VERSION}/query/0r8xx{following}"
    return json.dumps({**answer, "records": records}, ensure_ascii=False, separators=(",", ":")).encode()


def _recipe(columns: Sequence[str]) -> str:
    """Name the code and the columns that pages are made of, so that a change of either makes them anew."""
    sources = [Path(__file__).parent / name for name in ("people.py", "prepared.py")]
    texts = [*(source.read_text(encoding="utf-8") for source in sources), *columns]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _write_json(folder: Path, rows: int, columns: Sequence[str], size: int) -> Iterator[int]:
    """Write query pages in the order (SystemModstamp, Id), to which the order of Ids alone has no relation."""
    numbers = _by_stamp(rows)
    for page, start in enumerate(range(0, rows, size)):
        part = numbers[start : start + size]
        made = contacts(columns, part, range(start, start + len(part)))
        end = start + len(part)
        following = f"first-{end}" if end < rows else None
        answer = answer_of(_records(columns, made), total=rows, following=following)
        _keep(folder / f"{page}.json", answer)
        yield len(part)


def _by_stamp(rows: int) -> list[int]:
    """Shuffle the numbers, and sort them where rows have the same stamp."""
    numbers = random.Random(rows).sample(range(1, rows + 1), rows)
    return [number for start in range(0, rows, 200) for number in sorted(numbers[start : start + 200])]


def _write_csv(folder: Path, rows: int, columns: Sequence[str], size: int) -> Iterator[int]:
    """Write pages of Bulk results in the order of Ids, as the chunks of a Bulk job come, and all in one file."""
    positions = random.Random(rows).sample(range(rows), rows)
    with (folder / "whole.csv").open("wb") as whole:
        for page, start in enumerate(range(0, rows, size)):
            numbers = range(start + 1, min(start + size, rows) + 1)
            made = contacts(columns, numbers, positions[start : start + size])
            header, body = _csv([columns]), _csv(_csv_values(columns, made))
            _keep(folder / f"{page}.csv", header + body)
            whole.write(header + body if page == 0 else body)
            yield len(numbers)


def _keep(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, compresslevel=6, mtime=0))


def _record(fields: dict[str, Value]) -> dict[str, Any]:
    record: dict[str, Any] = {"attributes": _attributes("Contact", fields["Id"])}
    for path, value in fields.items():
        parent, dot, name = path.partition(".")
        if dot:
            record[parent] = {"attributes": _attributes(parent, fields[f"{parent}Id"]), name: value}
        else:
            record[path] = f"{value}+0000" if path in INSTANTS else value
    return record


def _attributes(sobject: str, row_id: Value) -> dict[str, str]:
    return {"type": sobject, "url": f"/services/data/v{API_VERSION}/sobjects/{sobject}/{row_id}"}


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _csv_values(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> list[list[str]]:
    """Write values as Bulk does: nothing for null, `false`, and instants that end in Z."""
    writers = [_INSTANT if name in INSTANTS else _TEXT for name in columns]
    return [[write(value) for write, value in zip(writers, row, strict=True)] for row in rows]


def _text(value: Value, ending: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value + ending


_TEXT: Callable[[Value], str] = partial(_text, ending="")
_INSTANT: Callable[[Value], str] = partial(_text, ending="Z")
