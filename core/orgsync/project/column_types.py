"""What Python types the columns of a record table have: the database keeps instants and times of day as texts."""

from collections.abc import Mapping

from orgsync.errors import NameUnknown
from orgsync.settings import Settings
from orgsync.store.view import View

__all__ = ["python_types"]


def python_types(view: View, table: str, settings: Settings) -> Mapping[str, str]:
    """Return the names of the Python types of a table's columns, as its record class declares them.

    They are known from the last run where it read an org, otherwise from the script of the sync that the table belongs
    to; none where that script no longer exists. Raises ScriptNotLoaded for a script that cannot be imported.
    """
    stored = view.stored_types(table)
    owner = view.owners().get(table)
    if stored or owner is None:
        return stored
    from orgsync.records import schema_of
    from orgsync.scripts.discovery import find_sync

    try:
        sync = find_sync(owner, settings.syncs_folder)
    except NameUnknown:
        return {}
    schemas = [schema_of(model) for model in sync.models]
    return {
        column.name: column.type.__name__ for schema in schemas if schema.table == table for column in schema.columns
    }
