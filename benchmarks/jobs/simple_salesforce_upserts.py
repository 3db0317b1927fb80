"""What people write today: bulk2 of simple-salesforce, and its results: `simple_salesforce_upserts FOLDER URL ROWS`.

Which result belongs to which row is left open, as it leaves it.
"""

import sys
from typing import Any

import requests
from simple_salesforce.api import Salesforce

from benchmarks.server import Server

from .rows_to_write import rows_to_write
from .simple_salesforce_rest import INSTANCE, ToTheServer
from .telling import measured, tell


def _write(url: str, rows: int) -> int:
    with requests.Session() as session:
        session.mount(INSTANCE, ToTheServer(url))
        client: Any = Salesforce(session_id="prepared", instance_url=INSTANCE, session=session, version="62.0")
        contacts = client.bulk2.Contact
        jobs: list[dict[str, Any]] = contacts.upsert(
            records=list(rows_to_write(rows)), external_id_field="Key__c", wait=0
        )
        results = [contacts.get_all_ingest_records(job["job_id"]) for job in jobs]
    return sum(bool(row["sf__Id"]) for result in results for row in result["successfulRecords"])


def _main(url: str, rows: int) -> None:
    server = Server(url)
    server.calls()
    with measured() as span:
        written = _write(url, rows)
    tell(span, rows=written, calls=server.calls())


if __name__ == "__main__":
    _main(sys.argv[2], int(sys.argv[3]))
