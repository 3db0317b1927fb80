"""sObject collections: up to 200 rows written in one call, with an answer for each, in the order in which they went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote

import msgspec

from orgsync.errors import InternalError

from ..errors.body import body_as, unreadable
from ..http.http import JSON
from ..http.messages import Response
from .client import Client
from .exchange import Body
from .refusable import refusable

__all__ = ["CALL_OPTIONS", "MOST_ROWS", "CollectionOperation", "RowAnswer", "write_collection"]

MOST_ROWS = 200
"""How many rows a call takes."""

CALL_OPTIONS = {"Sforce-Call-Options": "client=orgsync"}
"""The header that change events show as the origin of a change, so that one's own writes can be recognised."""

CollectionOperation: TypeAlias = Literal["insert", "update", "upsert", "delete"]

_METHODS = {"insert": "POST", "update": "PATCH", "upsert": "PATCH", "delete": "DELETE"}


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What became of a row: its Id and whether it is new (None where that is not said), or why it was refused.

    `code` is empty for a row that was written. `message` is Salesforce's own text and may hold a customer's values.
    """

    id: str = ""
    created: bool | None = None
    code: str = ""
    fields: tuple[str, ...] = ()
    message: str = ""


async def write_collection(
    client: Client,
    operation: CollectionOperation,
    sobject: str,
    rows: Sequence[Mapping[str, JSON]],
    *,
    external_id: str | None = None,
) -> list[RowAnswer]:
    """Write at most 200 rows and return an answer for each, in their order.

    Each row is written or refused for itself. Raises CallRefused where Salesforce refuses them all. The request
    is sent again only where it was surely not carried out: any other NetworkProblem, ServerProblem or
    ResponseUnreadable leaves open what became of the rows.
    """
    if not 0 < len(rows) <= MOST_ROWS:
        raise InternalError(f"A call takes 1 to {MOST_ROWS} rows, and not {len(rows)}.", "Please report it.")

    def read(response: Response) -> list[RowAnswer]:
        bodies = body_as(response, list[_Body])
        if len(bodies) != len(rows):
            raise unreadable(response, f"{len(bodies)} results for {len(rows)} rows")
        return [_answer(each, new=True if operation == "insert" else None) for each in bodies]

    path, sent = "composite/sobjects", _sent(operation, sobject, rows)
    if operation == "upsert":
        path += f"/{quote(sobject, safe='')}/{quote(external_id or '', safe='')}"
    return await refusable(client, _METHODS[operation], path, read, idempotent=False, **sent)


def _sent(operation: CollectionOperation, sobject: str, rows: Sequence[Mapping[str, JSON]]) -> Body:
    """Return what a call carries: Ids in its address, or records in its body."""
    if operation == "delete":
        params = {"ids": ",".join(str(row["Id"]) for row in rows), "allOrNone": "false"}
        return {"headers": CALL_OPTIONS, "params": params}
    records: list[JSON] = [{"attributes": {"type": sobject}, **row} for row in rows]
    return {"headers": CALL_OPTIONS, "json": {"allOrNone": False, "records": records}}


class _Error(msgspec.Struct, rename="camel"):
    status_code: str = "UNKNOWN_EXCEPTION"
    message: str = ""
    fields: list[str] | None = None


class _Body(msgspec.Struct):
    success: bool
    id: str | None = None
    created: bool | None = None
    errors: list[_Error] | None = None


def _answer(body: _Body, *, new: bool | None) -> RowAnswer:
    if body.success:
        return RowAnswer(id=body.id or "", created=new if body.created is None else body.created)
    error = next(iter(body.errors or ()), _Error())
    return RowAnswer(code=error.status_code, fields=tuple(error.fields or ()), message=error.message)
