"""A project to run the documentation's examples in, connected to a demo org as acme."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import orgsync
from orgsync.demo_org import DemoOrg
from orgsync.scripts.discovery import find_sync
from tests.projects import credentials_for

from .pages import Page
from .running import Program

MakeProgram = Callable[[Page], Program]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with none of the machine's own settings."""
    for name in [name for name in os.environ if name.startswith("ORGSYNC_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def acme(folder: Path, org: DemoOrg) -> DemoOrg:
    """The org that the project around the working directory knows as acme."""
    asyncio.run(orgsync.connections.add("acme", credentials_for(org)))
    return org


@pytest.fixture
def database(acme: DemoOrg, folder: Path) -> Path:
    """A copy with contacts, accounts, tickets and files in it."""
    for name in ("contacts", "accounts", "tickets", "files", "file_links"):
        asyncio.run(orgsync.run(find_sync(name, folder / "syncs"), connection="acme"))
    return folder / ".orgsync" / "orgsync.db"


@pytest.fixture
def program(acme: DemoOrg, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> MakeProgram:
    """Make the program of a page."""

    def make(shown: Page) -> Program:
        if "`Key__c`" in shown.text:  # a field that the page asks its reader to make
            acme.add_field("Contact", "Key__c", external_id=True, unique=True)
        made = Program(shown, acme, tmp_path_factory.mktemp("shown"))
        monkeypatch.setitem(sys.modules, made.module.__name__, made.module)
        return made

    return make
