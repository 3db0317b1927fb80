"""Rules of querying an object: by which field changes are read, with which filter, by which API."""

from collections.abc import Mapping, Sequence

from orgsync.errors import FieldNotFound, FilterRequired, OrgsyncError, QueryRefused
from orgsync.records import Column, Schema
from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe
from orgsync.salesforce.errors.judge import with_remedy

from .object_facts import ObjectFacts

__all__ = [
    "advice",
    "cursor_of",
    "demands_filter",
    "filters_ids_alone",
    "instead_of_changes",
    "not_by_bulk",
    "optional_paths",
]

_CURSORS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
"""Fields that changes can be read by, best first: History objects have only CreatedDate, Share LastModifiedDate."""

_NOT_IN_BULK = frozenset({"base64", "json", "complexvalue"})

_DEMAND_FILTERS = frozenset(
    """announcement apptabmember collaborationgrouprecord colordefinition contentdocumentlink contentfolderitem
    contentfoldermember datastatistics entityparticle fielddefinition fieldhistoryarchive flexqueueitem
    flowvariableview flowversionview icondefinition ideacomment networkuserhistoryrecent ownerchangeoptioninfo
    picklistvalueinfo platformaction recordactionhistory relationshipdomain relationshipinfo searchlayout sitedetail
    userentityaccess userfieldaccess vote""".split()  # noqa: SIM905 # one a line would fill a page
)
"""Objects that Salesforce refuses to query without a certain filter, as collected from other connectors."""


def cursor_of(described: ObjectDescribe) -> str:
    """Return the field that an object's changes can be read by: one that can be filtered and sorted; "" for none."""
    fields = (described.field(name) for name in _CURSORS)
    return next((each.name for each in fields if each and each.filterable and each.sortable), "")


def demands_filter(sobject: str) -> bool:
    """Return whether an object is known to require a certain filter."""
    return sobject.lower() in _DEMAND_FILTERS


def filters_ids_alone(sobject: str) -> bool:
    """Return whether an object takes no other filter than one by Ids, so not IsDeleted either."""
    return sobject.lower() == "contentdocumentlink"


def instead_of_changes(sobject: str, model: str) -> str:
    """Return how to read an object without a field for its changes; big objects return no rows without a filter."""
    if sobject.lower().endswith("__b"):
        return f'Query it by its index: yield Batch({model}, [row async for row in ctx.query("SELECT ... WHERE ...")]).'
    return f"Read all of it: ctx.snapshot({model})."


def advice(problem: OrgsyncError, schema: Schema, where: str | None) -> OrgsyncError:
    """Add to a query's refusal what the author of the sync can do about it; return other errors unchanged."""
    name = schema.model.__name__
    if isinstance(problem, QueryRefused) and not isinstance(problem, FilterRequired):
        remedy = f"Check the where= that is given with {name}; orgsync wrote the rest of the query."
        return with_remedy(problem, remedy) if where else problem
    if not isinstance(problem, FilterRequired):
        return problem
    return FilterRequired(
        f"{schema.sobject} can only be queried with a certain filter. {problem.cause}",
        f"Add the filter that the message names: ctx.snapshot({name}, where=...), or ctx.changes({name}, where=...).",
    )


def not_by_bulk(
    columns: Sequence[Column],
    fields: Mapping[str, FieldDescribe | None],
    compounds: Mapping[str, Mapping[str, str] | None],
) -> str:
    """Return which field Bulk cannot read, or writes in another notation; "" if it can read all of them."""
    for column in columns:
        each = fields[column.path]
        kind = "" if each is None else each.type
        if kind == "anyType":
            return f"{column.path} has values of any type, which it writes differently"
        if column.type is list or kind in _NOT_IN_BULK or compounds[column.path] == {}:
            return f"{column.path} cannot be read by it"
    return ""


def optional_paths(schema: Schema, problem: Exception, facts: ObjectFacts | None) -> set[str]:
    """Return the paths of optional fields of parents for which a query was refused, if no describe contains them.

    A parent that may be of several kinds has only the fields that all kinds share.
    """
    if facts is None or not isinstance(problem, FieldNotFound):
        return set()
    names = {column.path for column in schema.org_fields if column.optional and column.path in facts.undescribed}
    return {path for path in names if path.rpartition(".")[2].lower() == problem.field.lower()}
