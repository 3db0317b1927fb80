"""What the shell offers at a press of Tab: connections and their tags, syncs, record tables and their columns.

What cannot be read is not offered: a completion that fails must not write over the line that is being typed.
"""

from contextlib import suppress

import typer

from .commands import open_view
from .output import results_alone_on_stdout

__all__ = [
    "action_names",
    "argument_names",
    "column_names",
    "connection_names",
    "mapped_names",
    "object_names",
    "sync_names",
    "table_names",
    "tag_names",
]


def connection_names(incomplete: str) -> list[str]:
    """Offer the project's connections."""
    with suppress(Exception), open_view() as view:
        return [each.name for each in view.connections() if each.name.startswith(incomplete)]
    return []


def tag_names(incomplete: str) -> list[str]:
    """Offer the tags that connections have."""
    with suppress(Exception), open_view() as view:
        return sorted({tag for each in view.connections() for tag in each.tags if tag.startswith(incomplete)})
    return []


def mapped_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the columns that are mapped on the connection that was named."""
    with suppress(Exception), open_view() as view:
        name = ctx.params["name"] or ctx.args[0]  # as in `column_names`
        return [each for each in view.connection(name).mapping if each.startswith(incomplete)]
    return []


def sync_names(incomplete: str) -> list[str]:
    """Offer the syncs that there are."""
    from orgsync.project.syncs import names_of
    from orgsync.settings import load_settings

    with suppress(Exception), results_alone_on_stdout():
        return [name for name in names_of(load_settings()) if name.startswith(incomplete)]
    return []


def object_names(incomplete: str) -> list[str]:
    """Offer the objects that the settings name, and those that have been copied without a script."""
    from orgsync.settings import load_settings

    names = set[str]()
    with suppress(Exception):
        names |= {each.name for each in load_settings().objects}
    with suppress(Exception), open_view() as view:
        names |= view.objects()
    return sorted(name for name in names if name.startswith(incomplete))


def action_names(incomplete: str) -> list[str]:
    """Offer the actions that there are."""
    from orgsync.project.actions import listed_actions
    from orgsync.settings import load_settings

    with suppress(Exception), results_alone_on_stdout():
        return [each.name for each in listed_actions(load_settings()) if each.name.startswith(incomplete)]
    return []


def argument_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the parameters of the action that was named."""
    from orgsync.project.actions import listed_actions
    from orgsync.settings import load_settings

    with suppress(Exception), results_alone_on_stdout():
        named = next(each for each in listed_actions(load_settings()) if each.name == ctx.params["action"])
        return [f"{each.name}=" for each in named.parameters if each.name.startswith(incomplete)]
    return []


def table_names(incomplete: str) -> list[str]:
    """Offer the record tables of the copy."""
    with suppress(Exception), open_view() as view:
        return [each for each in view.tables() if each.startswith(incomplete)]
    return []


def column_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the columns of the table that was named, behind those that were chosen already."""
    *chosen, last = incomplete.split(",")
    before = "".join(f"{name}," for name in chosen)
    with suppress(Exception), open_view() as view:
        model = ctx.params["model"] or ctx.args[0]  # an option without its value yet leaves the words unread
        columns = view.columns(view.table(model))
        return [f"{before}{name}" for name in columns if name.startswith(last) and name not in chosen]
    return []
