"""SQLite's plans for the queries over many rows, and how it keeps numbers."""

from orgsync.store import Run, Store
from orgsync.store.sqlite import control_sql, feed_sql, row_sql
from orgsync.store.sqlite.table_sql import COLUMNS, readable_columns
from tests.store.contacts import CONTACT, contact, deliver
from tests.store.databases import SqliteDatabase


async def test_every_comparison_reads_by_index_and_sorts_nothing(store: Store, database: SqliteDatabase) -> None:
    await store.rows.prepare(CONTACT)
    queries = {
        row_sql.unseen("contact"): ("acme", "", 9, "pass", 9),
        row_sql.not_copied("contact"): ("acme", "pass", "", 9),
        row_sql.live_count("contact"): ("acme",),
        control_sql.CLEAR_SEEN_IDS: ("acme", "pass", "acme", "pass", 9),
    }
    plans = {sql: str(database.execute(f"EXPLAIN QUERY PLAN {sql}", *given)) for sql, given in queries.items()}
    assert not any("TEMP B-TREE" in plan or "contact_sync_number" in plan for plan in plans.values())
    by_key = "seen USING PRIMARY KEY (connection=? AND owner=? AND id=?)", "(connection=? AND id>?)"
    assert all(each in plans[row_sql.unseen("contact")] for each in by_key)
    by_key = "seen USING PRIMARY KEY (connection=? AND owner=? AND id>?)", "(connection=? AND id=?)"
    assert all(each in plans[row_sql.not_copied("contact")] for each in by_key)


async def test_the_change_feed_is_read_in_order_by_its_index(store: Store, database: SqliteDatabase) -> None:
    await store.rows.prepare(CONTACT)
    kinds = feed_sql.feed_kinds(readable_columns(database.execute(COLUMNS, "contact")))
    queries = {
        "SELECT * FROM contact_changes WHERE sync_seq > ? ORDER BY sync_seq LIMIT 9": (1,),
        feed_sql.changes_after("contact", kinds, of_one=False): (1, 9),
        feed_sql.changes_after("contact", kinds, of_one=True): (1, "acme", 9),
        feed_sql.changes_after("contact", kinds, of_one=False, condition="name = 'Ann'"): (1, 9),
    }
    for sql, given in queries.items():
        plan = str(database.execute(f"EXPLAIN QUERY PLAN {sql}", *given))
        assert "contact USING INDEX contact_sync_number (sync_number>?)" in plan
        assert "INDEX orgsync_cleared_number (record_table=? AND number>?)" in plan
        assert "TEMP B-TREE" not in plan


async def test_what_a_batch_changed_is_counted_by_the_index_alone(store: Store, database: SqliteDatabase) -> None:
    await store.rows.prepare(CONTACT)
    plan = database.execute(f"EXPLAIN QUERY PLAN {row_sql.counted('contact')}", 1)
    assert "USING COVERING INDEX contact_sync_number" in str(plan)


async def test_the_digits_of_a_number_stand_in_a_column_of_their_own(
    store: Store, run: Run, database: SqliteDatabase
) -> None:
    await deliver(store, run, [contact("a")])
    assert database.execute("SELECT amount, amount__exact FROM contact WHERE amount = 10.5") == [(10.5, "10.50")]
