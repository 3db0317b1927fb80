"""A project opened to work with: the door of orgsync for commands, applications, the scheduler and tests."""

from typing import TYPE_CHECKING

from orgsync.lazy import importer

if TYPE_CHECKING:
    from .access import access_to
    from .backup import Backup, back_up
    from .changes import Change, ChangeKind
    from .connections import BrowserSignIn, Connections, SignIn
    from .dry_run import DryRun, DryRunChange, OpenDryRun, open_dry_run
    from .objects import sync_of_object
    from .project import Project, open_project, open_store
    from .read_session import ReadSession, open_read_session
    from .removal import Removal
    from .schedules import Schedule, Schedules
    from .script_sources import FolderScripts, GivenScripts, ScriptSource
    from .sign_ins import (
        Credentials,
        credentials_of_sfdx_url,
        environment_of,
        is_on_loopback,
        login_url_of,
        require_name,
        sign_in_by_browser,
    )
    from .status import Status
    from .store_types import AlertRow, ConnectionRow, Run, RunRow, SyncCopy
    from .syncs import ListedSync, Syncs
    from .tokens import SCOPES, ApiTokenRow, Scope, Tokens
    from .view import View, open_view, require_connection

_HOMES = {
    "access": ("access_to",),
    "backup": ("Backup", "back_up"),
    "changes": ("Change", "ChangeKind"),
    "connections": ("BrowserSignIn", "Connections", "SignIn"),
    "dry_run": ("DryRun", "DryRunChange", "OpenDryRun", "open_dry_run"),
    "objects": ("sync_of_object",),
    "project": ("Project", "open_project", "open_store"),
    "read_session": ("ReadSession", "open_read_session"),
    "removal": ("Removal",),
    "schedules": ("Schedule", "Schedules"),
    "script_sources": ("FolderScripts", "GivenScripts", "ScriptSource"),
    "sign_ins": (
        "Credentials",
        "credentials_of_sfdx_url",
        "environment_of",
        "is_on_loopback",
        "login_url_of",
        "require_name",
        "sign_in_by_browser",
    ),
    "status": ("Status",),
    "syncs": ("ListedSync", "Syncs"),
    "tokens": ("SCOPES", "ApiTokenRow", "Scope", "Tokens"),
    "view": ("View", "open_view", "require_connection"),
    "store_types": ("AlertRow", "ConnectionRow", "Run", "RunRow", "SyncCopy"),
}

__all__ = [
    "SCOPES",
    "AlertRow",
    "ApiTokenRow",
    "Backup",
    "BrowserSignIn",
    "Change",
    "ChangeKind",
    "ConnectionRow",
    "Connections",
    "Credentials",
    "DryRun",
    "DryRunChange",
    "FolderScripts",
    "GivenScripts",
    "ListedSync",
    "OpenDryRun",
    "Project",
    "ReadSession",
    "Removal",
    "Run",
    "RunRow",
    "Schedule",
    "Schedules",
    "Scope",
    "ScriptSource",
    "SignIn",
    "Status",
    "SyncCopy",
    "Syncs",
    "Tokens",
    "View",
    "access_to",
    "back_up",
    "credentials_of_sfdx_url",
    "environment_of",
    "is_on_loopback",
    "login_url_of",
    "open_dry_run",
    "open_project",
    "open_read_session",
    "open_store",
    "open_view",
    "require_connection",
    "require_name",
    "sign_in_by_browser",
    "sync_of_object",
]

__getattr__ = importer(__name__, {name: module for module, names in _HOMES.items() for name in names})
