"""The loop that people write today: `simple_salesforce_rest FOLDER URL`, query_all_iter into executemany."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from benchmarks.people import REST_COLUMNS
from benchmarks.server import Server

from .telling import measured, tell

__all__ = ["INSTANCE", "ToTheServer"]

_BATCH = 2_000
INSTANCE = "https://benchmark.my.salesforce.com"


class ToTheServer(HTTPAdapter):
    """Takes requests for the instance to the benchmark's server; the client insists on https, the server has none."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request to the same path over there."""
        request.url = self._url + str(request.url).removeprefix(INSTANCE)
        return super().send(request, *args, **kwargs)


def _records(url: str) -> Iterator[dict[str, Any]]:
    with requests.Session() as session:
        session.mount(INSTANCE, ToTheServer(url))
        client = Salesforce(session_id="prepared", instance_url=INSTANCE, session=session, version="62.0")
        soql = f"SELECT {', '.join(REST_COLUMNS)} FROM Contact ORDER BY SystemModstamp, Id"
        yield from client.query_all_iter(soql, include_deleted=True)


def _copy(database: sqlite3.Connection, url: str) -> int:
    """Copy with the settings that orgsync's store has, one transaction for each page of rows."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(f"CREATE TABLE contact ({', '.join(REST_COLUMNS)}, PRIMARY KEY (Id))")
    insert = f"INSERT OR REPLACE INTO contact VALUES ({', '.join('?' * len(REST_COLUMNS))})"
    rows = map(itemgetter(*REST_COLUMNS), _records(url))
    while batch := list(islice(rows, _BATCH)):
        with database:
            database.executemany(insert, batch)
    return int(database.execute("SELECT count(*) FROM contact").fetchone()[0])


def _main(folder: Path, url: str) -> None:
    server = Server(url)
    server.calls()
    with measured() as span, closing(sqlite3.connect(folder / "copy.db")) as database:
        rows = _copy(database, url)
    tell(span, rows=rows, calls=server.calls())


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2])
