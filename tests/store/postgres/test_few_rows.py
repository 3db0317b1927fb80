"""A few rows are written in another way than many; what is then in the table may not tell which it was."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orgsync import Record
from orgsync.records import Row, schema_of
from orgsync.store import Counts, Store, Write
from orgsync.store.postgres import row_writes
from tests.store.databases import PostgresDatabase
from tests.store.running import Start


class EveryKind(Record, table=True):
    """A column of each type that a table has."""

    text: str | None
    yes: bool | None
    whole: int | None
    real: float | None
    exact: Decimal | None
    day: date | None
    at: datetime | None
    clock: time | None
    inside: dict[str, Any] | None


TEXTS = st.text(max_size=8) | st.sampled_from(
    ["null", "\\N", '"', "\\u0000", "a\\b\n\t", "\x00", "\ud800", "'{}'", "%s", "$1"]
)
VALUES = st.tuples(
    st.none() | TEXTS,
    st.none() | st.booleans(),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats() | st.sampled_from([-0.0, 1e300, 5e-324, 1e22]),
    st.none() | st.sampled_from(["0.10", "-1E+3", "123456789012345678901234567890.5", "0"]),
    st.none() | st.sampled_from(["2026-02-28", "0001-01-01", "9999-12-31"]),
    st.none() | st.sampled_from(["2026-01-01T00:00:00.123Z", "1700-01-01T00:00:00.000Z"]),
    st.none() | st.sampled_from(["00:00:00.000", "23:59:59.999"]),
    st.none() | st.sampled_from(["{}", '{"a":[1,"\\u00e9\\"",null]}', '{"a":1e5}', '"\\\\u0000"']),
)
NULLS = (None,) * 9
EVERY_WAY = {"as a parameter": 500, "by COPY": 0}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=VALUES, later=VALUES)
@example(first=("a\x00b", *NULLS[1:]), later=("\ud800", *NULLS[1:]))
@example(first=(*NULLS[:8], '{"a":"\\u0000"}'), later=(*NULLS[:8], '{"a":"\\\\u0000"}'))
@example(first=(*NULLS[:3], float("nan"), *NULLS[4:]), later=(*NULLS[:3], -0.0, *NULLS[4:]))
async def test_values_are_stored_alike_whichever_way_they_come(
    store: Store, database: PostgresDatabase, start: Start, first: tuple[Any, ...], later: tuple[Any, ...]
) -> None:
    written = list[object]()
    for few in EVERY_WAY.values():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(row_writes, "FEW", few)
            owner = uuid4().hex
            run = await start("kinds", owner)
            counts = [await _deliver(store, run, values) for values in (first, first, later)]
        stored = database.execute(
            'SELECT text, yes, whole, "real"::text, exact, day, at, clock, inside::text, sync_change, is_deleted '
            f"FROM every_kind WHERE connection = '{owner}'"
        )
        written.append((counts, stored))
    assert written[0] == written[1]


async def _deliver(store: Store, run: Any, values: tuple[Any, ...]) -> Counts:
    row: Row = ("001000000000001AAA", None, False, *values)
    return await store.rows.commit(run, [Write(schema_of(EveryKind), [row])], None, 0)


async def test_a_few_rows_need_no_stage(store: Store, database: PostgresDatabase, start: Start) -> None:
    run = await start("kinds", "acme")
    for number in range(2):
        rows: list[Row] = [(f"00100000000000{place:04}", None, False, str(number), *NULLS[1:]) for place in range(500)]
        await store.rows.commit(run, [Write(schema_of(EveryKind), rows)], None, 0)
    assert database.execute("SELECT relname FROM pg_class WHERE relname LIKE 'orgsync_stage%'") == []
