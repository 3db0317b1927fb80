"""What a demo org holds, in the form that the store keeps: the rows that a sync must bring which changes none."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, TypeVar, cast

from orgsync.demo_org import DemoOrg
from orgsync.demo_org.fields import Field, SObject
from orgsync.demo_org.objects import NAME
from orgsync.demo_org.render import encode
from orgsync.extract import Api
from orgsync.records import Batch, FieldFacts, Record, Schema, decode, masked, schema_of
from orgsync.scripts import Context, Sync

__all__ = ["passed_on", "rows_of"]

R = TypeVar("R", bound=Record)
_Found = Mapping[str, Any]


async def passed_on(sync: Sync[Record], ctx: Context) -> Schema | None:
    """Return the schema whose rows a sync yields exactly as `ctx.changes` or `ctx.snapshot` reads them, if any."""
    watched = _Watched(ctx)
    batches = sync(watched)
    await cast("_Closeable", batches).aclose()
    return next((schema for whole, schema in watched.whole if whole is batches), None)


class _Closeable(Protocol):
    async def aclose(self) -> None: ...


class _Watched(Context):
    """A context that notes which batches hold all rows of a record class."""

    def __init__(self, watched: Context) -> None:
        self.__dict__.update(watched.__dict__)
        self.whole: list[tuple[AsyncIterator[Batch[Record]], Schema]] = []

    def changes(
        self, model: type[R], *, where: str | None = None, api: Api | None = None, **binds: object
    ) -> AsyncIterator[Batch[R]]:
        """Do as the context does."""
        return self._noted(model, where, super().changes(model, where=where, api=api, **binds))

    def snapshot(
        self,
        model: type[R],
        *,
        where: str | None = None,
        api: Api | None = None,
        allow_mass_deletion: bool = False,
        **binds: object,
    ) -> AsyncIterator[Batch[R]]:
        """Do as the context does."""
        batches = super().snapshot(model, where=where, api=api, allow_mass_deletion=allow_mass_deletion, **binds)
        return self._noted(model, where, batches)

    def _noted(
        self, model: type[R], where: str | None, batches: AsyncIterator[Batch[R]]
    ) -> AsyncIterator[Batch[R]]:  # fmt: skip
        if where is None:
            self.whole.append((batches, schema_of(model)))
        return batches


def rows_of(org: DemoOrg, schema: Schema, masking_key: bytes) -> dict[str, dict[str, Any]]:
    """Return an object's live rows by Id, as the copy must hold them."""
    known = {each.name.lower(): each for each in org.objects()}
    sobject = known[schema.sobject.lower()]
    cursor = sobject.cursor or "SystemModstamp"
    lacking = [] if sobject.cursor else ["SystemModstamp"]
    absent = lacking if sobject.has_recycle_bin else [*lacking, "IsDeleted"]
    reader = _Reader(org, known, {})
    paths = [cursor if path == "SystemModstamp" else path for path in schema.paths() if path not in absent]
    records = [_nested({path: reader.value(sobject, row, path) for path in paths}) for row in org.rows(sobject.name)]
    json_columns = [column.name for column in schema.columns if column.type in (dict, list)]
    made: dict[str, dict[str, Any]] = {}
    for row in masked(schema, decode(schema, records, FieldFacts(cursor=cursor, absent=absent)), masking_key):
        values: dict[str, Any] = {column.name: value for column, value in zip(schema.columns, row, strict=True)}
        values.update({name: json.loads(values[name]) for name in json_columns if values[name] is not None})
        made[values["id"]] = values
    return made


class _Reader:
    """Reads fields by their paths, with each object's rows looked up once."""

    def __init__(self, org: DemoOrg, known: Mapping[str, SObject], rows: dict[str, dict[str, _Found]]) -> None:
        self._org = org
        self._known = known
        self._rows = rows

    def value(self, sobject: SObject, row: _Found, path: str) -> object:
        """Read a field as REST writes it; a parent that is null has null fields."""
        *parents, name = path.split(".")
        for parent in parents:
            reference = next(each for each in sobject.fields if (each.relationship or "").lower() == parent.lower())
            pointed = str(row[reference.name])
            holder = self._holder(reference, pointed)
            found = self._table(holder.name).get(pointed) if holder else None
            if holder is None or found is None:
                return None
            sobject, row = (NAME, _shared(holder, found)) if reference.kinds else (holder, found)
        return encode(next(value for key, value in row.items() if key.lower() == name.lower()))

    def _holder(self, reference: Field, record_id: str) -> SObject | None:
        """Return the object whose rows a reference points to; one to several objects has it in the Id."""
        if not reference.kinds:
            return self._known[(reference.refers_to or "").lower()]
        return next((each for each in self._known.values() if each.prefix and record_id.startswith(each.prefix)), None)

    def _table(self, sobject: str) -> dict[str, _Found]:
        if sobject not in self._rows:
            self._rows[sobject] = {str(row["Id"]): row for row in self._org.rows(sobject, deleted=True)}
        return self._rows[sobject]


def _shared(sobject: SObject, row: _Found) -> _Found:
    """Return a row as a reference to several objects shows it: its name, its kind, and what all kinds have."""
    named = next((each.name for each in sobject.fields if each.name_field), "Name")
    return {**{each.name: row.get(each.name) for each in NAME.fields}, "Name": row.get(named), "Type": sobject.name}


def _nested(flat: Mapping[str, object]) -> dict[str, Any]:
    """Return a row with its parents' fields nested as in the response to a query."""
    record: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, name = path.split(".")
        below = record
        for parent in parents:
            below = below.setdefault(parent, {})
        below[name] = value
    return record
