"""Writing rows into an org: an answer for every row, in bounded memory, resumable, and nothing sent twice unasked."""

from .checks import RowProblem
from .file_write import FileCheck, FileResult, FileWrite, check_file, write_file
from .intake import Intake, Rows, take_in
from .ledger import Ledger, MemoryLedger, PartEntry, PartState
from .ledgers import Ledgers, OpenedLedger, key_of
from .operation import Operation, OperationName, operation_named
from .outcome_files import OutcomeFiles
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
    "FileCheck",
    "FileResult",
    "FileWrite",
    "Intake",
    "Ledger",
    "Ledgers",
    "MemoryLedger",
    "OpenedLedger",
    "Operation",
    "OperationName",
    "OutcomeFiles",
    "PartEntry",
    "PartState",
    "PlanSizes",
    "RowProblem",
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
    "check_file",
    "key_of",
    "operation_named",
    "take_in",
    "unobserved",
    "write_file",
    "write_rows",
]
