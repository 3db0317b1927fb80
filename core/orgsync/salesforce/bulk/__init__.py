"""Bulk API 2.0 queries: a job that Salesforce carries out by itself, and its result, read as it arrives."""

from .jobs import Job, JobState, abort_job, complete, create_job, delete_job, read_job
from .results import Part, Place, results

__all__ = [
    "Job",
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
