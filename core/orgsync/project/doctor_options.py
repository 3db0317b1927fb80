"""Checks of what is set for syncs on a connection: metadata that a run would refuse, and what no sync looks at."""

from collections.abc import Iterator, Sequence

from orgsync.errors import MetadataInvalid
from orgsync.scripts.discovery import DiscoveredSync
from orgsync.scripts.metadata import fitted
from orgsync.store import Connection
from orgsync.store.view import ScheduleRow
from orgsync.suggest import nearest

from .doctor_syncs import Finding

__all__ = ["check_options"]

_BUDGET = "contents_budget"


def check_options(
    connection: Connection, used: Sequence[DiscoveredSync], found: Sequence[DiscoveredSync], rows: Sequence[ScheduleRow]
) -> Iterator[Finding]:
    """Yield findings on a connection's metadata and schedules.

    `used` are the syncs that run here, `found` all that there are, `rows` the schedules that are set.
    """
    yield from _metadata(connection, used, {row.sync for row in rows if row.off and row.connection == connection.name})
    if any(each.sync is None for each in found):
        return  # a script that does not load may have what seems to be gone
    names = {each.name for each in found}
    for row in rows:
        if row.connection == connection.name and row.sync not in names:
            remove = f"orgsync schedule {row.sync} -c {row.connection} --default"
            note = f"{row.sync} has a schedule here, and no script has a sync of this name. To remove it: {remove}"
            yield Finding(f"{connection.name}: schedule", "", note=note)


def _metadata(connection: Connection, used: Sequence[DiscoveredSync], off: set[str]) -> Iterator[Finding]:
    about, known = f"{connection.name}: metadata", {_BUDGET}
    for each in used:
        model = each.sync.metadata if each.sync else None
        if model is None or each.name in off:
            continue
        known.update(field.alias or name for name, field in model.model_fields.items())
        try:
            fitted(model, connection.metadata_, connection=connection.name, sync=each.name)
        except MetadataInvalid as problem:
            yield Finding(about, "", problem)
    for key in connection.metadata_:
        near = None if key in known else nearest(key, sorted(known.difference(connection.metadata_)))
        if near:
            yield Finding(about, "", note=f"No sync has declared that it reads {key}. Did you mean {near}?")
