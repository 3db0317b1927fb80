"""`orgsync demo`: the whole story on one machine, or a demo org to try things on."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from orgsync.errors import FileUnusable, NameTaken, PortUnavailable

from .commands import INTERRUPTED_ALONE, wait_for
from .output import examples, result, say, stdout, verbatim

if TYPE_CHECKING:
    from orgsync.demo_org import DemoOrg

__all__ = ["EXAMPLES", "demo"]

EXAMPLES = examples(
    "orgsync demo                    connect, copy, change, copy again: under 20 seconds",
    "orgsync demo --keep tryout      the same, and its database stays in tryout/",
    "orgsync demo --serve            a demo org that stays up, to connect to from another terminal",
    "orgsync demo --serve --callback-url http://127.0.0.1:8000/callback    and for the sign-in of your application",
)


def demo(
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the project of the demo here.")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Keep the demo org running, until Ctrl-C.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="With --serve: where to listen; 0 is any.")
    ] = 0,
    callback_url: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="With --serve: a callback URL of your application, which its sign-in goes back to. Repeatable.",
        ),
    ] = None,
) -> None:
    """Show what orgsync does, on a demo org that runs on this machine.

    The demo org is a real HTTP server on loopback with a few thousand made-up contacts. It needs no account and no
    network, and takes the same requests as Salesforce does.
    """
    if keep and serve:
        raise typer.BadParameter("the demo org of --serve keeps nothing; leave one of the two out", param_hint="--keep")
    if callback_url and not serve:
        raise typer.BadParameter("only the demo org of --serve takes callback URLs", param_hint="--callback-url")
    if serve:
        _serve(port, [_callback(url) for url in callback_url or ()])
        return
    from .story import Story

    with _folder(keep) as folder:
        wait_for(Story(folder, kept=keep is not None).show, interrupted=lambda: INTERRUPTED_ALONE)


@contextmanager
def _folder(keep: Path | None) -> Generator[Path]:
    """Yield the folder of the demo's project, empty; it is deleted at the end unless it is to be kept."""
    if keep is None:
        with TemporaryDirectory(prefix="orgsync-demo-") as name:
            yield Path(name)
        return
    if (keep / ".orgsync").exists():
        raise NameTaken(f"{keep} holds a copy already.", "Name another folder: orgsync demo --keep DIR.")
    from orgsync.settings import PROJECT_FILE

    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileUnusable(f"{keep} cannot be created: {error.strerror}.", "Name another folder.") from error
    (keep / PROJECT_FILE).touch()  # it is a project like any other, in which every command works
    yield keep


def _callback(url: str) -> str:
    """Return a callback URL as it is, for it is compared exactly; Salesforce takes no others either."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and not parts.fragment and not parts.username
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        example = "http://127.0.0.1:8000/callback"
        raise typer.BadParameter(f"{url} is not a callback URL; write it as {example}", param_hint="--callback-url")
    return url


def _serve(port: int, callback_urls: Sequence[str]) -> None:
    from orgsync.demo_org import DemoOrg

    org = DemoOrg(port=port)
    org.callback_urls += callback_urls
    try:
        org.start()
    except OSError as error:
        raise PortUnavailable(
            f"The demo org cannot listen on port {port}: {error.strerror}.", "Choose another: --port 0 takes any."
        ) from error
    try:
        _show_served(org)
        _show_application(org, callback_urls)
        stdout().flush()
        say("The demo org runs until Ctrl-C; what is changed in it is lost then.")
        while not threading.Event().wait(3600):
            pass
    except KeyboardInterrupt:
        say("\nThe demo org has stopped.")
    finally:
        org.stop()


def _show_served(org: "DemoOrg") -> None:
    """Show the lines that connect to this org; its secrets are good for nothing else."""
    contacts, accounts = len(org.rows("Contact")), len(org.rows("Account"))
    result(f"""\
A demo org with {contacts:,} contacts and {accounts:,} accounts is at {org.url}

In another terminal, for a project of its own:
""")
    verbatim(f"""\
orgsync init demo-data && cd demo-data
export ORGSYNC_CLIENT_ID={org.client_id}
export ORGSYNC_CLIENT_SECRET={org.client_secret}
export ORGSYNC_REFRESH_TOKEN={org.refresh_token}
orgsync connect demo --flow refresh-token --login-url {org.url}
orgsync run contacts -c demo
""")


def _show_application(org: "DemoOrg", callback_urls: Sequence[str]) -> None:
    """Show what an application needs that signs its users in by their browsers."""
    if callback_urls:
        result(f"Your application signs in with this client id and secret at {org.url}, and comes back to")
        verbatim("\n".join(callback_urls) + "\n")
