"""Requests that carry requests: composite, batch, graph and tree, their references and their rollback."""

from typing import Any

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import BASE, Caller
from tests.demo_org.ingest import refusal


def part(reference: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    request = {"referenceId": reference, "method": method, "url": BASE + path}
    return request if body is None else {**request, "body": body}


def composite(api: Caller, *parts: dict[str, Any], all_or_none: bool = False) -> list[Any]:
    answer = api.send("POST", "/composite", {"allOrNone": all_or_none, "compositeRequest": list(parts)})
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["compositeResponse"]
    return found


def names(org: DemoOrg, sobject: str = "Account") -> list[object]:
    return [row["Name"] for row in org.rows(sobject)]


ACME = part("acme", "POST", "/sobjects/Account", {"Name": "Acme"})
WITHOUT_NAME = part("bad", "POST", "/sobjects/Account", {"Phone": "1"})


def test_parts_refer_to_the_results_of_earlier_ones(api: Caller, org: DemoOrg) -> None:
    before = org.api_used
    found = composite(
        api,
        ACME,
        part("ann", "POST", "/sobjects/Contact", {"LastName": "Ann", "AccountId": "@{acme.id}"}),
        part("read", "GET", "/sobjects/Account/@{acme.id}?fields=Name"),
        part("query", "GET", "/query?q=SELECT Id FROM Contact WHERE AccountId = '@{acme.id}'"),
        part("title", "PATCH", "/sobjects/Contact/@{query.records[0].Id}", {"Title": "of @{read.Name}"}),
    )
    assert [(each["referenceId"], each["httpStatusCode"]) for each in found] == [
        ("acme", 201), ("ann", 201), ("read", 200), ("query", 200), ("title", 204),
    ]  # fmt: skip
    assert found[0]["httpHeaders"]["Location"].endswith(found[0]["body"]["id"])
    assert found[4]["body"] is None
    (row,) = [row for row in org.rows("Contact") if row["AccountId"] == found[0]["body"]["id"]]
    assert row["Title"] == "of Acme"
    assert org.api_used - before == 1


def test_a_failed_part_fails_those_that_refer_to_it_and_no_others(api: Caller, org: DemoOrg) -> None:
    late = part("late", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{bad.id}"})
    bad, late_answer, good = composite(api, WITHOUT_NAME, late, ACME)
    assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert late_answer["body"] == [
        {"message": "Invalid reference specified. No value for bad.id found in bad", "errorCode": "PROCESSING_HALTED"}
    ]
    assert good["httpStatusCode"] == 201


def test_all_or_none_takes_everything_back(api: Caller, org: DemoOrg) -> None:
    kept = org.insert("Account", Name="Kept")
    remove = part("gone", "DELETE", f"/sobjects/Account/{kept}")
    before = names(org)
    first, gone, bad, last = composite(
        api, ACME, remove, WITHOUT_NAME, part("last", "GET", "/limits"), all_or_none=True
    )
    halted = {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
    for each in (first, gone, last):
        assert (each["httpStatusCode"], each["body"]) == (400, [halted])
    assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert names(org) == before
    org.insert("Account", Name="Acme")
    assert names(org)[-1] == "Acme"


def test_what_a_composite_may_not_hold_is_refused(api: Caller) -> None:
    def refused(*parts: dict[str, Any]) -> str:
        return refusal(api.send("POST", "/composite", {"compositeRequest": list(parts)}))[1]

    many = [part(f"r{number}", "GET", "/limits") for number in range(26)]
    queries = [part(f"q{number}", "GET", "/query?q=SELECT Id FROM Account") for number in range(6)]
    assert refused(*many) == refused(*queries) == "LIMIT_EXCEEDED"
    assert refused(ACME, ACME) == refused(part("no-word", "GET", "/limits")) == "INVALID_INPUT"
    assert refused() == "JSON_PARSER_ERROR"
    (nested,) = composite(api, part("r", "POST", "/composite/batch", {}))
    assert nested["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_a_describe_in_a_composite_knows_conditions(api: Caller) -> None:
    whole = api.get("/sobjects/Account/describe", headers={"Accept-Encoding": "identity"})
    asked = {**part("d", "GET", "/sobjects/Account/describe"), "httpHeaders": {"If-None-Match": whole.headers["etag"]}}
    (found,) = composite(api, asked)
    assert (found["httpStatusCode"], found["body"]) == (304, None)
    assert {*found["httpHeaders"]} == {"ETag", "Last-Modified"}


def test_a_batch_goes_on_or_halts_at_an_error(api: Caller, org: DemoOrg) -> None:
    requests = [
        {"method": "GET", "url": "v66.0/limits"},
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Phone": "1"}},
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Name": "Acme"}},
    ]
    found = api.send("POST", "/composite/batch", {"batchRequests": requests}).json()
    assert (found["hasErrors"], [each["statusCode"] for each in found["results"]]) == (True, [200, 400, 201])
    halted = api.send("POST", "/composite/batch", {"haltOnError": True, "batchRequests": requests}).json()
    assert [each["statusCode"] for each in halted["results"]] == [200, 400, 412]
    assert halted["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert names(org).count("Acme") == 1


def test_a_graph_is_all_or_nothing_and_its_nodes_come_in_any_order(api: Caller, org: DemoOrg) -> None:
    good = [part("ann", "POST", "/sobjects/Contact", {"LastName": "Ann", "AccountId": "@{acme.id}"}), ACME]
    bad = [part("other", "POST", "/sobjects/Account", {"Name": "Other"}), WITHOUT_NAME]
    graphs = [{"graphId": "1", "compositeRequest": good}, {"graphId": "2", "compositeRequest": bad}]
    first, second = api.send("POST", "/composite/graph", {"graphs": graphs}).json()["graphs"]
    assert (first["graphId"], first["isSuccessful"], second["graphId"], second["isSuccessful"]) == (
        "1",
        True,
        "2",
        False,
    )
    answers = first["graphResponse"]["compositeResponse"]
    assert [each["referenceId"] for each in answers] == ["ann", "acme"]
    assert org.rows("Contact")[-1]["AccountId"] == answers[1]["body"]["id"]
    assert [each["httpStatusCode"] for each in second["graphResponse"]["compositeResponse"]] == [400, 400]
    assert "Other" not in names(org)
    circle = [
        part("a", "POST", "/sobjects/Account", {"Name": "@{b.id}"}),
        part("b", "POST", "/sobjects/Account", {"Name": "@{a.id}"}),
    ]
    asked = {"graphs": [{"graphId": "1", "compositeRequest": circle}]}
    assert refusal(api.send("POST", "/composite/graph", asked))[1] == "INVALID_INPUT"


def tree(sobject: str, reference: str, **fields: object) -> dict[str, Any]:
    return {"attributes": {"type": sobject, "referenceId": reference}, **fields}


def test_a_tree_creates_parents_and_children(api: Caller, org: DemoOrg) -> None:
    people = {"records": [tree("Contact", "c1", LastName="One"), tree("Contact", "c2", LastName="Two")]}
    asked = {"records": [tree("Account", "a1", Name="Acme", Contacts=people), tree("Account", "a2", Name="Other")]}
    answer = api.send("POST", "/composite/tree/Account", asked)
    found = answer.json()
    assert (answer.status_code, found["hasErrors"]) == (201, False)
    ids = {each["referenceId"]: each["id"] for each in found["results"]}
    assert [*ids] == ["a1", "a2", "c1", "c2"]
    assert [row["AccountId"] for row in org.rows("Contact") if row["LastName"] in {"One", "Two"}] == [ids["a1"]] * 2


def test_a_tree_with_a_broken_record_creates_nothing(api: Caller, org: DemoOrg) -> None:
    before = names(org)
    people = {"records": [tree("Contact", "c1", Title="without a name")]}
    asked = {"records": [tree("Account", "a1", Name="Acme", Contacts=people)]}
    answer = api.send("POST", "/composite/tree/Account", asked)
    assert answer.status_code == 400
    (result,) = answer.json()["results"]
    assert (result["referenceId"], result["errors"][0]["statusCode"]) == ("c1", "REQUIRED_FIELD_MISSING")
    assert names(org) == before
    double = {"records": [tree("Account", "a", Name="x"), tree("Account", "a", Name="y")]}
    results = api.send("POST", "/composite/tree/Account", double).json()["results"]
    assert [each["errors"][0]["message"] for each in results] == ["Duplicate ReferenceId provided in the request."] * 2


def test_a_part_has_the_keys_of_a_real_one(api: Caller) -> None:
    (found,) = composite(api, part("CCI__RefId__0__", "GET", "/sobjects/Foo"))
    assert found == {
        "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
        "httpHeaders": {},
        "httpStatusCode": 404,
        "referenceId": "CCI__RefId__0__",
    }


def test_a_key_that_was_changed_and_taken_back_is_found_again(api: Caller, org: DemoOrg) -> None:
    org.add_field("Account", "Code__c", external_id=True)
    account = org.insert("Account", Name="Acme", Code__c="old")
    change = part("change", "PATCH", f"/sobjects/Account/{account}", {"Code__c": "new"})
    search = part("search", "GET", "/sobjects/Account/Code__c/new")
    assert len(composite(api, change, search, WITHOUT_NAME, all_or_none=True)) == 3
    assert api.get("/sobjects/Account/Code__c/old").json()["Id"] == account
    assert api.get("/sobjects/Account/Code__c/new").status_code == 404
