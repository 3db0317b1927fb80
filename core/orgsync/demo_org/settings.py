"""What a test may look at and change while the demo org runs."""

import random
from dataclasses import dataclass, field

from .ids import ALPHABET, make_id

_DAILY_CALLS = 100_000


@dataclass(eq=False)
class Settings:
    """The org's identity, its authorized app, and the switches of its policies.

    Attributes:
        callback_urls: the redirect URIs that the app knows; compared exactly.
        token_lifetime: seconds of inactivity after which an access token dies; None for never.
        rotate_refresh_tokens: each refresh gives a new refresh token and makes the old one single-use.
        introspection_allowed: without it every token is introspected as inactive, as real orgs do.
        api_limit: calls a day; `api_used` counts them.
        page_size: rows on a page of a query.
        child_page_size: rows of a sub-select in one record; the others are behind a `nextRecordsUrl` of their own.
        bulk_polls: the poll at which a Bulk job is complete; the polls before respond InProgress; None never ends.
            At each poll an ingest job has written its share of the rows.
        bulk_page_size: rows on a page of a Bulk job's results, whatever `maxRecords` says.
        bulk_results_endless: the last page of a Bulk job's results leads to the first, by an ever-new locator.
        bulk_jobs_limit: Bulk query jobs a day; `bulk_jobs_used` counts them.
        bulk_storage_limit_kb: what Bulk results may take up a day; `bulk_storage_used_kb` estimates them.
        bulk_count_off: what Bulk jobs add to the true count of their rows in `numberRecordsProcessed`.
        bulk_batch_size: rows of an ingest job that are one batch.
        bulk_batches_limit: batches a day; the rows of those past it are in no file. `bulk_batches_used` counts them.
        bulk_upload_limit: bytes that an upload to an ingest job may have as base64, 150 MB.
        bulk_results_in_order: results of ingest jobs keep the order of the input, which Salesforce does not promise.
        bulk_unknown_columns_ignored: an ingest job leaves out columns that match no field, in place of failing.
        hard_delete_allowed: the user has the permission Bulk API Hard Delete.
        query_timeout_rows: REST queries that match more rows end with QUERY_TIMEOUT, whatever LIMIT they have.
        record_count_refused: the user lacks View Setup and Configuration, which record counts need.
        not_in_bulk: names of objects that Bulk refuses and REST gives.
    """

    org_id: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    username: str = "ada@demo.example"
    user_id: str = ""
    callback_urls: list[str] = field(
        default_factory=lambda: ["http://localhost:8788/callback", "http://127.0.0.1:8788/callback"]
    )
    scope: str = "refresh_token api"
    token_lifetime: float | None = 7200
    rotate_refresh_tokens: bool = False
    introspection_allowed: bool = True
    api_limit: int = _DAILY_CALLS
    api_used: int = 0
    page_size: int = 2000
    child_page_size: int = 2000
    bulk_polls: int | None = 2
    bulk_page_size: int = 50_000
    bulk_results_endless: bool = False
    bulk_jobs_limit: int = 10_000
    bulk_jobs_used: int = 0
    bulk_storage_limit_kb: int = 1_000_000_000
    bulk_storage_used_kb: float = 0
    bulk_count_off: int = 0
    bulk_batch_size: int = 10_000
    bulk_batches_limit: int = 15_000
    bulk_batches_used: int = 0
    bulk_upload_limit: int = 150 * 1024 * 1024
    bulk_results_in_order: bool = False
    bulk_unknown_columns_ignored: bool = False
    hard_delete_allowed: bool = False
    query_timeout_rows: int | None = None
    record_count_refused: bool = False
    not_in_bulk: set[str] = field(default_factory=set[str])


def seeded_settings(seed: int, page_size: int) -> Settings:
    """Return the identity that belongs to a seed."""
    draw = random.Random(f"demo org {seed}")  # noqa: S311 - secrets of an org that exists on loopback only

    def word(length: int) -> str:
        return "".join(draw.choices(ALPHABET, k=length))

    return Settings(
        org_id=make_id("00D", "Dn0", draw.randrange(62**4, 62**6)),
        client_id=f"3MVG9{word(80)}",
        client_secret=f"{draw.getrandbits(256):064X}",
        refresh_token=f"5Aep861{word(80)}",
        page_size=page_size,
    )
