"""A whole write: rows are taken in, checked, sent, and every one is answered for."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from orgsync.field_mapping import MappedColumn
from orgsync.records import Record, Schema, mapped, schema_of
from orgsync.salesforce.api.client import Client

from .intake import Intake, Rows, take_in
from .ledger import Ledger, MemoryLedger
from .operation import operation_named
from .plan import DEFAULT_PLAN, PlanSizes
from .result import WriteResult
from .spool import Spool
from .target import aim
from .writer import WriteProgress, Writer

__all__ = ["DEFAULT_STALLED_AFTER", "WriteRequest", "unobserved", "write_rows"]

DEFAULT_STALLED_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """What is to be written: the object, by name or by record class, and how.

    `mapping` are the fields that the connection has in place of those that record classes name.
    """

    target: str | type[Record]
    operation: str
    external_id: str | None = None
    update_only: bool = False
    mapping: Sequence[MappedColumn] = ()

    @property
    def schema(self) -> Schema | None:
        """The record class as its connection maps it; None where the object is named."""
        return None if isinstance(self.target, str) else mapped(schema_of(self.target), self.mapping)

    @property
    def sobject(self) -> str:
        """The name of the object; raises ScriptProblem for a record class that is not Salesforce's data."""
        return self.target if isinstance(self.target, str) else schema_of(self.target).sobject


def unobserved(_progress: WriteProgress) -> None:
    """Do nothing."""


async def write_rows(
    client: Client,
    request: WriteRequest,
    rows: Rows,
    *,
    ledger: Ledger | None = None,
    observe: Callable[[WriteProgress], None] = unobserved,
    stalled_after: timedelta = DEFAULT_STALLED_AFTER,
    sizes: PlanSizes = DEFAULT_PLAN,
) -> WriteResult:
    """Write rows and return what became of each.

    Raises what `aim` and `Intake.add` raise, before anything is sent; later errors are the result's `problem`.
    """
    operation = operation_named(request.operation)
    target = await aim(
        client, request.sobject, operation, external_id=request.external_id, update_only=request.update_only
    )
    spool = Spool()
    try:
        await take_in(Intake(client, target, spool, request.schema, request.mapping), rows)
        writer = Writer(client, target, spool, ledger or MemoryLedger(), observe, stalled_after, sizes)
        return await writer.write()
    except BaseException:
        with suppress(Exception):
            spool.close()
        raise
