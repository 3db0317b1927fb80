"""Rows of which some come as the image of a table are written as they would be without it."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgsync.records import EncodedRows, Row, joined
from orgsync.records.encoded_rows import parts_of
from orgsync.store import Store
from orgsync.store.sqlite import row_image
from tests.store.contacts import CONTACT, contact, deliver, feed, names
from tests.store.running import Start
from tests.store.test_laws import ROWS

BATCHES = st.lists(st.lists(ROWS, max_size=6, unique_by=lambda row: row[0]), max_size=6)


def encoded(rows: list[Row], share: float) -> EncodedRows:
    parts = parts_of(CONTACT, rows, share, row_image.encode)
    assert parts is not None
    ids, content, size, others, nulls = parts
    contents = [(content, size)] if size else []
    return EncodedRows(ids, contents, others, nulls, lambda image: row_image.decode(CONTACT, image), lambda: None)


async def copy_of(store: Store, connection: str) -> list[dict[str, Any]]:
    columns = [column.name for column in CONTACT.columns]
    changes = store.rows.read("contact", changes=True, connection=connection)
    return [{name: row[name] for name in [*columns, "sync_change"]} async for row in changes]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BATCHES, st.sampled_from([0.3, 0.5, 1.0]))
async def test_a_copy_by_images_is_the_copy_by_values(
    store: Store, start: Start, batches: list[list[Row]], share: float
) -> None:
    by_values, by_images = f"values {uuid4()}", f"images {uuid4()}"
    for rows in batches:
        plain = await deliver(store, await start(connection=by_values), sorted(rows))
        assert await deliver(store, await start(connection=by_images), encoded(rows, share)) == plain
    if any(batches):  # there is a table
        assert await copy_of(store, by_images) == await copy_of(store, by_values)


async def test_each_row_of_an_image_has_a_number_of_its_own(store: Store, start: Start) -> None:
    rows = [contact(key, deleted=key == "b") for key in "cabd"]
    run = await start()
    await deliver(store, run, [contact("b")])
    await deliver(store, run, encoded(rows, 0.5))
    await deliver(store, run, joined(encoded([contact("e"), contact("f")], 1.0), encoded([contact("g")], 1.0)) or ())
    numbers = [number for _, _, number in await feed(store)]
    assert len(set(numbers)) == len(numbers) == 7
    assert [key for key, _, _ in await feed(store, after=1)] == ["a", "c", "d", "b", "e", "f", "g"]


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
async def test_what_no_copy_keeps_is_replaced_in_rows_beside_an_image(store: Store, start: Start, name: str) -> None:
    together = joined([contact("a", name=name)], encoded([contact("b"), contact("c")], 0.5))
    assert isinstance(together, EncodedRows)
    await deliver(store, await start(), together)
    assert await names(store) == {"a": name.replace("\0", "?").replace("\ud800", "?"), "b": "Ann", "c": "Ann"}


def test_rows_that_share_an_id_are_not_joined_with_encoded_ones() -> None:
    some = encoded([contact("a"), contact("b")], 0.5)
    assert joined(some, [contact("b")]) is None
    assert joined([contact("b")], some) is None
    assert joined(some, encoded([contact("b")], 1.0)) is None
