"""`orgsync webhooks`: make endpoints that are told what happens, and look at what is delivered to them."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from .commands import NOTHING_CHANGED, Program, has_tables, require_tables, wait_for
from .options import AsJson, connection_option, tag_option
from .output import confirmed, examples, json_line, moment, result, say, verbatim

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from orgsync.project.webhooks import Webhooks

    T = TypeVar("T")

__all__ = ["app"]

app = Program(
    no_args_is_help=True,
    epilog=examples(
        "orgsync webhooks add https://example.com/orgsync",
        "orgsync webhooks add https://example.com/orgsync --events run.finished,records.changed -c acme",
        "orgsync webhooks list",
        "orgsync webhooks test we_5f3a9c0b1d2e4f60",
        "orgsync webhooks deliveries",
        "orgsync webhooks redeliver 17",
        "orgsync webhooks rotate we_5f3a9c0b1d2e4f60 --overlap 7d",
        "orgsync webhooks enable we_5f3a9c0b1d2e4f60",
        "orgsync webhooks remove we_5f3a9c0b1d2e4f60 --yes",
    ),
)
_KEEP = "Keep the secret where secrets are kept, for the receiver; it is not shown again."
_Id = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id, as the list has it.")]


def _do(work: "Callable[[Webhooks], Awaitable[T]]") -> "T":
    """Do something with the project's webhooks."""
    return wait_for(_in_project(work))


def _read(work: "Callable[[Webhooks], Awaitable[T]]") -> "T | None":
    """Read something of the project's webhooks; None where the database has no tables yet."""
    return wait_for(_in_project(work), interrupted=lambda: NOTHING_CHANGED) if has_tables() else None


def _in_project(work: "Callable[[Webhooks], Awaitable[T]]") -> "Callable[[], Awaitable[T]]":
    async def done() -> "T":
        from orgsync.project import open_project

        async with open_project() as project:
            return await work(project.webhooks)

    return done


def _do_to(webhook: str, work: "Callable[[Webhooks], Awaitable[T]]") -> "T":
    """Do something with one webhook; raises NameUnknown where the database has no tables yet."""
    from orgsync.project.webhooks import no_webhook

    require_tables(no_webhook(webhook))
    return _do(work)


@app.callback()
def webhooks() -> None:
    """Tell other systems what happens, by HTTP."""


