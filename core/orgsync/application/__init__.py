"""orgsync from an application or a command: opened together, connections made, contexts and runs had."""

from .api import open_connection, reset, run
from .connecting import SignIn, connect, environment_of
from .connections import Connections, PendingSignIn, connections
from .rehearsing import Change, Rehearsal, rehearse
from .workspace import Workspace, open_workspace

__all__ = [
    "Change",
    "Connections",
    "PendingSignIn",
    "Rehearsal",
    "SignIn",
    "Workspace",
    "connect",
    "connections",
    "environment_of",
    "open_connection",
    "open_workspace",
    "rehearse",
    "reset",
    "run",
]
