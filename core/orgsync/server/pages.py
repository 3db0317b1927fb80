"""Pages of rows as a caller wants them: JSON, JSON lines or Parquet; and the cursors that lead from one to the next."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

import msgspec
from fastapi import Request, Response

from orgsync.errors import ArgumentInvalid
from orgsync.project.parquet import require_parquet, write_parquet
from orgsync.project.row_text import json_lines

__all__ = ["NDJSON", "PARQUET", "Form", "Page", "cursor_of", "form_of", "key_of", "page_response"]

NDJSON = "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"

Form: TypeAlias = Literal["json", "lines", "parquet"]

_FORMS: Mapping[str, Form] = {
    "application/json": "json",
    "application/*": "json",
    "*/*": "json",
    NDJSON: "lines",
    "application/jsonl": "lines",
    PARQUET: "parquet",
}


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in stored form; `kinds` are the types of their columns, `types` the known Python ones, for Parquet alone."""

    rows: Sequence[tuple[Any, ...]]
    kinds: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict[str, str])


def form_of(request: Request) -> Form:
    """Return how a caller wants rows, by its Accept; raises ArgumentInvalid for what there is not."""
    accepted = request.headers.get("accept", "*/*")
    wanted = [each.partition(";")[0].strip().lower() for each in accepted.split(",")]
    for each in wanted:
        if each in _FORMS:
            form = _FORMS[each]
            if form == "parquet":
                require_parquet()
            return form
    raise ArgumentInvalid(
        "Rows are not written in what Accept asks for.", f"Ask for application/json, {NDJSON} or {PARQUET}."
    )


def page_response(
    form: Form, page: Page, *, about: Mapping[str, Any], name: str, headers: Mapping[str, str]
) -> Response:
    """Return rows as a response; `about` is what JSON says beside the list that is called `name`."""
    if form == "parquet":
        with TemporaryDirectory(prefix="orgsync-") as folder:
            path = Path(folder) / "rows.parquet"
            write_parquet(path, [page.rows], page.kinds, page.types)
            return Response(path.read_bytes(), media_type=PARQUET, headers=dict(headers))
    lines = json_lines(page.rows, page.kinds) if page.rows else b""
    if form == "lines":
        return Response(lines, media_type=NDJSON, headers=dict(headers))
    listed = lines.rstrip(b"\n").replace(b"\n", b",")  # in JSON no line end stands for itself
    beside = msgspec.json.encode(about)
    body = beside[:-1] + b',"' + name.encode() + b'":[' + listed + b"]}"
    return Response(body, media_type="application/json", headers=dict(headers))


def cursor_of(key: tuple[str, str]) -> str:
    """Return where a page of rows ends, as a text without meaning for its reader."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def key_of(cursor: str) -> tuple[str, str]:
    """Return the connection and the Id that a cursor stands for; raises ArgumentInvalid for one that was made up."""
    try:
        read = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        connection, row_id = msgspec.json.decode(read, type=tuple[str, str])
        if "\0" not in connection + row_id:
            return connection, row_id
    except (binascii.Error, ValueError, msgspec.DecodeError):
        pass
    raise ArgumentInvalid("This is no cursor.", "Send `next` of the page before, as it is.")
