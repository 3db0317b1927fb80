"""What users of other connectors report, and what they were seen to get wrong: each has a test here or elsewhere."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orgsync import Record
from orgsync.demo_org import DemoOrg
from tests.extract.extracting import copied, reading
from tests.projects import project_at

PROVED_BY: dict[str, dict[str, str]] = {
    "extract/test_changes": {
        "rows committed late are missed": "rows_that_commit_late_with_an_older_stamp_arrive_in_a_later_run",
        "pages drop or repeat rows": "pages_that_vanish_in_the_middle_of_a_tie_are_read_on_from_the_key",
        "the machine's clock bounds": "a_machine_whose_clock_is_wrong_loses_nothing",
    },
    "extract/test_bulk": {
        "a partial sync is a success": "with_both_limits_spent_a_run_stops_and_is_no_success",
        "a Bulk job is stuck": "a_job_that_stands_still_is_given_up",
        "a quota is spent": "rest_reads_when_bulks_quota_is_used_up",
        "Bulk rows are bookmarked": "a_job_that_no_longer_exists_is_created_again",
        "Bulk does not renew tokens": "a_job_outlives_its_token_and_its_host",
        "header rows are records": "bulk_gives_the_rows_of_rest_to_the_last_character",
    },
    "extract/test_deletions": {
        "hard deletes never arrive": "a_row_deleted_for_good_is_found_in_the_log",
    },
    "extract/test_reconcile": {
        "what lives is deleted": "a_row_that_is_shown_again_in_the_meantime_is_not_marked_deleted",
        "formulas stay stale": "values_of_formulas_are_read_again_on_the_schedule",
    },
    "proof/test_what_breaks_elsewhere": {
        "reading begins two years ago": "rows_of_any_age_are_read",
        "a checkpoint never advances": "a_tie_longer_than_a_page_is_passed_a_batch_a_run",
        "an instance moves": "an_org_whose_old_address_leads_nowhere_is_found_again",
        "an empty sync keeps the local clock": "an_empty_run_keeps_the_orgs_time_and_not_ours",
        "rows of one second are lost": "rows_of_the_second_in_which_a_run_read_are_found",
    },
    "extract/test_fields": {
        "another schema loses data": "a_field_that_the_class_gains_is_filled_for_every_row",
    },
    "api/test_client": {
        "a token dies in a run": "a_dead_token_is_renewed_once_and_the_same_request_is_sent_again",
        "401 without end": "a_session_that_is_dead_at_once_again_is_not_renewed_for_ever",
    },
    "project/test_renewal": {
        "renewals race": "two_processes_renew_one_dead_token_once",
    },
    "engine/test_run": {
        "dead connections storm": "a_refused_sign_in_is_not_tried_again_by_later_runs",
    },
    "http/test_streams": {
        "memory grows with rows": "a_gzipped_body_arrives_decoded_in_chunks_of_a_bounded_size",
    },
    "extract/test_slow_queries": {
        "queries time out": "a_first_pass_that_is_too_slow_is_read_in_windows",
    },
    "proof/test_spent_limit": {
        "a spent quota is exit 0": "a_spent_limit_ends_with_exit_4_and_a_later_run_continues",
    },
    "cli/test_demo": {
        "nothing can be run locally": "the_story_is_told_from_start_to_end",
    },
    "store/test_vault": {
        "keys cannot be rotated": "of_several_keys_the_first_encrypts_and_each_decrypts",
    },
    "scripts/test_schedule": {
        "cron": "a_cron_expression_is_due_at_its_times_in_utc",
    },
    "store/test_rows": {
        "state is saved apart from rows": "counts_checkpoint_and_rows_are_committed_together",
    },
}
"""What breaks elsewhere, and the test that it does not here, by module. How fast it is, benchmarks/ measures."""

TESTS = Path(__file__).parents[1]


class Contact(Record, table=True):
    last_name: str | None


contacts = reading(Contact)


@pytest.mark.parametrize(("module", "tests"), PROVED_BY.items(), ids=PROVED_BY.keys())
def test_what_breaks_elsewhere_has_a_test(module: str, tests: dict[str, str]) -> None:
    text = (TESTS / f"{module}.py").read_text()
    assert [name for name in tests.values() if f"def test_{name}(" not in text] == []


async def test_rows_of_any_age_are_read(tmp_path: Path) -> None:
    with DemoOrg(contacts=9, accounts=1, now=datetime(2004, 2, 29, tzinfo=UTC)) as org:
        org.advance(days=22 * 365)
        async with project_at(tmp_path, org) as project:
            assert (await project.run(contacts)).added == 9


async def test_rows_of_the_second_in_which_a_run_read_are_found(tmp_path: Path) -> None:
    with DemoOrg(contacts=3, accounts=1, now=datetime(2026, 1, 1, tzinfo=UTC)) as org:
        async with project_at(tmp_path, org) as project:
            await project.run(contacts)
            org.insert("Contact", LastName="Same second")
            assert (await project.run(contacts)).added == 1
            org.update("Contact", str(org.rows("Contact")[0]["Id"]), LastName="Same second too")
            assert (await project.run(contacts)).updated == 1


async def test_an_empty_run_keeps_the_orgs_time_and_not_ours(tmp_path: Path) -> None:
    with DemoOrg(contacts=0, accounts=1, now=datetime(2026, 1, 1, tzinfo=UTC)) as org:
        async with project_at(tmp_path, org) as project:
            for _ in range(2):
                assert (await project.run(contacts, clock=lambda: org.now + timedelta(days=2))).added == 0
            org.advance(minutes=1)
            org.insert("Contact", LastName="First")
            assert (await project.run(contacts, clock=lambda: org.now + timedelta(days=2))).added == 1


async def test_a_tie_longer_than_a_page_is_passed_a_batch_a_run(tmp_path: Path) -> None:
    with DemoOrg(contacts=0, accounts=1, page_size=4, now=datetime(2026, 1, 1, tzinfo=UTC)) as org:
        for number in range(21):
            org.insert("Contact", LastName=str(number))
        async with project_at(tmp_path, org) as project:
            for run in range(1, 7):
                await project.interrupted(contacts, 1)
                assert len(await project.live("contact")) == min(4 * run, 21)
            assert len(await copied(project, "contact", "last_name")) == 21


@pytest.mark.parametrize("moves", [1, 2], ids=["answers 420", "is not there"])
async def test_an_org_whose_old_address_leads_nowhere_is_found_again(tmp_path: Path, org: DemoOrg, moves: int) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(contacts)
        for _ in range(moves - 1):
            org.move_instance()
            await project.run(contacts)
        org.insert("Contact", LastName="Moved")
        org.move_instance(unreachable=True)
        assert (await project.run(contacts)).added == 1
