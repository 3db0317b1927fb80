"""With shortened answers the org looks smaller to the real client, and nothing else looks odd to it."""

import csv
import io
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import new_class
from typing import Any
from urllib.parse import urlsplit

import pytest

from orgsync import Record, Sync, field
from orgsync.cassettes import RecordedConnection
from orgsync.cassettes.recorder import Recorder
from orgsync.cassettes.shortening import Shortening, ShorteningTransport
from orgsync.cassettes.transport import RecordingTransport
from orgsync.demo_org import DemoOrg, Fault
from orgsync.project import Project
from orgsync.salesforce.api.counts import count, record_count
from orgsync.salesforce.api.query import records
from orgsync.salesforce.bulk import complete, create_job
from orgsync.salesforce.http.http import Http, Response
from orgsync.salesforce.http.request import Request
from orgsync.salesforce.http.transport import HttpxTransport, Transport, TransportResponse, whole_response
from orgsync.store import Run
from tests.extract.extracting import copied, jobs_made, reading, snapshotting, warnings
from tests.projects import SampleProject, project_at

ROWS, PAGE = 60, 20
SIZES = [1, PAGE - 1, PAGE, PAGE + 1, ROWS + 1]
WIDE = [f"A_field_with_a_long_name_{number:03}__c" for number in range(300)]


class Contact(Record, table=True):
    """A contact, and a name of its account's."""

    description: str | None
    account_name: str | None = field("Account.Name")


@pytest.fixture
def frozen() -> Iterator[DemoOrg]:
    """An org whose clock only the test moves: rows on several pages, stamped against their Ids, texts like CSV."""
    with DemoOrg(contacts=ROWS, accounts=4, page_size=PAGE, now=datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)) as org:
        org.bulk_page_size = PAGE
        for at, row in reversed(list(enumerate(org.rows("Contact")))):
            org.advance(seconds=at % 3)
            org.update("Contact", str(row["Id"]), Description=f'line {at}\n"Id","x"\nü\u2028end')
        org.advance(minutes=10)
        yield org


class _Observed:
    """A transport that keeps the responses of another one."""

    def __init__(self, network: Transport) -> None:
        self._network = network
        self.responses: list[Response] = []

    async def request(self, request: Request) -> TransportResponse:
        response = await self._network.request(request)
        async with aclosing(response), aclosing(response.body) as body:
            content = b"".join([part async for part in body])
        self.responses.append(Response(response.status, response.headers, content, request.method, request.url))
        return whole_response(response.status, response.headers, content)


@dataclass(frozen=True, slots=True)
class Short:
    """A project whose client sees few rows; `full` is what the org sent, `seen` what the client received."""

    project: SampleProject
    full: list[Response]
    seen: list[Response]

    async def run(self, read: Sync[Record], **options: Any) -> Run:
        """Run a sync to its end; it must not warn, get an error or request anything twice but the state of a job."""
        before = len(self.seen)
        with warnings() as said:
            run = await self.project.run(read, **options)
        assert (run.status, said) == ("done", [])
        seen = self.seen[before:]
        assert len(self.full) == len(self.seen)
        assert all(each.ok for each in seen)
        requested = [each.url for each in seen if not re.search(r"/jobs/query/\w+$", each.url)]
        assert len(requested) == len(set(requested))
        return run


@asynccontextmanager
async def short(folder: Path, org: DemoOrg, most: int, **settings: Any) -> AsyncGenerator[Short]:
    """Open a project whose client receives at most so many rows of a query."""
    async with project_at(folder, org, **settings) as project, aclosing(HttpxTransport()) as network:
        below = _Observed(network)
        above = _Observed(ShorteningTransport(below, Shortening(most)))
        async with Http(10, transport=above) as http:
            opened = Project(project.opened.settings, project.opened.store, http)
            yield Short(SampleProject(opened, org), below.responses, above.responses)
    for job in {urlsplit(each.url).path for each in above.responses}:
        pages = [each for each in above.responses if urlsplit(each.url).path == job]
        assert len({row["Id"] for row in rows_of(pages)}) <= most


def first(org: DemoOrg, most: int, *by: str, since: datetime | None = None, **where: Any) -> dict[str, Any]:
    """Give the names of the rows that come first in an order, the deleted ones among them as None."""
    truth: list[dict[str, Any]] = org.rows("Contact", deleted=True)
    rows = sorted(truth, key=lambda row: tuple(str(row[name]) for name in by))
    asked = [row for row in rows if all(row[name] == value for name, value in where.items())]
    changed = [row for row in asked if since is None or row["SystemModstamp"] >= since]
    return {str(row["Id"]): None if row["IsDeleted"] else row["Description"] for row in changed[:most]}