@app.command(
    "add",
    short_help="Make a webhook, and show its secret this once.",
    epilog=examples(
        "orgsync webhooks add https://example.com/orgsync",
        "orgsync webhooks add https://example.com/orgsync --events run.finished,records.changed -c acme",
    ),
)
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are posted to: https.")],
    events: Annotated[
        str, typer.Option("--events", metavar="EVENTS", help="What it is told, separated by commas; all by default.")
    ] = "",
    connection: Annotated[list[str] | None, connection_option("Only of this connection; may be repeated.")] = None,
    tag: Annotated[list[str] | None, tag_option("Only of connections with this tag; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a webhook: messages are posted to the URL when something happens. Its secret is shown this once.

    `orgsync serve`, `orgsync up` and `orgsync worker` deliver; while none of them runs, messages wait.
    """
    from orgsync.project.webhooks import webhook_view

    chosen = [each.strip() for each in events.split(",") if each.strip()]
    row, secret = _do(lambda webhooks: webhooks.add(url, events=chosen, connections=connection or None, tags=tag or ()))
    if as_json:
        json_line({"webhook": webhook_view(row), "secret": secret})
        return
    say(f"Made the webhook {row.id}. {_KEEP}")
    verbatim(secret)


@app.command(
    "list", short_help="List the webhooks.", epilog=examples("orgsync webhooks list", "orgsync webhooks list --json")
)
def list_webhooks(as_json: AsJson = False) -> None:
    """List the webhooks, with what each is told, and why one is off."""
    from orgsync.project.webhooks import webhook_view

    found = _read(lambda webhooks: webhooks.list()) or ()
    if as_json:
        for each in found:
            json_line(webhook_view(each))
        return
    if not found:
        say("There is no webhook yet. Create one: orgsync webhooks add URL.")
        return
    from .tables import show_table

    show_table(
        ("webhook", "url", "events", "connections", "state"),
        [
            (
                each.id,
                each.url,
                ", ".join(each.events) or "all",
                "all"
                if each.connections is None
                else ", ".join([*each.connections, *(f"tag {tag}" for tag in each.tags)]) or "none",
                "on" if each.off_reason is None else f"off: {each.off_reason}",
            )
            for each in found
        ],
        spare=("events", "connections"),
        whole=("webhook",),
    )


@app.command(
    "remove",
    short_help="Remove a webhook.",
    epilog=examples("orgsync webhooks remove we_5f3a9c0b1d2e4f60", "orgsync webhooks remove we_5f3a9c0b1d2e4f60 --yes"),
)
def remove(webhook: _Id, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove a webhook, and what is still to be delivered to it."""
    found = _do_to(webhook, lambda webhooks: webhooks.get(webhook))
    host = urlsplit(found.url).hostname  # the rest of the URL may be secret
    if not yes and not confirmed(f"Remove {webhook}, to {host}? What is still to be delivered to it is discarded."):
        result("Nothing was removed.")
        raise typer.Exit(1)
    _do(lambda webhooks: webhooks.remove(webhook))
    say(f"Removed the webhook {webhook}.")


@app.command(
    "enable",
    short_help="Switch on a webhook that was switched off.",
    epilog=examples("orgsync webhooks enable we_5f3a9c0b1d2e4f60"),
)
def enable(webhook: _Id) -> None:
    """Switch on a webhook that was switched off; what is pending is delivered at once."""
    _do_to(webhook, lambda webhooks: webhooks.enable(webhook))
    say(f"The webhook {webhook} is on.")


@app.command(
    "test", short_help="Send a test message now.", epilog=examples("orgsync webhooks test we_5f3a9c0b1d2e4f60")
)
def test(webhook: _Id) -> None:
    """Send one message of the type webhook.test now.

    Exit code: 0 if the receiver accepts it, 1 if it does not or is not reached, 2 if its address may not be sent to.
    """
    attempt = _do_to(webhook, lambda webhooks: webhooks.test(webhook))
    if attempt.error is not None:
        raise attempt.error
    say(f"The receiver accepted the message (status {attempt.status}).")


@app.command(
    "deliveries",
    short_help="List what was and is to be delivered.",
    epilog=examples("orgsync webhooks deliveries", "orgsync webhooks deliveries we_5f3a9c0b1d2e4f60 --limit 10"),
)
def deliveries(
    webhook: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only those to this webhook.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries of the last 30 days, the latest first."""
    from orgsync.project.webhooks import delivery_view, no_webhook

    if webhook is not None:
        require_tables(no_webhook(webhook))
    found = _read(lambda webhooks: webhooks.deliveries(webhook, limit=limit)) or ()
    if as_json:
        for each in found:
            json_line(delivery_view(each))
        return
    if not found:
        say("Nothing was to be delivered yet.")
        return
    from .tables import show_table

    show_table(
        ("delivery", "webhook", "event", "connection", "state", "attempts", "next", "problem"),
        [
            (
                str(each.id),
                each.webhook,
                each.type,
                each.connection,
                each.state,
                str(each.attempts),
                moment(each.next_at) if each.state == "pending" else "",
                each.problem or "",
            )
            for each in found
        ],
        spare=("attempts", "next", "connection", "webhook"),
        whole=("webhook",),
    )


@app.command("redeliver", short_help="Deliver a message once more.", epilog=examples("orgsync webhooks redeliver 17"))
def redeliver(delivery: Annotated[int, typer.Argument(metavar="DELIVERY", help="Its number, as listed.")]) -> None:
    """Deliver a message once more, with its id, as soon as a process delivers."""
    from orgsync.project.webhooks import no_delivery

    require_tables(no_delivery(delivery))
    found = _do(lambda webhooks: webhooks.redeliver(delivery))
    say(f"Delivery {found.id} ({found.type} to {found.webhook}) is pending.")


@app.command(
    "rotate",
    short_help="Make a new secret, and show it this once.",
    epilog=examples(
        "orgsync webhooks rotate we_5f3a9c0b1d2e4f60", "orgsync webhooks rotate we_5f3a9c0b1d2e4f60 --overlap 7d"
    ),
)
def rotate(
    webhook: _Id,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="TIME", help="How long the old one is good too: 0, 12h, 7d.")
    ] = "1d",
    as_json: AsJson = False,
) -> None:
    """Make a new secret and show it this once. For the overlap, messages bear a signature by each of the two."""
    from orgsync.project.webhooks import overlap_of

    length = overlap_of(overlap)
    rotated = _do_to(webhook, lambda webhooks: webhooks.rotate(webhook, overlap=length))
    if rotated.warning:
        say(f"warning: {rotated.warning}")
    if as_json:
        json_line({"id": webhook, "secret": rotated.secret, "warning": rotated.warning})
        return
    say(_KEEP)
    verbatim(rotated.secret)
