"""`orgsync doctor`: everything that a run needs, checked one by one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import OrgsyncError, UsageInvalid
from orgsync.printable import counted, printable
from orgsync.project.health_views import finding_view

from .commands import INTERRUPTED_ALONE, open_view, wait_for
from .completion import connection_names
from .grid import GAP
from .output import console, detail_lines, examples, json_line
from .wrapping import unbroken, wrapped

if TYPE_CHECKING:
    from rich.console import Console

    from orgsync.project.doctor import Finding
    from orgsync.settings import Settings

__all__ = ["EXAMPLES", "doctor"]

EXAMPLES = examples(
    "orgsync doctor              the project and all its connections",
    "orgsync doctor acme         the project and one connection",
    "orgsync doctor --json       one object per finding, for a monitor",
)

_ABOUT = 20  # places for what a finding is about


def doctor(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[CONNECTION]", help="A connection; all by default.", autocompletion=connection_names),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per finding, for programs.")] = False,
) -> None:
    """Look over the project and its connections: each problem with its cause and what to do.

    Checks the settings, the database, the key, the scripts; for each connection the sign-in, the scopes, the API
    version, the limits of the day, and every object and field that a sync reads, and what a copy of it would lack. A
    condition that is written out in the script is tried with a query for one row. A sync whose last run failed by its
    script, or by what the org refuses, is a problem until one does not. The exit code is that of the worst
    problem.
    """
    raise typer.Exit(wait_for(lambda: _doctor(name, as_json=as_json), interrupted=lambda: INTERRUPTED_ALONE))


async def _doctor(name: str | None, *, as_json: bool) -> int:
    from orgsync.project.doctor import diagnose
    from orgsync.settings import load_settings

    screen, worst, problems = console(), 0, 0
    settings = load_settings()
    if name:
        _require_no_sync(settings, name)
    async for finding in diagnose(settings, [name] if name else []):
        if as_json:
            json_line(finding_view(finding))
        else:
            _show(screen, finding)
        if finding.problem:
            worst, problems = max(worst, finding.problem.exit_code), problems + 1
    if not as_json:
        screen.print(_verdict(problems))
    return worst


def _require_no_sync(settings: "Settings", name: str) -> None:
    """Raise UsageInvalid for the name of a sync that is no connection's."""
    from orgsync.project.syncs import names_of

    if name not in names_of(settings):
        return
    try:
        with open_view() as view:
            connections = {each.name for each in view.connections()}
    except OrgsyncError:  # what is wrong with the database is among doctor's own findings
        return
    if name in connections:
        return
    raise UsageInvalid(
        f"{name} is a sync; orgsync doctor takes a connection.",
        "It checks every sync on each connection: orgsync doctor, or orgsync doctor CONNECTION.",
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _verdict(problems: int) -> str:
    if not problems:
        return "\nAll is well."
    return f"\n{counted(problems, 'problem')}."


def _show(screen: "Console", finding: "Finding") -> None:
    """Show a finding in three columns: the mark, what it is about, what was found; below these where that is wider."""
    from rich.text import Text

    problem = finding.problem
    mark = Text("problem", "bold red") if problem else Text("ok", "green")
    sentences = [finding.text, finding.note]
    if problem:
        sentences = [finding.text, problem.cause, *detail_lines(problem), problem.remedy]
    mark.pad_right(len("problem") + GAP - len(mark))
    about = Text(printable(finding.about), "bold")
    text = [printable(_one_line(sentence)) for sentence in sentences if sentence]
    indent = len(mark) + max(_ABOUT, len(about)) + GAP
    beside = _fits(text, screen.width - indent)
    if not beside:
        indent = len(mark)
    lines = [f"{' ' * indent}{line}" for each in text for line in wrapped(each, screen.width - indent)]
    first = Text(lines.pop(0)[indent - GAP :]) if beside and lines else Text()
    about.pad_right(indent - GAP - len(mark) - len(about) if beside else 0)
    screen.print(mark + about + first, *lines, sep="\n", soft_wrap=True, markup=False)


def _fits(text: Sequence[str], room: int) -> bool:
    """Return whether no word or command is longer than the room: they are copied, and stay in one piece."""
    return max((len(part) for each in text for part in unbroken(each)), default=0) <= room