def rows_of(answers: list[Response]) -> list[dict[str, str]]:
    """Read the rows of those answers that are pages of a Bulk job's result, one page after the other."""
    pages = [each.content.decode() for each in answers if each.ok and urlsplit(each.url).path.endswith("/results")]
    return [row for page in pages for row in csv.DictReader(io.StringIO(page, newline="\n"))]


async def described(project: SampleProject) -> dict[str, Any]:
    return await copied(project, "contact", "description")


def change_much(org: DemoOrg) -> None:
    """Change more rows than a page holds, and rows below a parent; add some; delete some, one of them for good."""
    org.advance(minutes=10)
    account, *_ = org.rows("Account")
    rows = [str(row["Id"]) for row in org.rows("Contact")]
    for at, row in enumerate(rows[5:30]):
        org.update("Contact", row, Description=f"changed {at}", AccountId=None)
    for at in range(3):
        org.insert("Contact", LastName="New", Description=f"new {at}")
    org.delete("Contact", rows[0])
    org.delete("Contact", rows[-1])
    org.hard_delete("Contact", rows[-2])
    org.update("Account", str(account["Id"]), Name="Renamed")
    org.advance(minutes=10)


@pytest.mark.parametrize("most", SIZES)
@pytest.mark.parametrize("options", [{}, {"api": "bulk"}], ids=["rest", "bulk"])
async def test_a_copy_holds_the_first_rows_of_each_query(
    tmp_path: Path, frozen: DemoOrg, most: int, options: dict[str, Any]
) -> None:
    read, order = reading(Contact, **options), ["Id"] if options else ["SystemModstamp", "Id"]
    async with short(tmp_path, frozen, most) as small:
        run = await small.run(read)
        copy = first(frozen, most, *order)
        assert await described(small.project) == copy
        assert run.added == len(copy) == min(most, ROWS)
        assert jobs_made(frozen) == len(options)
        change_much(frozen)
        before = len(small.seen)
        await small.run(read)
        changed = first(frozen, most, *order, since=run.watermark)
        if options:  # Bulk gives rows in no order that is promised
            changed = {row["Id"]: row["Description"] for row in rows_of(small.seen[before:])[:most]}
        below = first(frozen, most, "Id", AccountId=frozen.rows("Account")[0]["Id"])
        live = {str(row["Id"]) for row in frozen.rows("Contact")}
        assert await described(small.project) == {
            key: text for key, text in (copy | changed | below).items() if key in live
        }


async def test_the_way_is_chosen_as_for_an_org_that_holds_no_more(tmp_path: Path, frozen: DemoOrg) -> None:
    async with short(tmp_path, frozen, 25, bulk_from=25) as small:
        await small.run(reading(Contact))
        assert jobs_made(frozen) == 1
    async with short(tmp_path / "other", frozen, 24, bulk_from=25) as small:
        await small.run(reading(Contact))
        assert jobs_made(frozen) == 0
        assert len(await described(small.project)) == 24


async def test_a_snapshot_of_the_first_rows_deletes_none_of_them(tmp_path: Path, frozen: DemoOrg) -> None:
    async with short(tmp_path, frozen, PAGE + 1) as small:
        await small.run(snapshotting(Contact))
        assert await described(small.project) == first(frozen, PAGE + 1, "Id")
        frozen.insert("Contact", LastName="New")
        run = await small.run(snapshotting(Contact))
        assert (run.added, run.updated, run.deleted) == (0, 0, 0)


async def test_rows_of_several_queries_are_not_taken_for_deleted(tmp_path: Path, frozen: DemoOrg) -> None:
    read = reading(Contact)
    async with short(tmp_path, frozen, 5) as small:
        await small.run(read)
        for start in (30, 40):
            frozen.advance(minutes=10)
            for row in frozen.rows("Contact")[start : start + 5]:
                frozen.update("Contact", str(row["Id"]), Description="changed")
            frozen.advance(minutes=10)
            await small.run(read)
        copy = await described(small.project)
        assert len(copy) == 15
        frozen.restrict_rows("Contact", [str(frozen.rows("Contact")[40]["Id"])])
        run = await small.run(read, reconcile=True)
        assert (run.added, run.deleted) == (5, 1)
        assert len((await described(small.project)).keys() & copy.keys()) == 14


