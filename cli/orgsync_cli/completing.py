"""What the shell offers at a press of Tab: connections and syncs by name."""

from contextlib import suppress

__all__ = ["connection_names", "sync_names"]


def connection_names(incomplete: str) -> list[str]:
    """Offer the project's connections; nothing where they cannot be read."""
    import anyio

    from orgsync.application import connections
    from orgsync.settings import load_settings

    with suppress(Exception):  # a completion that fails must not write over the line that is being typed
        if load_settings().folder.is_dir():
            return [each.name for each in anyio.run(connections.list) if each.name.startswith(incomplete)]
    return []


def sync_names(incomplete: str) -> list[str]:
    """Offer the syncs that there are; nothing where they cannot be read."""
    from orgsync.discovery import list_syncs
    from orgsync.settings import load_settings

    with suppress(Exception):
        found = list_syncs(load_settings().syncs_folder)
        return [each.name for each in found if each.name.startswith(incomplete)]
    return []
