"""`orgsync doctor`: everything a run needs, looked at one by one."""

from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.printable import printable

from .commands import wait_for
from .completion import connection_names
from .output import console, detail_lines, examples
from .tables import GAP, broken

if TYPE_CHECKING:
    from rich.console import Console

    from orgsync.project.doctor import Finding

__all__ = ["EXAMPLES", "doctor"]

EXAMPLES = examples(
    "orgsync doctor              the project and all its connections",
    "orgsync doctor acme         the project and one connection",
)

_ABOUT = 20  # places for what a finding is about


def doctor(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A connection; all by default.", autocompletion=connection_names),
    ] = None,
) -> None:
    """Look over the project and its connections: each problem with its cause and what to do.

    Looks at the settings, the database, the key, the scripts; for each connection at the sign-in, the scopes, the API
    version, the limits of the day, and every object and field that a sync reads, and what a copy of it would lack. The
    exit code is that of the worst problem.
    """
    raise typer.Exit(wait_for(lambda: _doctor(name)))


async def _doctor(name: str | None) -> int:
    from orgsync.project.doctor import diagnose
    from orgsync.settings import load_settings

    screen, worst, problems = console(), 0, 0
    async for finding in diagnose(load_settings(), [name] if name else []):
        _show(screen, finding)
        if finding.problem:
            worst, problems = max(worst, finding.problem.exit_code), problems + 1
    screen.print(_verdict(problems))
    return worst


def _verdict(problems: int) -> str:
    if not problems:
        return "\nAll is well."
    return f"\n{problems} problem{'' if problems == 1 else 's'}."


def _show(screen: "Console", finding: "Finding") -> None:
    """Show a finding in three columns: the mark, what it is about, what was found."""
    from rich.table import Table
    from rich.text import Text

    problem = finding.problem
    mark = Text("problem", "bold red") if problem else Text("ok", "green")
    sentences = [finding.said, finding.note]
    if problem:
        sentences = [finding.said, problem.cause, *detail_lines(problem), problem.remedy]
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(min_width=len("problem"))
    table.add_column(min_width=_ABOUT)
    table.add_column(overflow="fold")
    about, told = (
        printable(finding.about),
        printable("\n".join(" ".join(sentence.split()) for sentence in sentences if sentence)),
    )
    room = screen.width - len("problem") - max(_ABOUT, len(about)) - 2 * GAP
    table.add_row(mark, Text(about, "bold"), Text(broken(told, room)))
    screen.print(table)