async def test_groups_of_columns_hold_the_same_rows(tmp_path: Path, frozen: DemoOrg) -> None:
    for name in WIDE:
        frozen.add_field("Contact", name)
    row = str(frozen.rows("Contact")[0]["Id"])
    frozen.update("Contact", row, **{WIDE[0]: "first", WIDE[-1]: "last"})
    columns: dict[str, Any] = {f"f{number}": field(name) for number, name in enumerate(WIDE)}
    annotations = dict.fromkeys(columns, str | None)
    namespace = {"__module__": __name__, "__annotations__": annotations, "__sobject__": "Contact", **columns}
    wide: type[Record] = new_class("Wide", (Record,), {"table": True}, lambda body: body.update(namespace))
    async with short(tmp_path, frozen, PAGE + 1) as small:
        await small.run(snapshotting(wide))
        assert len(small.project.queries) == 2
        found = await copied(small.project, "wide", "f0", f"f{len(WIDE) - 1}")
    assert len(found) == PAGE + 1
    assert found[row] == ("first", "last")


@pytest.mark.parametrize("options", [{}, {"api": "bulk"}], ids=["rest", "bulk"])
@pytest.mark.parametrize("fault", [Fault.maintenance(), Fault.truncate()], ids=lambda fault: fault.kind)
async def test_pages_that_are_asked_for_again_are_cut_alike(
    tmp_path: Path, frozen: DemoOrg, options: dict[str, Any], fault: Fault
) -> None:
    async with short(tmp_path, frozen, 2 * PAGE + 5) as small:
        frozen.expire_tokens()
        frozen.add_fault(fault, match="/results" if options else "/query/.*-40$", times=2)
        await small.project.run(reading(Contact, **options))
        assert len(small.seen) > len({each.url for each in small.seen})
        order = ["Id"] if options else ["SystemModstamp", "Id"]
        assert await described(small.project) == first(frozen, 2 * PAGE + 5, *order)


async def test_a_page_that_lacks_rows_is_asked_for_again(tmp_path: Path, frozen: DemoOrg) -> None:
    async with short(tmp_path, frozen, PAGE + 15) as small:
        frozen.shorten_bulk_pages(2)
        await small.project.run(reading(Contact, api="bulk"))
        assert await described(small.project) == first(frozen, PAGE + 15, "Id")


async def test_the_pages_that_links_lead_to_hold_the_first_rows(tmp_path: Path, frozen: DemoOrg) -> None:
    async with short(tmp_path, frozen, PAGE + 5) as small:
        client = small.project.opened.open_client(await small.project.opened.store.connections.get("acme"))
        made = await create_job(client, "SELECT Id FROM Contact", deleted=False)
        job = await complete(client, made, stalled_after=600, report=lambda _: None)
        links = await client.get(f"jobs/query/{job.id}/resultPages")
        pages = [
            await client.request("GET", each["resultUrl"], headers={"Accept": "text/csv"})
            for each in links["resultPages"]
        ]
    rows = [row["Id"] for row in rows_of(pages)]
    assert rows == [row["Id"] for row in frozen.rows("Contact")][: PAGE + 5]
    assert job.processed == len(rows)
    assert [page.headers["sforce-numberofrecords"] for page in pages] == ["20", "5", "0"]


async def test_counts_fit_the_rows(tmp_path: Path, frozen: DemoOrg) -> None:
    async with short(tmp_path, frozen, 7) as small:
        client = small.project.opened.open_client(await small.project.opened.store.connections.get("acme"))
        assert await count(client, "SELECT COUNT() FROM Contact") == 7
        assert await record_count(client, "Contact") == 7
        assert await record_count(client, "Account") == 4
        counted = [each async for each in records(client, "SELECT COUNT(Id) n FROM Contact")]
        assert counted == [{"n": 7}]


async def test_what_is_recorded_is_the_short_response_and_another_of_the_same_text_stays_whole() -> None:
    page = b'{"totalSize":2,"done":true,"records":[{"Id":"1"},{"Id":"2"}]}'

    class Network:
        async def request(self, request: Request) -> TransportResponse:
            return whole_response(200, {"content-type": "application/json", "content-length": f"{len(page)}"}, page)

    recorder = Recorder()
    transport = RecordingTransport(recorder, ShorteningTransport(Network(), Shortening(1)))
    host = "https://acme.my.salesforce.com"
    async with Http(transport=transport) as http:
        for path in ("/services/data/v62.0/query?q=SELECT%20Id%20FROM%20Contact", "/services/apexrest/mine"):
            await http.send("GET", host + path)
    short, whole = recorder.cassette(RecordedConnection(), origin="").interactions
    assert short.response.body == '{"totalSize":1,"done":true,"records":[{"Id":"1"}]}'
    assert whole.response.body == page.decode()
