"""Objects that are run by hand, by their API names."""

from orgsync.errors import NameTaken, SignInNeeded
from orgsync.object_entry import ObjectEntry
from orgsync.scripts.object_fields import described_object
from orgsync.scripts.object_plan import PlannedObject, written_by_script
from orgsync.scripts.object_sync import ObjectSync, planned_sync
from orgsync.scripts.survey import own_syncs
from orgsync.settings import PROJECT_FILE
from orgsync.store.ownership import owner_of

from .project import Project

__all__ = ["sync_of_object"]


async def sync_of_object(project: Project, name: str, connection: str) -> ObjectSync:
    """Return the sync of an object, in whichever case its name is written: as the settings name it, or all of it.

    The connection's org is asked for Salesforce's own spelling, unless settings or the database have the name already.
    Raises NameUnknown for an object that the org does not show (with the nearest that it does), and NameTaken where
    another sync writes the table that it would be kept in.
    """
    settings, owners = project.settings, await project.store.rows.owners()
    known = {each.name.lower(): each for each in settings.objects}
    entry = known.get(name.lower())
    if entry is None:
        spelled = name if name in owners.values() else await _spelled(project, name, connection)
        entry = ObjectEntry(name=spelled)
    owner = owner_of(entry.kept_in, owners)
    if owner not in (None, entry.name):
        raise NameTaken(
            f"The table {entry.kept_in}, which {entry.name} would be kept in, belongs to the sync {owner}.",
            f"Run it: orgsync run {owner}. Or give the object a table of its own in {PROJECT_FILE}: [[objects]] with "
            f'name = "{entry.name}" and table = "...".',
        )
    for each in own_syncs(settings.syncs_folder):
        if owner is None and entry.kept_in in each.tables:
            raise written_by_script(entry, each.name, each.where)
    return planned_sync(PlannedObject.of(entry))


async def _spelled(project: Project, name: str, connection: str) -> str:
    """Return the name of an object as Salesforce writes it."""
    found = await project.store.connections.get(connection)
    if found.status == "needs sign-in":
        raise SignInNeeded.again(found.name, found.status_reason)
    return (await described_object(project.open_client(found), name)).name
