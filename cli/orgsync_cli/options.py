"""Options that several commands have; each command says in its own words what they do there."""

from typing import Annotated, Any

import typer

from .completion import connection_names, tag_names

__all__ = ["AsJson", "connection_option", "tag_option"]

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]


def connection_option(text: str) -> Any:
    """Return --connection, or -c, with this help."""
    return typer.Option("--connection", "-c", metavar="NAME", help=text, autocompletion=connection_names)


def tag_option(text: str) -> Any:
    """Return --tag, which chooses connections, with this help."""
    return typer.Option("--tag", metavar="TAG", help=text, autocompletion=tag_names)
