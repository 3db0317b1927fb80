"""Field mappings of connections: names checked against record classes, fields against the org."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar, cast

from orgsync.engine import Resources
from orgsync.errors import AccessRefused, LimitReached, MappingInvalid, SignInNeeded, TransientProblem
from orgsync.extract.field_types import misfits
from orgsync.extract.inspection import inspect
from orgsync.field_mapping import MappedColumn, mapping_as_json, mapping_as_text, mapping_from_json
from orgsync.records import Record, Schema, is_path, mapped, require_mappable, schema_of
from orgsync.salesforce.api.client import Client
from orgsync.scripts import open_client
from orgsync.settings import Settings
from orgsync.store import Connection

from .access import access_to
from .mapped_classes import MappableClasses

__all__ = ["FieldMapping", "change_mapping", "resolved"]

R = TypeVar("R", bound=Record)

Fields: TypeAlias = str | Sequence[str] | None
FieldMapping: TypeAlias = Mapping[str, Fields] | Mapping[type[R], Mapping[str, Fields]]
"""Fields by column: `{"Contact.level": "Tier__c"}`, or by class, `{Contact: {"level": "Tier__c"}}`.

None in place of a field takes the mapping of a column away.
"""

_NO_ANSWER = (SignInNeeded, LimitReached, TransientProblem, AccessRefused)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A mapping whose names are known: what is mapped, and of which classes.

    `removed` are the columns that are mapped no more, by class or table: their scripts may be gone as well.
    """

    schemas: Sequence[Schema]
    columns: Sequence[MappedColumn]
    removed: Sequence[tuple[str, str]]

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The mapping alone, as the store keeps it."""
        return mapping_as_json(self.columns)

    def applied_to(self, name: str, before: Sequence[MappedColumn]) -> list[MappedColumn]:
        """Return a connection's mapping with these changes; raise MappingInvalid for what is not mapped there."""
        gone = {each.key for each in self.columns}
        for owner, column in self.removed:
            same = [each for each in before if each.column == column and owner.lower() == each.table.lower()]
            same = same or [each for each in before if (each.model, each.column) == (owner, column)]
            if len(same) != 1:
                raise _not_mapped(name, f"{owner}.{column}", mapping_as_text(same or before), several=bool(same))
            gone.add(same[0].key)
        return [*(each for each in before if each.key not in gone), *self.columns]


def resolved(given: FieldMapping[R], settings: Settings) -> Resolved:
    """Find the classes and columns that a mapping names.

    Raises MappingInvalid for a class or a column that no script has, with the nearest, and for what is no field.
    """
    named: MappableClasses | None = None
    schemas: dict[str, Schema] = {}
    columns: dict[tuple[str, str], MappedColumn] = {}
    removed: list[tuple[str, str]] = []
    for owner, column, fields in _pairs(given):
        if fields is None:
            removed.append((owner if isinstance(owner, str) else schema_of(owner).table, column))
            continue
        if isinstance(owner, str):
            named = named or MappableClasses.of(settings)
            schema = named.find(owner, column)
        else:
            schema = schema_of(owner)
        of_class = f"{schema.model.__name__}.{column}"
        one = MappedColumn(schema.model.__name__, schema.table, column, _fields(of_class, fields))
        require_mappable(schema, one)
        if one.key in columns:
            raise MappingInvalid(f"{of_class} is mapped twice.", "Name each column once.")
        columns[one.key], schemas[schema.table.lower()] = one, schema
    return Resolved([*schemas.values()], [*columns.values()], removed)


async def change_mapping(project: Resources, name: str, given: FieldMapping[R]) -> tuple[Connection, str]:
    """Change a connection's mapping: what is given is added, None takes away, all else stays.

    Raises MappingInvalid for names that do not exist and for types that do not fit, and FieldNotFound for fields that
    the org does not have. Where the org cannot be asked, the mapping is kept, and the second value says why.
    """
    found = resolved(given, project.settings)
    connection = await project.store.connections.get(name)
    changed = mapping_as_json(found.applied_to(name, mapping_from_json(connection.mapping)))
    unchecked = ""
    try:
        client = open_client(connection, **access_to(name, project))
        await _require_fields(client, found)
    except _NO_ANSWER as problem:
        unchecked = f"The mapping is kept, but its fields were not compared with the org's. {problem.cause}"
    return await project.store.connections.update(name, mapping=changed), unchecked


async def _require_fields(client: Client, found: Resolved) -> None:
    """Compare the mapped columns with the org: each field exists, the user sees it, and its type fits."""
    for schema in found.schemas:
        read = mapped(schema, found.columns)
        required = [replace(each, optional=False) for each in read.fields if each.mapped]
        alone = replace(read, columns=(*read.columns[:3], *required))
        inspection = await inspect(client, alone, None, _ignore)
        for misfit in misfits(alone, inspection.fields):
            raise misfit


def _not_mapped(name: str, column: str, there: Iterable[str], *, several: bool) -> MappingInvalid:
    if several:
        return MappingInvalid(f"{column} is several columns on {name}.", f"Name one of them: {', '.join(there)}.")
    known = ", ".join(there)
    return MappingInvalid(
        f"{column} is not mapped on {name}.", f"Mapped there: {known}." if known else "Nothing is mapped there."
    )


def _pairs(given: FieldMapping[R]) -> Iterator[tuple[str | type[Record], str, Any]]:
    """Yield each class, or its name, with a column and what fills it."""
    for key, value in cast("Mapping[Any, Any]", given).items():
        if isinstance(key, type) and isinstance(value, Mapping):
            for column, fields in cast("Mapping[str, Any]", value).items():
                yield key, column, fields
            continue
        owner, dot, column = key.partition(".") if isinstance(key, str) else ("", "", "")
        if not owner or not dot or not column or "." in column:
            raise MappingInvalid(
                f"{key!r} is not a column of a record class.", "Write class and column: Contact.level=Tier__c."
            )
        yield owner, column, value


def _fields(column: str, given: Any) -> tuple[str, ...]:
    """Return the fields that are named, one or several; raise MappingInvalid for what is no field."""
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, Sequence):
        raise MappingInvalid(f"{column} is mapped to something that is not a field.", 'Give its name: "Tier__c".')
    fields = [each.strip() if isinstance(each, str) else each for each in cast("Sequence[object]", names)]
    for field in fields:
        if not isinstance(field, str) or not is_path(field):
            raise MappingInvalid(
                f"{column} is mapped to {field!r}, which is not the name of a field.",
                "Write the field as Salesforce does: Tier__c, or through a parent, Account.Tier__c.",
            )
    return tuple(cast("list[str]", fields))


def _ignore(_: str) -> None:
    """Do nothing: what an object's condition or parents would be warned of is for its runs."""
