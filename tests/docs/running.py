"""Running what the documentation shows, in a project of its own that is connected to a demo org."""

import ast
import asyncio
import inspect
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from orgsync import Record, Sync
from orgsync.demo_org import DemoOrg
from orgsync.engine import Committed
from tests.projects import project_at

from .pages import Block, Page

__all__ = ["Program", "execute_sql", "normal", "queries_sent"]


@dataclass(slots=True)
class Program:
    """A page's Python blocks, one after the other in one namespace, as a reader would type them."""

    page: Page
    org: DemoOrg
    folder: Path
    module: ModuleType = field(default_factory=lambda: ModuleType("shown"))

    def run(self, block: Block) -> "list[Sync[Record]]":
        """Execute a block, and the tests that it defines; answer with the syncs that it defines."""
        before = dict(vars(self.module))
        # Blank lines in front put a traceback's line where it is on the page.
        source = "\n" * block.line + block.text
        code = compile(source, self.page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        finished(FunctionType(code, vars(self.module))())
        new = {name: value for name, value in vars(self.module).items() if before.get(name) is not value}
        for name, value in new.items():
            if name.startswith("test_"):
                self.test(value)
        return [value for value in new.values() if isinstance(value, Sync)]

    def test(self, function: Any) -> None:
        """Call a test function with the fixtures that it names."""
        fixtures = {"tmp_path": self.folder, "org": self.org}
        finished(function(**{name: fixtures[name] for name in inspect.signature(function).parameters}))


def finished(result: Any) -> Any:
    """Wait for a coroutine; anything else is a result already."""
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def execute_sql(database: Path, text: str) -> None:
    """Execute each statement on its own, every named parameter being 0; raises for what SQLite refuses."""
    with closing(sqlite3.connect(database)) as connection:
        for statement in text.split(";"):
            parameters = dict.fromkeys(re.findall(r":([a-z]\w*)", statement), 0)
            connection.execute(statement, parameters).fetchall()


async def queries_sent(sync: Sync[Record], folder: Path) -> set[str]:
    """Run a sync twice, losing pages in the first run and changing a row before the second; give its SOQL, normal."""
    with DemoOrg(contacts=30, accounts=5, page_size=10) as org:
        account = next(row["Id"] for row in org.rows("Account"))
        org.update("Account", str(account), Industry="Energy")
        for row in org.rows("Contact"):
            org.update("Contact", str(row["Id"]), AccountId=account)

        def lose_the_pages(progress: Committed) -> None:
            if progress.rows == 10:
                org.expire_locators()

        async with project_at(folder, org) as project:
            sent: list[str] = []
            for _ in range(2):
                org.advance(minutes=20)
                outcome = await project.outcome(sync, on_commit=lose_the_pages)
                assert outcome.problem is None
                sent += project.queries
                org.update("Contact", str(org.rows("Contact")[0]["Id"]), Title="Changed")
    return {normal(query) for query in sent}


def normal(soql: str) -> str:
    """Write a query on one line, each time and each Id alike."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", " ".join(soql.split()))
    return re.sub(r"'[a-zA-Z0-9]{18}'", "'ID'", text)
