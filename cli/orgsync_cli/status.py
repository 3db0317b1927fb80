"""`orgsync status`: how each sync stands on each connection, for a person and for a monitor."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.clock import utc_now
from orgsync.errors import RunInterrupted
from orgsync.project.health_views import OWED, SEE_STATUS, status_view

from .commands import open_view
from .completion import sync_names
from .options import AsJson, connection_option
from .output import brief, examples, json_line, minute, moment, say
from .tables import show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orgsync.project import AlertRow, Status, View

__all__ = ["EXAMPLES", "status"]

EXAMPLES = examples(
    "orgsync status",
    "orgsync status -c acme                   how the syncs stand on one connection",
    "orgsync status -c acme --sync contacts   how one sync stands there",
    "orgsync status --json                    one object a line, for a monitor",
)


_SPARE = ("last success (UTC)", "failed", "due (UTC)", "rows", "lag")
"""The columns that a narrow terminal loses, the least important first.

The lag tells most of the last success, and a line below the table how often a sync has failed.
"""

_LONG = timedelta(minutes=1)
"""How long a run may be under way before it gets a line of its own."""


def status(
    connection: Annotated[str | None, connection_option("Only on this connection.")] = None,
    sync: Annotated[str | None, typer.Option(metavar="SYNC", help="Only this sync.", autocompletion=sync_names)] = None,
    as_json: AsJson = False,
) -> None:
    """Show for each sync and connection the last success, lag, rows, failures and when it is due next.

    Exits with 1 when a sync is failing or overdue, when one that has a schedule was reset and has not run since, or
    when a run has been waiting long for a response. A sync is overdue when its next success is late by more than its
    interval; with a cron expression, by more than an hour. One that `orgsync schedule` has switched off is neither.
    Where workers run them, which are alive is said below. It exits with 1, too, when a webhook was switched off. The
    alerts that are active stand below; they are not counted for that. With --connection or --sync the rest is neither
    shown nor counted, and webhooks, workers and what holds back the change feeds are left out.
    """
    found, alerts, workers, off = _statuses(connection, sync)
    if as_json:
        for each in found:
            json_line(status_view(each))
    else:
        _show(found)
        failing = {(each.sync, each.connection) for each in found if each.failures}
        for alert in alerts:
            if alert.kind != "failing" or (alert.subject, alert.connection) not in failing:  # those have a line already
                message = alert.message.removesuffix(f" {SEE_STATUS}")
                say(f"Alert since {moment(alert.raised_at)}: {message}")
        if workers:
            say(workers)
    for webhook, reason in off:
        say(f"The webhook {webhook} is off: {reason} Switch it on: orgsync webhooks enable {webhook}")
    if off or any(each.needs_attention for each in found):
        raise typer.Exit(1)


def _statuses(
    connection: str | None, sync: str | None
) -> "tuple[Sequence[Status], Sequence[AlertRow], str, Sequence[tuple[str, str]]]":
    from orgsync.project.status import statuses_in
    from orgsync.project.workers_seen import workers_in
    from orgsync.settings import load_settings

    with open_view() as view:
        found = statuses_in(view, load_settings(), now=utc_now())
        if connection is not None or sync is not None:
            return *_only(view, found, connection, sync), "", ()
        if not found and not view.connections():
            say("There is no connection yet. Create one: orgsync connect NAME.")
        elif not found:
            say("There is no sync yet. Write one: orgsync new sync OBJECT.")
        if held_back := view.held_back():
            say(held_back)
        return found, view.alerts(), workers_in(view), view.webhooks_off()


def _only(
    view: "View", found: "Sequence[Status]", connection: str | None, sync: str | None
) -> "tuple[Sequence[Status], Sequence[AlertRow]]":
    """Return what is asked for of how syncs stand, and of the alerts; raises NameUnknown for a name that is none."""
    from orgsync.project.known_names import require_known
    from orgsync.settings import load_settings

    there = [each for each in found if connection in (None, each.connection)]
    wanted = [each for each in there if sync in (None, each.sync)]
    if not wanted:
        require_known(view, load_settings(), sync=sync, connection=connection)
        what = "no sync" if sync is None else "no such sync"
        say(f"Nothing matches: {what} has run or is scheduled there. orgsync status shows all syncs.")
        wanted = [each for each in there if each.script_error]  # of which one may be what is asked for
    if sync is None:
        return wanted, [each for each in view.alerts() if each.connection == connection]
    return wanted, [alert for each in wanted for alert in each.alerts]


def _show(found: "Sequence[Status]") -> None:
    if not found:
        return
    headings = ["sync", "connection", "state", "last success (UTC)", "lag", "rows", "failed", "due (UTC)"]
    rows = [
        [
            *(each.sync, each.connection, each.verdict, minute(each.last_success)),
            brief(each.lag.total_seconds()) if each.lag else "",
            *(f"{each.rows:,}", str(each.failures or ""), minute(each.due)),
        ]
        for each in found
    ]
    show_table(headings, rows, right=["rows", "failed"], spare=_SPARE, elastic="connection")
    for remark in dict.fromkeys(remark for each in found for remark in _remarks(each)):
        say(remark)


def _remarks(status: "Status") -> Iterator[str]:
    """Yield what a person has to know of a sync beside its row."""
    about = f"{status.sync} on {status.connection}"
    if status.verdict == "no script":
        yield f"No script of this project has {status.sync}. To give up its copy: orgsync reset {status.sync}"
        return
    if status.running_for and (status.waits_for or status.running_for > _LONG):
        yield f"{about} has been running for {brief(status.running_for.total_seconds())}. {status.waits_for}".rstrip()
    if status.verdict == "off":
        on = f"orgsync schedule {status.sync} -c {status.connection} --on"
        yield f"{about} is switched off: orgsync up does not run it. Switch it on: {on}"
        return
    if status.verdict == "reset":
        run = f"orgsync run {status.sync} -c {status.connection}"
        at_once = "; orgsync up does so at once" if status.due else ""
        yield f"{about} was reset and has not run since: its copy is empty. Run it: {run}{at_once}"
    if status.script_error:
        yield f"{about} cannot run: {status.script_error}"
    if status.failures:
        in_a_row = f" {status.failures:,} times in a row" if status.failures > 1 else ""
        yield f"{about} has failed{in_a_row}{f': {status.error}' if status.error else '.'}"
    elif status.error_code == RunInterrupted.code:
        yield f"The last run of {about} was interrupted; the next one resumes where it stopped."
    elif status.error:
        yield f"The last run of {about} was stopped: {status.error}"
    if status.owed and not status.running_for:
        yield f"The next run of {about} {OWED[status.owed]}, as an earlier one was to."
