"""The story that `orgsync demo` shows: an org, a first run, changes, and a second run that reads just those."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orgsync.printable import counted

from .output import console, moment
from .progress import shown_progress
from .run_lines import outcome_line
from .tables import show_table

if TYPE_CHECKING:
    from rich.console import Console

    from orgsync.demo_org import DemoOrg
    from orgsync.project import Project, Run

__all__ = ["Story"]

_NAME = "demo"
_FEED = 12
_FEED_COLUMNS = ("seq", "change", "name", "title", "account_name")
_WIDTH_OF_ALL = 60  # of a terminal, for the title beside the other columns


class Story:
    """Shows the story in a folder, with the library's own calls and nothing special."""

    def __init__(self, folder: Path, *, kept: bool) -> None:
        self._folder = folder
        self._kept = kept
        self._screen: Console = console()
        self._step = 0

    async def show(self) -> None:
        """Show it from start to end."""
        from orgsync.demo_org import DemoOrg
        from orgsync.project import open_project
        from orgsync.settings import Settings

        # Made from the defaults alone: variables that are set for real work must not lead the demo there.
        settings = Settings.model_construct(project=self._folder)
        with DemoOrg() as org:
            self._say_start(org)
            async with open_project(settings) as project:
                await self._connect(project, org)
                first = await self._run(project, "The first run copies every contact")
                self._line(f"the next one asks for what changed since {moment(first.watermark)}")
                self._say_changes(_change(org))
                second = await self._run(project, "The second run reads those changes and no others")
                await self._peek(project, first, second)
        self._say_next()

    def _say_start(self, org: "DemoOrg") -> None:
        self._title("A demo org starts on this machine")
        contacts, accounts = len(org.rows("Contact")), len(org.rows("Account"))
        self._line(f"{org.url}: {contacts:,} contacts and {accounts:,} accounts, all made up")

    async def _connect(self, project: "Project", org: "DemoOrg") -> None:
        from orgsync.project import Credentials

        self._title("Sign in", "orgsync connect demo")
        app = Credentials(
            grant="refresh-token",
            login_url=org.login_url,
            client_id=org.client_id,
            client_secret=org.client_secret,
            refresh_token=org.refresh_token,
        )
        made = await project.connections.add(_NAME, app)
        self._line(f"{made.username} in {made.org_id}; the credentials are kept encrypted")

    async def _run(self, project: "Project", title: str) -> "Run":
        from orgsync.engine import Job

        self._title(title, "orgsync run contacts")
        with shown_progress("contacts on demo", show=True) as observe:
            outcome = await project.execute(Job("sync", "contacts", _NAME), observe=observe)
        if outcome.problem:
            raise outcome.problem
        self._line(outcome_line(outcome.run))
        return outcome.run

    def _say_changes(self, changes: "_Changes") -> None:
        self._title("In the org, people go on working")
        self._line(f"two contacts get a new title: {changes.promoted}")
        self._line(f"one is created: {changes.created}; one is deleted: {changes.deleted}")
        self._line(f"one is deleted for good, past the recycle bin: {changes.erased}")
        people = counted(changes.colleagues, "contact")
        self._line(f"an account is renamed, and {people} should show it: {changes.renamed}")

    async def _peek(self, project: "Project", first: "Run", second: "Run") -> None:
        self._title("What the copy shows", f"orgsync records contact --changes --after {first.added}")
        before = first.added
        feed = [row async for row in project.records.read("contact", changes=True, after=before, limit=_FEED)]
        self._table(feed)
        changed = second.added + second.updated + second.deleted
        if changed > len(feed):
            self._line(f"... and {changed - len(feed):,} more")

    def _table(self, rows: list[dict[str, Any]]) -> None:
        headings = _FEED_COLUMNS[:3] + _FEED_COLUMNS[4:] if self._screen.width < _WIDTH_OF_ALL else _FEED_COLUMNS
        cells = [[_feed_cells(row)[name] for name in headings] for row in rows]
        show_table(headings, cells, right=("seq",), whole=("change",), indent=3)

    def _say_next(self) -> None:
        self._title("Your own org")
        if self._kept:
            self._line(f"the copy of this demo is {self._folder / '.orgsync' / 'orgsync.db'}, an SQLite file")
        for command, meaning in (
            ("orgsync init acme-data", "start a project, then: cd acme-data"),
            ("orgsync connect acme", "sign in to it, in the browser"),
            ("orgsync run contacts", "copy the contacts to .orgsync/orgsync.db"),
            ("orgsync demo --serve", "or try it on a demo org that stays up"),
        ):
            self._line(f"[cyan]{command:<24}[/]{meaning}")

    def _title(self, text: str, command: str = "") -> None:
        self._step += 1
        fits = len(f"{self._step}  {text}  $ {command}") <= self._screen.width
        shown = f"{'  ' if fits else f'{chr(10)}   '}[cyan]$ {command}[/]" if command else ""
        self._screen.print(f"\n[bold]{self._step}  {text}[/]{shown}")

    def _line(self, text: str) -> None:
        from rich.padding import Padding

        self._screen.print(Padding(text, (0, 0, 0, 3), expand=False))


@dataclass(frozen=True, slots=True)
class _Changes:
    """What was changed in the org."""

    promoted: str
    created: str
    deleted: str
    erased: str
    renamed: str
    colleagues: int


def _change(org: "DemoOrg") -> _Changes:
    """Change the org as people do in a quarter of an hour: updates, an insert, deletes, and a parent's name."""
    contacts = org.rows("Contact")
    account, colleagues = _account_of_a_few(org, contacts)
    others = [row for row in contacts if row["AccountId"] != account["Id"]]
    promoted, leaving, erased = others[:2], others[2], others[3]
    for each in promoted:
        org.update("Contact", str(each["Id"]), Title="Head of Research")
    employer = promoted[0]["AccountId"]  # not that which is renamed: she would be read twice, and a number left out
    org.insert("Contact", FirstName="Grace", LastName="Hopper", Title="Rear Admiral", AccountId=employer)
    org.delete("Contact", str(leaving["Id"]))
    org.hard_delete("Contact", str(erased["Id"]))
    new_name = f"{account['Name']} & Daughters"
    org.update("Account", str(account["Id"]), Name=new_name)
    org.advance(minutes=15)  # the log of deletions has whole minutes
    return _Changes(
        promoted=" and ".join(str(each["Name"]) for each in promoted),
        created="Grace Hopper",
        deleted=str(leaving["Name"]),
        erased=str(erased["Name"]),
        renamed=new_name,
        colleagues=colleagues,
    )


def _account_of_a_few(org: "DemoOrg", contacts: list[Any]) -> tuple[Mapping[str, Any], int]:
    """Return an account with few contacts, so that the change feed fits a screen."""
    counts: dict[Any, int] = {}
    for row in contacts:
        counts[row["AccountId"]] = counts.get(row["AccountId"], 0) + 1
    ranked = sorted((abs(counts.get(row["Id"], 0) - 4), str(row["Id"])) for row in org.rows("Account"))
    account = next(row for row in org.rows("Account") if row["Id"] == ranked[0][1])
    return account, counts.get(account["Id"], 0)


def _feed_cells(row: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: str(row[name] or "") for name in _FEED_COLUMNS[2:]}
    return {"seq": str(row["sync_seq"]), "change": row["sync_change"], **texts}
