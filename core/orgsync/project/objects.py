"""Objects that are run by hand, by their API names."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orgsync.errors import ArgumentInvalid, NameTaken, SignInNeeded
from orgsync.object_entry import ObjectEntry, is_object_name
from orgsync.object_names import object_table
from orgsync.records import Record
from orgsync.salesforce.api.client import Client
from orgsync.scripts.object_fields import copied_fields, described_object
from orgsync.scripts.object_model import columns_of_object, missing_columns, object_model
from orgsync.scripts.object_plan import PlannedObject, planned_objects, written_by_script
from orgsync.scripts.object_sync import ObjectSync, condition_for, described_entry, planned_sync
from orgsync.scripts.survey import own_syncs
from orgsync.settings import PROJECT_FILE
from orgsync.store import Store
from orgsync.store.ownership import owner_of

if TYPE_CHECKING:
    from .project import Project

__all__ = ["model_of_object", "sync_of_object"]


async def sync_of_object(project: "Project", name: str, connection: str) -> ObjectSync:
    """Return the sync of an object, in whichever case its name is written: as the settings name it, or all of it.

    The connection's org is asked for Salesforce's own spelling, unless settings or the database have the name already.
    Raises ArgumentInvalid for what is no name, NameUnknown for an object that the org does not show (with the nearest
    that it does), and NameTaken where another sync writes the table that it would be kept in.
    """
    if not is_object_name(name):
        raise ArgumentInvalid(f"{name!r} is not the name of an object.", "Write its API name: --object Invoice__c.")
    settings, owners = project.settings, await project.store.rows.owners()
    named = [each.entry for each in planned_objects(settings.objects)]
    entry = next((each for each in named if each.name.lower() == name.lower()), None)
    if entry is None:
        is_known = await _is_known(project, name, owners)
        entry = ObjectEntry(name=name if is_known else await _spelled(project, name, connection))
    owner = owner_of(entry.kept_in, owners)
    if owner not in (None, entry.name):
        raise NameTaken(
            f"The table {entry.kept_in}, which {entry.name} would be kept in, belongs to the sync {owner}.",
            f"Run it: orgsync run {owner}. Or give the object a table of its own in {PROJECT_FILE}: [[objects]] with "
            f'name = "{entry.name}" and table = "...".',
        )
    for each in own_syncs(settings.syncs_folder):
        if each.name == entry.name:
            raise NameTaken(
                f"{each.where} has a sync called {entry.name} already.",
                f"Run it: orgsync run {entry.name}. Or give it another name: @sync(name=...).",
            )
        if owner is None and entry.kept_in in each.tables:
            raise written_by_script(entry, each.name, each.where)
    return planned_sync(PlannedObject.of(entry))


async def _is_known(project: "Project", name: str, owners: Mapping[str, str]) -> bool:
    """Return whether an object of this name has been copied without a script."""
    table = object_table(name)
    return owner_of(table, owners) == name and bool(await project.store.object_columns.list(table))


async def _spelled(project: "Project", name: str, connection: str) -> str:
    """Return the name of an object as Salesforce writes it."""
    found = await project.store.connections.get(connection)
    if found.status == "needs sign-in":
        raise SignInNeeded.again(found.name, found.status_reason)
    return (await described_object(project.open_client(found), name)).name


async def model_of_object(client: Client, store: Store, copied: ObjectSync) -> tuple[type[Record], str | None]:
    """Return the record class that the next run would read on a connection that it never ran on, and the condition.

    Nothing is written. Raises NameUnknown for an object, a field or a field of the condition that the org does not
    show, and what else would end that run at once.
    """
    entry = copied.entry
    described = await described_entry(client, entry)
    condition = condition_for(described, entry)
    fields, known = copied_fields(described, entry.fields), await store.object_columns.list(entry.kept_in)
    known = [*known, *missing_columns(entry.kept_in, described, fields, known)]
    columns = columns_of_object(described, entry, fields, known, {})
    return object_model(described.name, entry.kept_in, columns), condition
