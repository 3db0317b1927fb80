"""Traffic that real orgs were recorded with, scrubbed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl

from orgsync.cassettes.interaction import Interaction, RecordedRequest, RecordedResponse
from orgsync.cassettes.scrubbing import leaks, scrubbed
from tests.recordings import FOLDER, needs_recordings

from .spoken import everything


def heard(recorded: Mapping[str, Any]) -> Interaction:
    host: str = recorded["host"] or ""
    request = RecordedRequest(
        recorded["method"] or "GET",
        host if not host or "://" in host else f"https://{host}",
        recorded["path"] or "",
        tuple(parse_qsl(recorded["query"] or "", keep_blank_values=True)),
        {name.lower(): value for name, value in recorded["request_headers"] or ()},
        recorded["request_body"] or "",
    )
    headers = {name.lower(): value for name, value in recorded["headers"]}
    response = RecordedResponse(recorded["status"], headers, recorded["body"] or "")
    return Interaction(request, response, datetime(2026, 1, 31, tzinfo=UTC), 0)


def cassettes() -> dict[str, list[Interaction]]:
    lines = (FOLDER / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    recorded = [json.loads(line) for line in lines]
    return {file: [heard(each) for each in group] for file, group in groupby(recorded, lambda each: each["file"])}


@needs_recordings
def test_every_recorded_exchange_is_scrubbed_and_leaks_nothing() -> None:
    for file, interactions in cassettes().items():
        once = scrubbed(interactions)
        assert scrubbed(once) == once, file
        assert leaks(once) == [], file


@needs_recordings
def test_nothing_of_the_recorded_orgs_and_users_remains() -> None:
    for file, interactions in cassettes().items():
        text = everything(scrubbed(interactions))
        for known in ("00D1a000000H3O9", "0051a000000UGT8", "005Do000000PVvJ", "00DDo000000rryB", "my.salesforce.com"):
            assert known not in text, file
