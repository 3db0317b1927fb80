"""`orgsync schedule`: when syncs are due on a connection, and whether they are switched off there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import ArgumentInvalid
from orgsync.project.views import schedule_view

from .commands import open_view, wait_for
from .completion import sync_names
from .connection_choice import choose_connections, require_connected, require_one_choice
from .options import AsJson, connection_option, tag_option
from .output import examples, json_line, result, say
from .tables import show_table

if TYPE_CHECKING:
    from orgsync.project import Schedule

__all__ = ["EXAMPLES", "schedule"]

EXAMPLES = examples(
    "orgsync schedule                                  list what is set",
    "orgsync schedule contacts -c acme --every 1h      instead of what the script says",
    'orgsync schedule contacts -c acme --every "0 6 * * 1-5"',
    "orgsync schedule contacts --tag trial --off       on every connection with that tag",
    "orgsync schedule contacts -c acme --on",
    "orgsync schedule contacts --all --default         as the script says, everywhere",
)


def schedule(  # noqa: PLR0913 - each is an option of the command
    sync: Annotated[
        list[str] | None,
        typer.Argument(metavar="SYNC", help="Which syncs; needed to set anything.", autocompletion=sync_names),
    ] = None,
    connection: Annotated[list[str] | None, connection_option("On this connection; may be repeated.")] = None,
    tag: Annotated[list[str] | None, tag_option("On every connection that has this tag; may be repeated.")] = None,
    every_one: Annotated[bool, typer.Option("--all", help="On every connection.")] = False,
    every: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it is due: 30s, 15m, 1h, 1d, or a cron expression in UTC.")
    ] = None,
    on: Annotated[bool, typer.Option("--on", help="Switch it on.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Switch it off.")] = False,
    default: Annotated[bool, typer.Option("--default", help="Remove what was set: the script decides.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set when syncs are due on a connection, switch them off or on there, or list what is set.

    It is kept in the database, for connections that there are now; `orgsync up` follows within five seconds, and a run
    under way goes on to its end. A sync that is switched off is never due nor overdue, and `orgsync run` runs it all
    the same. One without `every=`, or one that a package brings, is run by `orgsync up` where it is given a time here.
    """
    options = _Options(list(dict.fromkeys(sync or [])), connection or [], tag or [], every_one, every, on, off, default)
    options.require_sense()
    found = wait_for(options.execute) if options.sets else _listed(options)
    if as_json:
        for each in found:
            json_line(schedule_view(each))
    elif options.sets:
        for each in found:
            result(_line(each))
    elif found:
        rows = [[each.sync, each.connection, each.every or "", _state(each), each.default or ""] for each in found]
        show_table(["sync", "connection", "every", "state", "script says"], rows, spare=["script says"])
    else:
        say("Nothing is set: every sync is due as its script says. Set it: orgsync schedule SYNC -c NAME --every 1h")


@dataclass(frozen=True, slots=True)
class _Options:
    syncs: Sequence[str]
    connections: Sequence[str]
    tags: Sequence[str]
    every_one: bool
    every: str | None
    on: bool
    off: bool
    default: bool

    @property
    def sets(self) -> bool:
        """Whether anything is to be changed."""
        return self.default or self.every is not None or self.on or self.off

    def require_sense(self) -> None:
        """Raise ArgumentInvalid for options that contradict each other."""
        require_one_choice(self.connections, self.tags, every_one=self.every_one)
        if self.on and self.off:
            raise ArgumentInvalid("--on and --off contradict each other.", "Give one of them.")
        if self.default and (self.every is not None or self.on or self.off):
            raise ArgumentInvalid(
                "--default removes what --every, --on and --off set.", "Give --default alone, or leave it out."
            )
        if self.sets and not self.syncs:
            raise ArgumentInvalid("No sync is named.", "Name it: orgsync schedule contacts -c acme --every 1h")

    async def execute(self) -> "Sequence[Schedule]":
        """Set what was asked for, and return how it stands."""
        from orgsync.project import open_project

        await require_connected(self.connections)
        async with open_project() as project:
            chosen = await choose_connections(project, self.connections, tags=self.tags, every_one=self.every_one)
            off = self.off if self.on or self.off else None
            if self.default:
                return await project.schedules.clear(self.syncs, chosen)
            return await project.schedules.set(self.syncs, chosen, every=self.every, off=off)


def _listed(options: _Options) -> "Sequence[Schedule]":
    from orgsync.project.known_names import require_known
    from orgsync.project.schedules import schedules_in
    from orgsync.settings import load_settings

    with open_view() as view:
        for name in options.connections:
            view.connection(name)
        tagged = {each.name for each in view.connections() if not set(options.tags).isdisjoint(each.tags)}
        settings = load_settings()
        found = schedules_in(view, settings)
        for name in options.syncs:
            if name not in {each.sync for each in found}:
                require_known(view, settings, sync=name)
    chosen = {*options.connections, *tagged}
    narrowed = bool(options.connections or options.tags)
    return [
        each
        for each in found
        if (not options.syncs or each.sync in options.syncs) and (not narrowed or each.connection in chosen)
    ]


def _state(schedule: "Schedule") -> str:
    return "off" if schedule.off else "on"


def _line(schedule: "Schedule") -> str:
    about = f"{schedule.sync} on {schedule.connection}"
    if schedule.off:
        then = f"; when it is switched on: every {schedule.every}" if schedule.every else ""
        return f"{about}: switched off{then}"
    if schedule.every is None:
        return f"{about}: never due by itself; give it a time with --every"
    return f"{about}: every {schedule.every}{'' if schedule.own else ', as its script says'}"
