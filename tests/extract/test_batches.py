"""Pages of REST that share a transaction: fewer commits, and no row has to be read again."""

from pathlib import Path

from orgsync import Batches, Context, Record, sync
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import QueryRefused
from tests.projects import project_at


class Contact(Record, table=True):
    last_name: str | None


@sync
def contacts(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)


async def test_pages_in_quick_succession_share_a_transaction(tmp_path: Path) -> None:
    rows: list[int] = []
    with DemoOrg(contacts=300, accounts=1, page_size=10) as org:
        async with project_at(tmp_path, org, batch_rows=150) as project:
            outcome = await project.outcome(contacts, on_commit=lambda progress: rows.append(progress.rows))
            assert outcome.run.added == 300 == len(await project.live("contact"))
    assert rows == sorted(rows)
    assert len(rows) < 20  # thirty pages


async def test_what_was_read_before_an_error_is_kept_and_the_next_run_resumes_behind_it(tmp_path: Path) -> None:
    with DemoOrg(contacts=60, accounts=1, page_size=10) as org:
        async with project_at(tmp_path, org, batch_rows=10_000) as project:
            org.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="-30$", times=None)
            outcome = await project.outcome(contacts)
            assert isinstance(outcome.problem, QueryRefused)
            assert (outcome.run.status, outcome.run.added) == ("failed", 30)
            org.clear_faults()
            again = await project.run(contacts)
            assert (again.added, again.unchanged) == (30, 0)
