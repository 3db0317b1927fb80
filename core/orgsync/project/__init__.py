"""orgsync from an application or a command: opened together, connections made, contexts and runs had."""

from .api import open_connection, reset, run
from .connecting import SignIn, connect, environment_of
from .connections import Connections, PendingSignIn, connections
from .dry_run import Change, DryRun, rehearse
from .project import Project, open_project

__all__ = [
    "Change",
    "Connections",
    "DryRun",
    "PendingSignIn",
    "Project",
    "SignIn",
    "connect",
    "connections",
    "environment_of",
    "open_connection",
    "open_project",
    "rehearse",
    "reset",
    "run",
]
