"""Faults that have no end, and those that lead in a circle."""

import zlib

import httpx
import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.demo_org.caller import BASE, Caller

ALL = "SELECT Id, LastName FROM Contact ORDER BY Id"


@pytest.mark.parametrize("head", [False, True])
def test_an_answer_drips_and_is_whole_in_the_end(api: Caller, org: DemoOrg, head: bool) -> None:
    org.add_fault(Fault.drip(0.0001, at_once=100, head=head), match="query")
    assert len(api.query(ALL)) == 25
    assert len(api.query(ALL)) == 25


@pytest.mark.parametrize("head", [False, True])
def test_a_dripping_answer_leaves_a_patient_client_waiting(api: Caller, org: DemoOrg, head: bool) -> None:
    org.add_fault(Fault.drip(3600, head=head), match="query")
    with pytest.raises(httpx.ReadTimeout):
        api.http.get(f"{BASE}/query", params={"q": ALL}, timeout=0.05)


@pytest.mark.parametrize(("fault", "unfolds"), [(Fault.bomb(), 500), (Fault.endless(), 1)])
def test_an_answer_without_end_comes_as_long_as_it_is_read(
    api: Caller, org: DemoOrg, fault: Fault, unfolds: int
) -> None:
    org.add_fault(fault, match="limits")
    read = had = 0
    with api.http.stream("GET", f"{BASE}/limits") as answer:
        unzip = zlib.decompressobj(31)
        for chunk in answer.iter_raw():
            read += len(chunk)
            had += len(unzip.decompress(chunk)) if unfolds > 1 else len(chunk)
            if had > 8_000_000:
                break
    assert had >= unfolds * read
    assert api.get("/limits").status_code == 200


def test_a_busy_org_asks_for_patience(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.busy("99999999"))
    answer = api.get("/limits")
    assert (answer.status_code, answer.headers["retry-after"], answer.text) == (503, "99999999", "")


def test_json_is_nested_as_deep_as_a_test_likes(api: Caller, org: DemoOrg) -> None:
    org.add_fault(Fault.nested_json(3))
    assert api.get("/limits").json() == [[[]]]


@pytest.mark.parametrize(("fault", "same"), [(Fault.same_page_again(), True), (Fault.ever_new_pages(), False)])
def test_the_pages_of_a_query_lead_in_a_circle(api: Caller, org: DemoOrg, fault: Fault, same: bool) -> None:
    org.page_size = 10
    org.add_fault(fault, times=None)
    second = api.get("/query", q=ALL).json()["nextRecordsUrl"]
    again = api.get(second).json()["nextRecordsUrl"]
    assert (again == second) is same
    assert api.get(again).json()["records"] == api.get(second).json()["records"]


def test_a_text_is_broken_wherever_it_comes_and_answers_without_it_pass(api: Caller, org: DemoOrg) -> None:
    org.update("Contact", str(org.rows("Contact")[0]["Id"]), LastName="Zoë Broken")
    org.add_fault(Fault.broken_text("Zoë Broken"))
    assert api.get("/limits").status_code == 200
    assert b'"\xffZo\xc3\xab Broken"' in api.get("/query", q=ALL).content
    assert b"\xff" not in api.get("/query", q=ALL).content


def test_the_results_of_a_bulk_job_begin_again_behind_ever_new_locators(api: Caller, org: DemoOrg) -> None:
    org.bulk_results_endless, org.bulk_page_size, org.bulk_polls = True, 20, 1
    job = api.send("POST", "/jobs/query", {"operation": "query", "query": ALL}).json()["id"]
    api.get(f"/jobs/query/{job}")
    locators: list[str] = []
    counts: list[str] = []
    for _ in range(6):
        path = f"/jobs/query/{job}/results"
        page = api.get(path, locator=locators[-1]) if locators else api.get(path)
        locators.append(page.headers["sforce-locator"])
        counts.append(page.headers["sforce-numberofrecords"])
    assert len(set(locators)) == 6
    assert counts == ["20", "5"] * 3
