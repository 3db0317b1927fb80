"""`orgsync cassettes`: look into cassettes for what must not be there."""

from pathlib import Path
from typing import Annotated

import typer

from orgsync.printable import counted

from .commands import Program, enter_project
from .help_text import PlainCommand
from .output import examples, json_line, result, say, short_path

__all__ = ["EXAMPLES", "app"]

EXAMPLES = examples(
    "orgsync cassettes check                  all of cassettes/",
    "orgsync cassettes check shared/*.yaml    these",
    "orgsync cassettes check --json           one object per finding, for CI",
)

app = Program(rich_markup_mode=None, no_args_is_help=True, epilog=EXAMPLES)


@app.callback()
def cassettes() -> None:
    """Look into cassettes for what must not be there."""


@app.command(cls=PlainCommand, epilog=EXAMPLES)
def check(
    path: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files and folders; cassettes/ if none.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per finding, for programs.")] = False,
) -> None:
    """Find what scrubbing has missed: secrets, hosts, ids, personal data.

    Shows the step and the place of each finding, never its value. Exit code: 0 nothing found, 1 something, 2 a file
    that is not a cassette. Run it in CI, and before you commit a cassette that was edited by hand.
    """
    from orgsync.cassettes import leaks, read_cassette
    from orgsync.settings import load_settings

    if not path:
        enter_project()
    settings = load_settings()
    files = _files(path or [settings.project / "cassettes"])
    found = 0
    for file in files:
        for leak in leaks(read_cassette(file).interactions, fields=settings.scrub):
            if as_json:
                json_line({"file": str(file), "step": leak.step, "where": leak.where, "what": leak.what})
            else:
                result(f"{short_path(file)}, step {leak.step}, {leak.where}: {leak.what}")
            found += 1
    say(f"{counted(len(files), 'cassette')} checked, {counted(found, 'finding') if found else 'nothing found'}.")
    raise typer.Exit(1 if found else 0)


def _files(paths: list[Path]) -> list[Path]:
    """Return the files that are meant; raises FileUnusable for a path that does not exist."""
    from orgsync.errors import FileUnusable
    from orgsync.suggest import path_remedy

    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")])
        elif path.is_file():
            files.append(path)
        else:
            raise FileUnusable(
                f"{path} does not exist.", path_remedy(path, otherwise="Name a cassette or a folder of cassettes.")
            )
    return files
