"""`orgsync do`: run an action on a connection, and print its result."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from orgsync.errors import ArgumentInvalid, FileUnusable
from orgsync.suggest import path_remedy

from .completion import action_names, argument_names
from .connection_choice import choose_connection, require_connected
from .interruptions import ACTION, ACTION_INTERRUPTED, NOT_BEGUN, NOTHING_RUN, Stopping, wait_for_runs
from .options import connection_option
from .output import examples, json_line, say, show_problem, stdout, to_json, verbatim
from .signals import Interruption

if TYPE_CHECKING:
    from orgsync.engine import Outcome

__all__ = ["EXAMPLES", "do", "show_outcome"]

EXAMPLES = examples(
    "orgsync do limits -c acme",
    "orgsync do get sobject=Contact id=003... -c acme",
    'orgsync do create sobject=Lead record:=\'{"LastName": "Lovelace", "Company": "Analytical"}\' -c acme',
    "orgsync do create_many sobject=Lead rows:=@leads.json -c acme",
    "orgsync do close_case --input arguments.json -c acme      a JSON object; - reads stdin",
)


def do(
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="The action, by its name.", autocompletion=action_names)
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=VALUE]",
            help="What it takes: NAME=TEXT, NAME:=JSON or NAME:=@FILE.",
            autocompletion=argument_names,
        ),
    ] = None,
    connection: Annotated[str | None, connection_option("The connection.")] = None,
    given: Annotated[
        str | None, typer.Option("--input", metavar="FILE", help="A JSON object of arguments, or - for stdin.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for the run, with its result, for programs.")
    ] = False,
) -> None:
    """Run an action: do something in an org, and print the result as JSON.

    Arguments are checked before anything is sent; orgsync actions ACTION shows what it takes. What comes after = is
    text, which becomes a number or a boolean where the action takes one; for a list, give the name several times. The
    run is listed in orgsync runs, without arguments and result. There is no dry run: only the org knows what it would
    do. Exit code: 0 done, 1 it failed, or a part of it, 2 usage or configuration, 3 sign-in needed, 4 stopped to stay
    below the API limit, 130 or 143 interrupted.
    """
    work = _Work(action, arguments or [], given, connection, as_json)
    raise typer.Exit(wait_for_runs(work))


@dataclass(slots=True)
class _Work:
    """One call of an action, and what is shown of it."""

    action: str
    words: Sequence[str]
    given: str | None
    connection: str | None
    as_json: bool
    begun: bool = False

    async def run(self) -> int:
        """Run the action, and return the exit code."""
        import anyio

        from orgsync.engine import Job
        from orgsync.project import FolderScripts, open_project
        from orgsync.settings import load_settings

        settings = load_settings()
        scripts = FolderScripts(settings.syncs_folder)
        arguments = self._arguments(scripts.action(self.action).types.schemas()[0])
        code = 0
        await require_connected([self.connection], settings)
        async with open_project(settings, scripts=scripts) as project:  # outside the scope, so that it closes in order
            with anyio.CancelScope() as scope, Interruption(scope, self._stopping) as interruption:
                job = Job("action", self.action, await choose_connection(project, self.connection), arguments=arguments)
                self.begun = True
                code = show_outcome(await project.execute(job), as_json=self.as_json)
            if interruption.code and not self.begun:
                say(NOTHING_RUN)
            elif interruption.code and scope.cancelled_caught:
                say(ACTION_INTERRUPTED)
        return interruption.code or code

    def _stopping(self) -> Stopping:
        return ACTION if self.begun else NOT_BEGUN

    def _arguments(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return what the input and the words give."""
        from orgsync.project.actions import typed_arguments

        read = {} if self.given is None else _document(self.given)
        typed = typed_arguments(self.action, schema, self.words)
        if twice := next((name for name in typed if name in read), None):
            raise ArgumentInvalid(f"The argument {twice} is in --input and in the call.", "Give it once.")
        return read | typed


def show_outcome(outcome: "Outcome", *, as_json: bool) -> int:
    """Show what an action returned, or how it failed, and return the exit code."""
    from orgsync.project.actions import action_run_view

    problem = outcome.problem
    if as_json:
        json_line(cast("dict[str, object]", action_run_view(outcome)))
    elif problem is None or outcome.result is not None:
        verbatim(to_json(outcome.document, indent=2))
    stdout().flush()
    if problem is None:
        return 0
    show_problem(problem, detail=not as_json)
    return problem.exit_code


def _document(source: str) -> dict[str, Any]:
    """Read the JSON object of arguments."""
    name = "stdin" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        remedy = path_remedy(Path(source), otherwise="Check the path after --input.")
        raise FileUnusable(f"{name} cannot be read: {reason}.", remedy) from None
    try:
        found = json.loads(text)
    except ValueError as error:
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ArgumentInvalid(f"{name} is not JSON{at}.", 'Write an object such as {"sobject": "Lead"}.') from None
    if not isinstance(found, dict):
        raise ArgumentInvalid(f"{name} is not a JSON object.", 'Write an object such as {"sobject": "Lead"}.')
    return cast("dict[str, Any]", found)
