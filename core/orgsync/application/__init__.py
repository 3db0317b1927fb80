"""orgsync from an application or a command: opened together, connections made, contexts and runs had."""

from .api import open_connection, run
from .connecting import SignIn, connect
from .connections import Connections, PendingSignIn, connections
from .workspace import Workspace, open_workspace

__all__ = [
    "Connections",
    "PendingSignIn",
    "SignIn",
    "Workspace",
    "connect",
    "connections",
    "open_connection",
    "open_workspace",
    "run",
]
