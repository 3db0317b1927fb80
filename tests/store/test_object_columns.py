"""The columns of objects without a class: given once, whoever asks at the same time."""

from collections.abc import Sequence
from functools import partial

import anyio

from orgsync.store import ObjectColumn, Store


def column(name: str, field: str) -> ObjectColumn:
    return ObjectColumn(record_table="invoice", column=name, field=field, kind="str")


def next_free(field: str, known: Sequence[ObjectColumn]) -> Sequence[ObjectColumn]:
    return [] if any(each.field == field for each in known) else [column(f"level_{len(known)}", field)]


async def test_two_that_ask_at_once_never_get_the_same_column(store: Store) -> None:
    async with anyio.create_task_group() as both:
        for number in range(8):
            both.start_soon(store.object_columns.settle, "invoice", partial(next_free, f"ns{number}__Level__c"))
    found = await store.object_columns.list("INVOICE")
    assert [each.column for each in found] == [f"level_{number}" for number in range(8)]
    assert {each.field for each in found} == {f"ns{number}__Level__c" for number in range(8)}


async def test_what_is_there_is_returned_apart_from_what_is_new(store: Store) -> None:
    had, new = await store.object_columns.settle("invoice", lambda _: [column("level", "Level__c")])
    assert (list(had), [each.column for each in new]) == ([], ["level"])
    had, new = await store.object_columns.settle("invoice", lambda _: [])
    assert ([(each.column, each.field, each.kind) for each in had], list(new)) == ([("level", "Level__c", "str")], [])
    assert not await store.object_columns.list("other")
