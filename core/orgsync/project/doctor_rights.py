"""Checks of what the database's role may do: a right that is missing shows as soon as a table is made or changed."""

from orgsync.errors import StoreUnavailable
from orgsync.settings import Settings
from orgsync.store.backends import missing_rights

from .doctor_syncs import Finding

__all__ = ["check_rights"]


def check_rights(settings: Settings) -> Finding | None:
    """Return which rights are missing, with the statements for an administrator; None where none is.

    Raises StoreUnavailable for a database that cannot be used.
    """
    missing = missing_rights(settings.store_url)
    if missing is None or not missing.script:
        return None
    about = "rights in the database"
    if missing.tables:
        cause = f"The role of {settings.shown_store_url} lacks rights to make orgsync's tables, or to change them."
        return Finding(about, "", StoreUnavailable(cause, f"Let an administrator run there: {missing.script}"))
    need = " and ".join([*(["Workers"] if missing.workers else []), *(["dry runs"] if missing.dry_runs else [])])
    note = f"{need[0].upper()}{need[1:]} need more; let an administrator run there: {missing.optional}"
    return Finding(about, "enough for the tables of syncs", note=note)
