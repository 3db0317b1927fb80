"""The copy over HTTP: pages of rows, changes, formats, and what is refused."""

import json

import anyio
import httpx
import pytest

from orgsync.demo_org import DemoOrg

from .serving import Served, contacts


async def test_pages_lead_to_every_row_once(served: Served) -> None:
    await served.sample.run(contacts)
    ids: list[str] = []
    async with await served.caller("read") as caller:
        cursor: str | None = ""
        while cursor is not None:
            query = f"?limit=10&columns=last_name&columns=id{'&cursor=' + cursor if cursor else ''}"
            page = (await caller.get(f"/api/v1/records/contact{query}")).json()
            assert set(page["rows"][0]) == {"last_name", "id"}
            ids += [row["id"] for row in page["rows"]]
            cursor = page["next"]
    assert sorted(ids) == sorted(await served.sample.live("contact"))


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
async def test_pages_of_large_rows_are_short_and_lead_to_every_row_and_change(
    served: Served, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.sample.run(contacts)
    monkeypatch.setattr("orgsync.store.row_pages.FIRST_PAGE", 4)
    monkeypatch.setattr("orgsync.store.row_pages._GROWTH", 1)
    monkeypatch.setattr("orgsync.server.api_records.size_of", len)  # in rows, here
    monkeypatch.setattr("orgsync.server.api_records._LARGEST_PAGE", 7)
    sizes, ids = list[int](), list[str]()

    async def read(path: str) -> httpx.Response:
        answer = await caller.get(f"/api/v1/{path}", headers={"Accept": accept})
        listed = [json.loads(line) for line in answer.text.splitlines()]
        rows = listed[0].get("rows", listed[0].get("changes")) if accept == "application/json" else listed
        sizes.append(len(rows))
        ids.extend(row["id"] for row in rows)
        return answer

    def following(answer: httpx.Response, name: str) -> str | None:
        shown = answer.json()[name] if accept == "application/json" else answer.headers.get(f"Orgsync-{name}")
        return None if shown is None else str(shown)

    async with await served.caller("read") as caller:
        cursor: str | None = ""
        while cursor is not None:
            cursor = following(await read(f"records/contact{'?cursor=' + cursor if cursor else ''}"), "next")
        assert sorted(ids) == sorted(await served.sample.live("contact"))
        assert sizes == [8, 8, 8, 1]
        ids.clear()
        sizes.clear()
        last = following(await read("changes/contact"), "last")
        while sizes[-1]:
            last = following(await read(f"changes/contact?after={last}"), "last")
        assert sorted(ids) == sorted(await served.sample.live("contact"))
        assert sizes == [8, 8, 8, 1, 0]


async def test_columns_are_parted_by_commas_as_well(served: Served) -> None:
    await served.sample.run(contacts)
    async with await served.caller("read") as caller:
        [row] = (await caller.get("/api/v1/records/contact?limit=1&columns=last_name,%20id&columns=email")).json()[
            "rows"
        ]
        [change] = (await caller.get("/api/v1/changes/contact?limit=1&columns=id,email")).json()["changes"]
        [twice] = (await caller.get("/api/v1/records/contact?limit=1&columns=email,email")).json()["rows"]
        wrong = await caller.get("/api/v1/records/contact?columns=id,")
    assert [*twice] == ["email"]
    assert [*row] == ["last_name", "id", "email"]
    assert {*change} >= {"id", "email"}
    assert wrong.status_code == 404


async def test_rows_are_found_by_the_value_of_a_column_with_an_index(served: Served) -> None:
    await served.sample.run(contacts)
    rows = await served.sample.live("contact")
    wanted = next(row["account_id"] for row in rows.values() if row["account_id"])
    one = next(iter(rows))
    async with await served.caller("read") as caller:
        found = (await caller.get("/api/v1/records/contact", params={"where": f"account_id={wanted}"})).json()["rows"]
        by_id = await caller.get("/api/v1/records/contact", params={"where": f"id={one}", "connection": "acme"})
        attack = await caller.get("/api/v1/records/contact", params={"where": "account_id=x' OR '1'='1"})
        slow = await caller.get("/api/v1/records/contact", params={"where": "email=a@b.example"})
        wrong = await caller.get("/api/v1/records/contact", params={"where": 'account_id" OR 1=1 --=x'})
    assert {row["id"] for row in found} == {key for key, row in rows.items() if row["account_id"] == wanted}
    assert [row["id"] for row in by_id.json()["rows"]] == [one]
    assert attack.json()["rows"] == []
    assert (slow.status_code, slow.json()["title"]) == (
        400,
        "The column email has no index, so every row would be read.",
    )
    assert wrong.status_code == 404


async def test_an_answer_that_nothing_has_changed_costs_no_rows(served: Served, org: DemoOrg) -> None:
    await served.sample.run(contacts)
    async with await served.caller("read") as caller:
        first = await caller.get("/api/v1/records/contact")
        again = await caller.get("/api/v1/records/contact", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        org.advance(minutes=10)
        org.update("Contact", str(org.rows("Contact")[0]["Id"]), LastName="Changed")
        await served.sample.run(contacts)
        assert (
            await caller.get("/api/v1/records/contact", headers={"If-None-Match": first.headers["etag"]})
        ).status_code == 200


async def test_changes_are_read_on_from_where_the_last_call_ended_deletions_included(
    served: Served, org: DemoOrg
) -> None:
    await served.sample.run(contacts)
    async with await served.caller("read") as caller:
        seen: list[str] = []
        last = 0
        while True:
            page = (await caller.get(f"/api/v1/changes/contact?after={last}&limit=10")).json()
            if not page["changes"]:
                break
            seen += [row["id"] for row in page["changes"]]
            last = page["last"]
        assert len(seen) == len(set(seen)) == 25
        org.advance(minutes=10)
        org.delete("Contact", seen[0])
        await served.sample.run(contacts)
        page = (await caller.get(f"/api/v1/changes/contact?after={last}")).json()
    assert [(row["id"], row["sync_change"]) for row in page["changes"]] == [(seen[0], "deleted")]


async def test_a_caller_waits_for_the_first_change(served: Served) -> None:
    async with await served.caller("read") as caller:
        await served.sample.run(contacts)
        last = (await caller.get("/api/v1/changes/contact")).json()["last"]
        found: list[str] = []

        async def wait() -> None:
            page = (await caller.get(f"/api/v1/changes/contact?after={last}&wait=20")).json()
            found.extend(row["sync_change"] for row in page["changes"])

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            org = served.sample.org
            org.advance(minutes=10)
            org.update("Contact", str(org.rows("Contact")[0]["Id"]), LastName="Changed")
            await served.sample.run(contacts)
    assert found == ["updated"]


async def test_rows_come_as_json_lines_and_as_parquet_too(served: Served) -> None:
    await served.sample.run(contacts)
    async with await served.caller("read") as caller:
        lines = await caller.get("/api/v1/records/contact?limit=10", headers={"Accept": "application/x-ndjson"})
        parquet = await caller.get("/api/v1/records/contact", headers={"Accept": "application/vnd.apache.parquet"})
        other = await caller.get("/api/v1/records/contact", headers={"Accept": "text/html"})
    assert len([json.loads(line) for line in lines.text.splitlines()]) == 10
    assert lines.headers["orgsync-next"]
    assert (parquet.content[:4], parquet.content[-4:]) == (b"PAR1", b"PAR1")
    assert other.status_code == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=10001", 422),
        ("page=2", 422),
        ("columns=nothing", 404),
        ("cursor=made-up", 400),
        ("where=account_id", 400),
        ("connection=globex", 404),
    ],
)
async def test_what_is_asked_wrongly_is_named(served: Served, query: str, status: int) -> None:
    await served.sample.run(contacts)
    async with await served.caller("read") as caller:
        answer = await caller.get(f"/api/v1/records/contact?{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(served.project.settings.project) not in answer.text
