"""Bulk API 2.0 queries: a job that Salesforce carries out by itself, and its result, read as it arrives."""

from .jobs import (
    BulkQuotaSpent,
    BulkRefused,
    Job,
    JobFailed,
    JobState,
    abort_job,
    complete,
    create_job,
    delete_job,
    read_job,
)
from .results import JobIncomplete, Part, Place, results

__all__ = [
    "BulkQuotaSpent",
    "BulkRefused",
    "Job",
    "JobFailed",
    "JobIncomplete",
    "JobState",
    "Part",
    "Place",
    "abort_job",
    "complete",
    "create_job",
    "delete_job",
    "read_job",
    "results",
]
