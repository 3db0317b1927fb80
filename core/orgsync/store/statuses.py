"""What a connection and a run can be, as the words that the database keeps."""

from typing import Literal, TypeAlias

__all__ = ["ConnectionStatus", "Environment", "RunKind", "RunStatus"]

Environment: TypeAlias = Literal["production", "sandbox", "custom"]
ConnectionStatus: TypeAlias = Literal["ready", "needs sign-in"]
RunKind: TypeAlias = Literal["sync", "action"]
RunStatus: TypeAlias = Literal["running", "done", "failed", "stopped"]
