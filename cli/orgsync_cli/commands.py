"""How commands are called: `--debug` anywhere, errors in two lines, exit codes, work that waits on an event loop."""

import os
import warnings
from collections import UserDict
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.models import CommandInfo, TyperInfo

from orgsync.errors import OrgsyncError

from .help_text import Group, PlainCommand
from .output import NOTHING_DONE, json_error, results_alone_on_stdout, say, show_problem, speech, stdout
from .usage import UsageError, is_help, usage_problem

if TYPE_CHECKING:
    from orgsync.errors import NameUnknown
    from orgsync.project import View

__all__ = [
    "INTERRUPTED",
    "INTERRUPTED_ALONE",
    "NOTHING_CHANGED",
    "Commands",
    "Program",
    "enter_project",
    "has_tables",
    "open_view",
    "require_tables",
    "says_when_interrupted",
    "wait_for",
]

INTERRUPTED = 130
INTERRUPTED_ALONE = "Interrupted."
"""What is said where Ctrl-C ends what leaves nothing behind that would be missed."""

NOTHING_CHANGED = "Interrupted; nothing was changed."
"""What is said where Ctrl-C ends what only reads."""

_ONLY_COMMITTED = "Interrupted; only what was committed by then is kept."
_BROKEN_PIPE = 141  # what a shell says of a program that SIGPIPE ended

_ORDER = (
    *("demo", "init", "connect", "connections", "doctor", "new", "syncs", "run", "up", "worker", "schedule"),
    *("status", "drift", "runs", "records", "backup", "move", "keys", "reset", "record", "cassettes", "write"),
    *("actions", "do", "api", "serve", "proxy", "mcp", "tokens", "webhooks"),
)

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class _Unbuilt(UserDict[str, Any]):
    """Commands by name, each of which is built from its program when it is first asked for."""

    def __getitem__(self, name: str) -> Any:
        found = self.data[name]
        if isinstance(found, typer.Typer):
            group: Any = get_command(found)
            found = self.data[name] = group.commands[name]
        return found


class Commands(Group):
    """The commands by name. An error in any of them is shown here, and becomes the exit code."""

    unbuilt: ClassVar[Mapping[str, typer.Typer]] = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Unbuilt({**self.commands, **self.unbuilt})

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands in the order in which a person needs them."""
        return sorted(super().list_commands(ctx), key=_ORDER.index)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Remove `--debug` from wherever it stands, and note whether a program reads stdout."""
        end = args.index("--") if "--" in args else len(args)
        before = [arg for arg in args[:end] if arg != "--debug"]
        speech.debug = len(before) < end
        speech.as_json = _asks_for_json(before)
        try:
            with _usage_errors():
                return super().parse_args(ctx, [*before, *args[end:]])
        except KeyboardInterrupt:  # typer would end it without a word, while it imports what it parses with
            say(NOTHING_DONE)
            raise typer.Exit(INTERRUPTED) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return self._invoke(ctx)
        except (KeyboardInterrupt, typer.Abort) as interrupted:
            say(str(interrupted) or INTERRUPTED_ALONE)
            code = INTERRUPTED
        except BrokenPipeError:  # `orgsync records contact | head`: whoever read has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout().fileno())
            code = _BROKEN_PIPE
        raise typer.Exit(code)

    def _invoke(self, ctx: Any) -> Any:
        try:
            with _usage_errors():
                return super().invoke(ctx)
        except OrgsyncError as error:
            show_problem(error)
            json_error(error)
            raise typer.Exit(error.exit_code) from None
        finally:
            stdout().flush()  # while a broken pipe can still be distinguished from a mistake


def _asks_for_json(args: Sequence[str]) -> bool:
    """Return whether a call asks for JSON, also where the rest of it is wrong."""
    return "--json" in args or "--format=json" in args or ("--format", "json") in pairwise(args)


