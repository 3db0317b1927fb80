"""Faults that answer a query untruly, and those that an edge in front of the org answers with."""

from typing import Any

import httpx
import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.demo_org.caller import BASE, Caller

ALL = "SELECT Id FROM Contact ORDER BY Id"
FEW = "SELECT Id FROM Contact ORDER BY Id LIMIT 5"


@pytest.fixture(autouse=True)
def small_pages(org: DemoOrg) -> None:
    org.page_size = 10


def page_of(api: Caller, soql: str) -> Any:
    return api.get("/query", q=soql).json()


def test_a_page_with_more_to_come_is_said_to_be_the_last(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.done_too_early())
    page = page_of(api, ALL)
    assert (page["totalSize"], page["done"], len(page["records"]), "nextRecordsUrl" in page) == (25, True, 10, False)
    assert len(api.query(ALL)) == 25


@pytest.mark.parametrize(("rows", "left"), [(2, 1), (5, 2)])
def test_a_last_page_said_to_be_done_too_early_lacks_half_its_rows(
    api: Caller, org: DemoOrg, rows: int, left: int
) -> None:
    org.add_fault(Fault.done_too_early())
    page = page_of(api, f"SELECT Id FROM Contact ORDER BY Id LIMIT {rows}")
    assert (page["totalSize"], page["done"], len(page["records"])) == (rows, True, left)


def test_a_second_page_ends_too_early_where_the_fault_matches_it_alone(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.done_too_early(), match="/query/")
    second = api.get(page_of(api, ALL)["nextRecordsUrl"]).json()
    assert (second["totalSize"], second["done"], len(second["records"])) == (25, True, 10)


def test_answers_that_are_no_pages_or_hold_nothing_to_lose_do_not_use_up_a_fault(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.done_too_early(), times=1)
    for soql in ("SELECT COUNT() FROM Contact", "SELECT Id FROM Contact WHERE LastName = 'nobody'", f"{FEW[:-1]}1"):
        assert page_of(api, soql)["done"] is True
    for path in ("/limits", "/sobjects/Contact/describe", "/services/data", "/jobs/query"):
        assert api.get(path).status_code == 200
    assert api.get("/query", q="SELECT").status_code == 400
    assert len(page_of(api, FEW)["records"]) == 2
    assert len(page_of(api, FEW)["records"]) == 5


def test_a_locator_is_lost_and_the_rows_of_the_page_stay(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.lost_locator())
    page = page_of(api, ALL)
    assert (page["totalSize"], page["done"], page["nextRecordsUrl"], len(page["records"])) == (25, False, None, 10)


def test_the_records_of_a_page_are_null(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.no_records())
    page = page_of(api, ALL)
    assert (page["totalSize"], page["done"], page["records"]) == (25, False, None)


def test_the_total_changes_on_a_page_after_the_first(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.changed_total(-3))
    first = page_of(api, ALL)
    second = api.get(first["nextRecordsUrl"]).json()
    third = api.get(second["nextRecordsUrl"]).json()
    assert [page["totalSize"] for page in (first, second, third)] == [25, 22, 25]
    assert sum(len(page["records"]) for page in (first, second, third)) == 25


def test_the_total_of_every_page_is_unknown(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.unknown_total(), times=None)
    first = page_of(api, ALL)
    second = api.get(first["nextRecordsUrl"]).json()
    assert [page["totalSize"] for page in (first, second)] == [-1, -1]


def test_one_page_in_two_is_altered(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.no_records(), every=2)
    assert [page_of(api, FEW)["records"] is None for _ in range(4)] == [False, True, False, True]


@pytest.mark.parametrize(
    "path",
    [
        "/services/data",
        f"{BASE}/query?q=SELECT+Id+FROM+Contact",
        f"{BASE}/sobjects/Contact/updated",
        f"{BASE}/jobs/query",
        f"{BASE}/limits",
        "/services/oauth2/token",
        "/services/oauth2/userinfo",
    ],
)
@pytest.mark.parametrize("fault", [Fault.status(406), Fault.redirect("https://sign-in.example/saml")])
def test_an_edge_refuses_or_redirects_any_request(api: Caller, org: DemoOrg, path: str, fault: Fault) -> None:
    org.add_fault(fault)
    method = "POST" if path.endswith("/token") else "GET"
    answer = api.http.request(method, path)
    assert (answer.status_code, answer.content) == (fault.code, b"")
    assert "content-type" not in answer.headers
    assert answer.headers.get("location") == (fault.location or None)
    assert api.http.request(method, path).status_code not in {302, 406}


def test_a_redirect_costs_no_call(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.redirect("/elsewhere"), match="/limits")
    assert httpx.codes.is_redirect(api.get("/limits").status_code)
    assert [request.counted for request in org.requests] == [False]
