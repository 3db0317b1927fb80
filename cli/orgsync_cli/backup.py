"""`orgsync backup`: a consistent copy of the database, made while syncs run."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .output import examples, json_line, result, say, short_path, size_text
from .signals import ended_by_sigterm

__all__ = ["EXAMPLES", "backup"]

EXAMPLES = examples(
    "orgsync backup /backups/orgsync.db",
    'orgsync backup "/backups/orgsync-$(date +%F).db"     one for each day',
    "orgsync backup /backups/orgsync.db --overwrite        the same file every time",
)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it, outside of .orgsync.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Copy the database to a file: one state of all of it, while syncs run, which neither wait nor are waited for.

    The file is checked, is whole or not there, and can be read by its owner alone. Credentials in it are encrypted; the
    key to them, .orgsync/key or ORGSYNC_KEY, is not in it. To restore it, see the how-to page on backups.
    """
    from orgsync.project.backup import back_up
    from orgsync.settings import load_settings

    settings = load_settings()
    with ended_by_sigterm(), _progress(show=not as_json) as progress:
        made = back_up(file, settings, overwrite=overwrite, progress=progress)
    if as_json:
        json_line({"file": str(made.path), "bytes": made.size})
        return
    result(f"The database is in {short_path(made.path.absolute())} ({size_text(made.size)}).")
    if settings.key is None:
        say(f"Its credentials need the key {short_path(settings.folder / 'key')}: keep a copy of that elsewhere.")


@contextmanager
def _progress(*, show: bool) -> Generator[Callable[[int, int], None]]:
    """Show how far the copy is on stderr, if that is a terminal; yields what is told."""
    if not show or not sys.stderr.isatty():
        yield lambda _copied, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("copying"), BarColumn(bar_width=20), TaskProgressColumn())
    bars = Progress(*columns, console=Console(stderr=True, highlight=False), transient=True)
    task = bars.add_task("copying")

    def show_copied(copied: int, total: int) -> None:
        bars.start()  # not before something is copied: what is refused has no progress
        bars.update(task, completed=copied, total=total)

    try:
        yield show_copied
    finally:
        bars.stop()
