"""What a connection and a run can be, and what a run is asked for, as the words that the database keeps."""

from typing import Literal, TypeAlias

__all__ = ["ConnectionStatus", "Environment", "Owed", "RunKind", "RunStatus"]

Environment: TypeAlias = Literal["production", "sandbox", "custom"]
ConnectionStatus: TypeAlias = Literal["ready", "needs sign-in"]
RunKind: TypeAlias = Literal["sync", "action"]
RunStatus: TypeAlias = Literal["running", "done", "failed", "stopped"]
Owed: TypeAlias = Literal["", "full", "reconcile"]
