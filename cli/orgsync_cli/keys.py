"""`orgsync keys`: exchange the key that credentials are encrypted with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.printable import counted

from .commands import Program, wait_for
from .output import examples, json_line, result, say, short_path

if TYPE_CHECKING:
    from orgsync.project.keys import KeyRotation

__all__ = ["EXAMPLES", "app"]

EXAMPLES = examples(
    "orgsync keys rotate           encrypt all credentials with a new key",
    "ORGSYNC_KEY=NEW,OLD orgsync keys rotate",
)

app = Program(rich_markup_mode=None, epilog=EXAMPLES, no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Exchange the key that credentials are encrypted with."""


@app.command(epilog=EXAMPLES)
def rotate(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Encrypt all credentials with a new key, in one transaction, while syncs run.

    The file .orgsync/key gets the new key. Where ORGSYNC_KEY holds the keys, separated by commas, the first is the new
    one. Interrupted at any point, the database stays readable; run it again. The how-to page on backups has the steps
    for several hosts.
    """
    done = wait_for(_rotate)
    if as_json:
        names = ("connections", "sign_ins", "webhooks", "unchanged", "place", "keys", "is_complete")
        json_line({name: getattr(done, name) for name in names})
        return
    _report(done)


def _report(done: "KeyRotation") -> None:
    place = short_path(Path(done.place)) if done.is_file else done.place
    if not done.connections + done.sign_ins + done.webhooks + done.unchanged:
        new = done.is_file and done.keys
        say_new = f"The first key of {place} is a new one." if new else "There is nothing to change."
        result(f"Nothing is encrypted yet. {say_new}")
        if done.keys > 1:
            say(_next_step(done, place))
        return
    changed = counted(done.connections, "connection")
    if done.sign_ins:
        changed += f" and {counted(done.sign_ins, 'sign-in')}"
    if done.webhooks:
        changed += f" and {counted(done.webhooks, 'webhook')}"
    already = f"; {done.unchanged} had it already" if done.unchanged else ""
    result(f"The first key of {place} now encrypts everything: changed {changed}{already}.")
    if done.keys > 1:
        say(_next_step(done, place))
    elif not done.is_file:
        say("ORGSYNC_KEY holds one key. To change it, see the how-to page on backups.")


def _next_step(done: "KeyRotation", place: str) -> str:
    if done.is_complete:
        return "The other keys are not needed any more: remove them from ORGSYNC_KEY, on every host."
    if done.is_file:
        return (
            f"Other hosts that use the database need {place} now: copy it there. Then run this again; when it finds "
            "nothing to change, it removes the old key."
        )
    return "Run this again before you remove the other keys: when it finds nothing to change, they are not needed."


async def _rotate() -> "KeyRotation":
    from orgsync.project.keys import rotate_keys

    return await rotate_keys()
