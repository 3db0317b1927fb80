"""Options that several commands have; each command says in its own words what they do there."""

from typing import Any

import typer

from .completion import connection_names, tag_names

__all__ = ["connection_option", "tag_option"]


def connection_option(text: str) -> Any:
    """Return --connection, or -c, with this help."""
    return typer.Option("--connection", "-c", metavar="NAME", help=text, autocompletion=connection_names)


def tag_option(text: str) -> Any:
    """Return --tag, which chooses connections, with this help."""
    return typer.Option("--tag", metavar="TAG", help=text, autocompletion=tag_names)
