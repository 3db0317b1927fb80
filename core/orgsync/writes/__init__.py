"""Writing rows into an org: an answer for every row, in bounded memory, resumable, and nothing sent twice unasked."""

from .intake import Intake, Rows, take_in
from .ledger import Ledger, MemoryLedger, PartEntry, PartState
from .operation import Operation, OperationName, operation_named
from .plan import DEFAULT_PLAN, PlanSizes
from .request import DEFAULT_STALLED_AFTER, WriteRequest, unobserved, write_rows
from .result import WriteResult
from .row_result import RowResult, RowStatus, WriteCounts
from .spool import Spool
from .stored_ledger import StoredLedger
from .target import Target, aim
from .writer import WriteProgress, Writer

__all__ = [
    "DEFAULT_PLAN",
    "DEFAULT_STALLED_AFTER",
    "Intake",
    "Ledger",
    "MemoryLedger",
    "Operation",
    "OperationName",
    "PartEntry",
    "PartState",
    "PlanSizes",
    "RowResult",
    "RowStatus",
    "Rows",
    "Spool",
    "StoredLedger",
    "Target",
    "WriteCounts",
    "WriteProgress",
    "WriteRequest",
    "WriteResult",
    "Writer",
    "aim",
    "operation_named",
    "take_in",
    "unobserved",
    "write_rows",
]
