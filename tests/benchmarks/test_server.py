"""The benchmarks' server, read by a client that is not ours: what it sends is what was prepared, all of it, once."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest

from benchmarks.jobs.simple_salesforce_rest import INSTANCE, ToTheServer
from benchmarks.people import BULK_COLUMNS, REST_COLUMNS
from benchmarks.prepared import Prepared, prepare
from benchmarks.server import Server, started

ROWS = 2_500
"""More than one page of each kind."""

ORDER = "ORDER BY SystemModstamp, Id"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(scope="module")
def pages(cache: Path) -> Prepared:
    return prepare("csv", ROWS, BULK_COLUMNS, page_rows=1_000, cache=cache)


@pytest.fixture(scope="module")
def server(cache: Path, pages: Prepared) -> Iterator[Server]:
    with started(rest=prepare("json", ROWS, REST_COLUMNS, cache=cache), bulk=pages) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with requests.Session() as session:
        session.mount(INSTANCE, ToTheServer(server.url))
        yield Salesforce(session_id="prepared", instance_url=INSTANCE, session=session, version="62.0")


def test_a_query_gives_every_row_once_in_the_order_of_stamps(client: Any) -> None:
    rows = list(client.query_all_iter(f"SELECT {', '.join(REST_COLUMNS)} FROM Contact {ORDER}", include_deleted=True))
    keys = [(row["SystemModstamp"], row["Id"]) for row in rows]
    assert len(rows) == len({row["Id"] for row in rows}) == ROWS
    assert keys == sorted(keys)
    assert [row["Id"] for row in rows] != sorted(row["Id"] for row in rows)


def test_bulk_results_give_every_row_once_in_the_order_of_ids(client: Any) -> None:
    soql = f"SELECT {', '.join(BULK_COLUMNS)} FROM Contact"
    texts = list(client.bulk2.Contact.query_all(soql, max_records=1_000, wait=0))
    rows = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    ids = [row["Id"] for row in rows]
    assert len(texts) == 3
    assert len(ids) == ROWS
    assert ids == sorted(set(ids))


def test_values_have_all_that_makes_csv_hard(pages: Prepared) -> None:
    with pages.whole.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == BULK_COLUMNS
    assert len(rows) == ROWS
    assert any("\n" in row["MailingStreet"] for row in rows)
    assert any('"' in row["Title"] for row in rows)
    assert any(not row["FirstName"].isascii() for row in rows)
    assert any(not row["Email"] for row in rows)


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id FROM Contact ORDER BY SystemModstamp, Id",
        f"SELECT {', '.join(REST_COLUMNS)} FROM Contact WHERE SystemModstamp >= 2023-01-01T00:05:00Z {ORDER}",
        "SELECT",
    ],
)
def test_a_query_for_less_than_was_prepared_is_refused(client: Any, soql: str) -> None:
    with pytest.raises(SalesforceMalformedRequest):
        client.query_all(soql)


def test_a_query_that_leaves_nothing_out_may_have_a_condition(client: Any) -> None:
    condition = "WHERE SystemModstamp >= 2023-01-01T00:00:00Z"
    assert client.query(f"SELECT {', '.join(REST_COLUMNS)} FROM Contact {condition} {ORDER}")["totalSize"] == ROWS


def test_rows_that_are_said_to_have_changed_are_what_a_query_for_changes_gives(client: Any, server: Server) -> None:
    soql = f"SELECT {', '.join(REST_COLUMNS)} FROM Contact WHERE SystemModstamp >= 2026-01-31T10:15:00Z {ORDER}"
    assert client.query_all(soql)["records"] == []
    server.change(2_100)
    changed = list(client.query_all_iter(soql))
    server.change(0)
    assert len({row["Id"] for row in changed}) == 2_100
    assert {row["Title"] for row in changed} == {"Change 1"}
    assert client.query_all(soql)["records"] == []


def test_api_calls_are_counted_and_what_salesforce_does_not_count_is_not(client: Any, server: Server) -> None:
    server.calls()
    client.query("SELECT COUNT() FROM Contact")
    client.limits()
    requests.get(f"{server.url}/services/data", timeout=10).raise_for_status()
    assert server.calls() == 2
    assert server.calls() == 0


def test_an_answer_is_gzipped_only_where_that_is_asked_for(server: Server) -> None:
    query = {"q": f"SELECT {', '.join(REST_COLUMNS)} FROM Contact"}
    url, both = f"{server.url}/services/data/v62.0/query", ("gzip", "identity")
    plain, gzipped = (
        requests.get(url, params=query, headers={"Accept-Encoding": each}, timeout=10) for each in reversed(both)
    )
    assert "content-encoding" not in plain.headers
    assert gzipped.headers["content-encoding"] == "gzip"
    assert plain.json() == gzipped.json()


def test_pages_are_made_once_and_made_anew_where_making_them_was_cut_short(cache: Path) -> None:
    made = prepare("json", 100, REST_COLUMNS, cache=cache)
    page = Path(made.folder, "0.json")
    before = page.stat().st_mtime_ns
    assert prepare("json", 100, REST_COLUMNS, cache=cache) == made
    assert page.stat().st_mtime_ns == before
    Path(made.folder, "manifest.json").unlink()
    page.write_bytes(b"cut sh")
    assert prepare("json", 100, REST_COLUMNS, cache=cache) == made
    assert page.read_bytes() != b"cut sh"
