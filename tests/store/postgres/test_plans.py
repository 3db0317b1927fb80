"""A page of the change feed is read by its index, however many changes are behind it."""

from orgsync.store import Store
from tests.store.contacts import CONTACT, contact, deliver
from tests.store.databases import PostgresDatabase
from tests.store.running import running

_MANY = """
INSERT INTO contact SELECT (jsonb_populate_record(c, jsonb_build_object('id', 'n' || n))).* FROM contact AS c,
generate_series(1, 20000) AS n
"""


async def test_a_page_of_changes_is_read_by_the_index_of_their_numbers(
    store: Store, database: PostgresDatabase
) -> None:
    async with running(store) as run:
        await store.rows.prepare(CONTACT)
        await deliver(store, run, [contact("a")])
    database.execute(_MANY)
    database.execute("UPDATE contact SET sync_number = sync_number - ('x' || left(md5(id), 6))::bit(24)::int")
    database.execute("ANALYZE contact")
    sql = "SELECT * FROM contact_changes WHERE sync_seq > 0 ORDER BY sync_seq LIMIT 100"
    plan = "\n".join(line for (line,) in database.execute(f"EXPLAIN {sql}"))
    assert "Merge Append" in plan
    assert "Index Scan using contact_sync_number" in plan
