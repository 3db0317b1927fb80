"""Jobs as values: JSON carries them both ways, and takes nothing else."""

import pytest

from orgsync.engine import Job
from orgsync.errors import ArgumentInvalid


def test_a_job_is_the_same_after_a_way_through_json() -> None:
    job = Job("sync", "contacts", "acme", full=True, reconcile=True)
    assert Job.from_json(job.to_json()) == job
    assert Job.from_json('{"kind": "sync", "name": "contacts", "connection": "acme"}') == Job(
        "sync", "contacts", "acme"
    )


def test_jobs_are_keys_of_what_is_known_of_them() -> None:
    known = {Job("sync", "contacts", "acme"): 1}
    assert known[Job("sync", "contacts", "acme")] == 1
    assert Job("sync", "contacts", "acme", full=True) not in known


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"kind": "sync", "name": "contacts"}',
        '{"kind": "sink", "name": "contacts", "connection": "acme"}',
        '{"kind": "sync", "name": "contacts", "connection": "acme", "ful": true}',
        '{"kind": "sync", "name": "contacts", "connection": "acme", "full": "yes"}',
        '{"kind": "sync", "name": "contacts", "connection": "acme", "arguments": {"a": 1}}',
    ],
)
def test_what_is_no_job_is_refused(document: str) -> None:
    with pytest.raises(ArgumentInvalid, match="This is not a job"):
        Job.from_json(document)
