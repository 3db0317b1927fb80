"""What an inspection has read of an org's schema, reported to whoever keeps it: it costs no call of its own."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from orgsync.errors import ObjectNotFound, OrgsyncError
from orgsync.records import Schema
from orgsync.salesforce.api.describe import ObjectDescribe

from .inspection import inspect
from .object_facts import ObjectFacts
from .source import Source

__all__ = ["facts_reported", "fields_read"]


async def facts_reported(
    source: Source, schema: Schema, where: str | None, *, without: Collection[str] = ()
) -> ObjectFacts:
    """Determine an object's facts as `inspect` does, and report the describes also where a field is missing."""
    described: dict[str, ObjectDescribe] = {}
    try:
        found = await inspect(source.client, schema, where, source.warn, without=without, described=described)
    except OrgsyncError as problem:
        missing = isinstance(problem, ObjectNotFound) and not described
        await source.report_described(schema, {schema.sobject: None} if missing else described)
        raise
    await source.report_described(schema, described)
    return found.facts


def fields_read(schema: Schema, described: Mapping[str, ObjectDescribe | None]) -> Mapping[str, Sequence[str]]:
    """Return the fields that a class reads of each described object, those too that lead to its parents.

    Fields that the object does not have are among them: they may come.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    own = next((each for name, each in described.items() if name.lower() == schema.sobject.lower()), None)
    for column in schema.org_fields:
        holder = own
        *relationships, last = column.path.split(".")
        for each in relationships:
            reference = holder.parent(each) if holder else None
            if holder and reference:
                found[holder.name].add(reference.name)
            single = reference is not None and len(reference.refers_to) == 1
            holder = described.get(reference.refers_to[0]) if reference and single else None
        if holder:
            spelled = holder.field(last)
            found[holder.name].add(spelled.name if spelled else last)
    return {name: sorted(fields) for name, fields in found.items()}