@contextmanager
def _usage_errors() -> Generator[None]:
    """Show a wrong call as every other error is shown, and not as typer would."""
    try:
        yield
    except UsageError as error:
        if is_help(error):
            raise
        problem = usage_problem(error)
        show_problem(problem)
        json_error(problem)
        raise typer.Exit(problem.exit_code) from None


class ProjectCommand(PlainCommand):
    """A command that works in a project; outside of one it ends before it has created anything."""

    def invoke(self, ctx: Any) -> Any:
        """Look for the project, then run the command."""
        with says_when_interrupted(lambda: NOTHING_DONE):
            enter_project()
        with results_alone_on_stdout():
            try:
                return super().invoke(ctx)
            finally:
                stdout().flush()  # while a broken pipe can still be distinguished from a mistake


class Program(typer.Typer):
    """Commands by name, each of which needs a project unless it is registered with `cls=PlainCommand`."""

    def __init__(self, *, cls: type[TyperGroup] = Group, **options: Any) -> None:
        super().__init__(cls=cls, **options)

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **options: Any
    ) -> Callable[[F], F]:
        """Register a command."""
        return super().command(name, cls=cls or ProjectCommand, **options)

    def build_when_named(self) -> None:
        """Build each command that is registered when it is asked for: to read every signature takes a while."""
        unbuilt = dict[str, typer.Typer]()
        for command in self.registered_commands:
            unbuilt[str(command.name)] = _alone(commands=[command])
        for group in self.registered_groups:
            unbuilt[str(group.name)] = _alone(groups=[group])
        self.registered_commands, self.registered_groups = [], []
        self.info.cls = type(Commands.__name__, (Commands,), {"unbuilt": unbuilt})


def _alone(*, commands: Sequence[CommandInfo] = (), groups: Sequence[TyperInfo] = ()) -> typer.Typer:
    """Return a program of one command, or of one group of commands."""
    program = typer.Typer(add_completion=False, rich_markup_mode=None, callback=_nothing)
    program.registered_commands += commands
    program.registered_groups += groups
    return program


def _nothing() -> None:
    """Do nothing; a program with a callback is a group of commands, though it has but one."""


def enter_project() -> None:
    """Raise ProjectNotFound outside of a project; a variable that is no setting is shown as any warning."""
    from orgsync.settings import UnknownVariable, load_settings, require_project

    require_project()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnknownVariable)
        load_settings()
    for each in caught:
        say(f"warning: {each.message}")
    warnings.simplefilter("ignore", UnknownVariable)


@contextmanager
def open_view() -> "Generator[View]":
    """Open the project's database for reading alone, without what only work on it needs."""
    from orgsync.project.view import open_view

    with open_view() as view:
        yield view


def has_tables() -> bool:
    """Return whether the project's database has orgsync's tables: a command that only reads makes none."""
    with open_view() as view:
        return view.has_tables


def require_tables(missing: "NameUnknown") -> None:
    """Raise the error where the database has no tables yet; none are made."""
    if not has_tables():
        raise missing


def wait_for(work: Callable[[], Awaitable[T]], *, interrupted: Callable[[], str] = lambda: _ONLY_COMMITTED) -> T:
    """Run asynchronous work to its end, and return what it returns.

    Raises KeyboardInterrupt where Ctrl-C has ended it, once it has cleaned up; `interrupted` returns what is said then,
    and where a second one has ended the process before that.
    """
    with says_when_interrupted(interrupted):
        import anyio

        from .lean_imports import import_without_extras

        import_without_extras()
        from .logs import configure_logs
        from .signals import CtrlC

        configure_logs(debug=speech.debug)
        with CtrlC(interrupted) as ctrl_c:
            done = anyio.run(ctrl_c.run, work)
        if not done:
            raise KeyboardInterrupt
    return done[0]


@contextmanager
def says_when_interrupted(text: Callable[[], str]) -> Generator[None]:
    """Give Ctrl-C in the block the text that is shown of it."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(text()) from None
