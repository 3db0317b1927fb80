"""The actions that come with orgsync, each against the demo org: what it returns, and what it refuses."""

from collections.abc import AsyncGenerator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Job, Outcome
from orgsync.errors import (
    ArgumentInvalid,
    ExternalIdNotFound,
    FieldNotFound,
    NotFound,
    ObjectNotFound,
    PartlyDone,
    QueryRefused,
    ServerProblem,
)
from orgsync.scripts.action_discovery import load_shipped_action
from tests.projects import SampleProject, project_at

NAMES = [
    *("query", "query_all", "query_more", "search", "parameterized_search", "describe_object", "describe_global"),
    *("limits", "current_user", "list_resources", "recent_items", "get", "get_by_external_id", "basic_info", "create"),
    *("update", "update_by_external_id", "upsert", "delete", "create_many", "update_many", "upsert_many"),
    *("delete_many", "composite", "composite_batch", "composite_graph", "quick_actions", "quick_action_defaults"),
    *("run_flow", "run_apex"),
]


@pytest.fixture
async def project(tmp_path: Path) -> AsyncGenerator[SampleProject]:
    with DemoOrg(contacts=30, accounts=5, page_size=10) as org:
        org.add_field("Contact", "Key__c", external_id=True, unique=True)
        async with project_at(tmp_path, org) as opened:
            yield opened


async def outcome(project: SampleProject, name: str, /, **arguments: Any) -> Outcome:
    return await project.opened.execute(Job("action", name, "acme", arguments=arguments))


async def done(project: SampleProject, name: str, /, **arguments: Any) -> Any:
    ended = await outcome(project, name, **arguments)
    if ended.problem is not None:
        raise ended.problem
    return ended.document


def first(org: DemoOrg, sobject: str) -> dict[str, Any]:
    return cast("dict[str, Any]", org.rows(sobject)[0])


def test_every_action_is_there_by_its_own_name_with_a_summary_and_checkable_types() -> None:
    shipped = {point.name: load_shipped_action(point) for point in entry_points(group="orgsync.actions")}
    assert set(shipped) == set(NAMES)
    for name, action in shipped.items():
        assert action.name == name
        assert action.summary.endswith(".") or name == "search"
        assert action.problem is None


async def test_a_query_is_read_page_by_page(project: SampleProject) -> None:
    page = await done(project, "query", soql="SELECT Id FROM Contact ORDER BY Id")
    ids = [each["Id"] for each in page["records"]]
    assert (len(ids), page["total"]) == (10, 30)
    while page["next_page"]:
        page = await done(project, "query_more", next_page=page["next_page"])
        ids += [each["Id"] for each in page["records"]]
    assert ids == sorted(str(each["Id"]) for each in project.org.rows("Contact"))
    with pytest.raises(ArgumentInvalid, match="not what query has returned"):
        await done(project, "query_more", next_page="/services/data/v62.0/limits")


async def test_query_all_has_what_is_deleted(project: SampleProject) -> None:
    gone = first(project.org, "Contact")["Id"]
    await done(project, "delete", sobject="Contact", id=gone)
    soql = f"SELECT Id FROM Contact WHERE Id = '{gone}'"
    assert (await done(project, "query", soql=soql))["total"] == 0
    assert (await done(project, "query_all", soql=soql))["total"] == 1


async def test_searches_find_by_text(project: SampleProject) -> None:
    name = "Zyzzyva"
    await done(project, "create", sobject="Contact", record={"LastName": name})
    found = await done(project, "search", sosl=f"FIND {{{name}}} IN NAME FIELDS RETURNING Contact(Id, LastName)")
    assert name in {each["LastName"] for each in found}
    objects = [{"name": "Contact", "fields": ["Id", "LastName"], "order_by": "LastName", "limit": 1}]
    [one] = await done(project, "parameterized_search", text=name, objects=objects, limit=5)
    assert one["LastName"] == name


async def test_descriptions_of_the_org(project: SampleProject) -> None:
    assert (await done(project, "describe_object", sobject="Contact"))["name"] == "Contact"
    assert (await done(project, "basic_info", sobject="Contact"))["objectDescribe"]["name"] == "Contact"
    assert "Contact" in {each["name"] for each in await done(project, "describe_global")}
    assert (await done(project, "limits"))["DailyApiRequests"]["Max"]
    assert (await done(project, "list_resources"))["sobjects"].startswith("/services/data/")
    assert await done(project, "recent_items", limit=3) == []
    user = await done(project, "current_user")
    assert (user["id"], user["username"]) == (project.org.user_id, "ada@demo.example")


@pytest.mark.parametrize("name", ["describe_object", "basic_info", "quick_actions"])
async def test_an_unknown_object_is_named_with_the_nearest(project: SampleProject, name: str) -> None:
    with pytest.raises(ObjectNotFound, match="Did you mean Contact"):
        await done(project, name, sobject="Contakt")


async def test_a_record_is_read_by_its_id_or_its_external_id(project: SampleProject) -> None:
    contact = first(project.org, "Contact")
    read = await done(project, "get", sobject="Contact", id=contact["Id"])
    assert (read["LastName"], read["Email"]) == (contact["LastName"], contact["Email"])
    fields = ["LastName"]
    read = await done(project, "get", sobject="Contact", id=contact["Id"], fields=fields)
    assert {*read} == {"attributes", "Id", "LastName"}
    with pytest.raises(FieldNotFound, match="Did you mean LastName"):
        await done(project, "get", sobject="Contact", id=contact["Id"], fields=["LastNam"])
    with pytest.raises(NotFound):
        await done(project, "get", sobject="Contact", id="003000000000000AAA")
    await done(project, "update", sobject="Contact", id=contact["Id"], record={"Key__c": "a/b"})
    named = {"sobject": "Contact", "external_id": "Key__c"}
    assert (await done(project, "get_by_external_id", **named, value="a/b", fields=fields))["Id"] == contact["Id"]
    with pytest.raises(NotFound):
        await done(project, "get_by_external_id", **named, value="nobody's")


async def test_an_external_id_that_several_records_have_is_refused(project: SampleProject) -> None:
    project.org.add_field("Contact", "Code__c", external_id=True)
    for each in project.org.rows("Contact")[:2]:
        project.org.update("Contact", str(each["Id"]), Code__c="twice")
    named = {"sobject": "Contact", "external_id": "Code__c", "value": "twice"}
    with pytest.raises(QueryRefused, match="2 records of Contact have this Code__c"):
        await done(project, "get_by_external_id", **named)
    for name in ("upsert", "update_by_external_id"):
        with pytest.raises(QueryRefused, match="DUPLICATE_EXTERNAL_ID"):
            await done(project, name, **named, record={"Title": "x"})


async def test_a_record_is_created_changed_and_deleted(project: SampleProject) -> None:
    made = await done(project, "create", sobject="Contact", record={"LastName": "Lovelace", "Title": "Countess"})
    assert made["created"] is True
    row = {each["Id"]: each for each in project.org.rows("Contact")}[made["id"]]
    assert row["Title"] == "Countess"
    changed = await done(project, "update", sobject="Contact", id=made["id"], record={"Title": None})
    assert changed == {"id": made["id"], "created": False}
    row = {each["Id"]: each for each in project.org.rows("Contact")}[made["id"]]
    assert (row["LastName"], row["Title"]) == ("Lovelace", None)
    assert await done(project, "delete", sobject="Contact", id=made["id"]) is None
    for name, more in (("delete", {}), ("update", {"record": {"Title": "x"}})):
        with pytest.raises(NotFound):
            await done(project, name, sobject="Contact", id=made["id"], **more)


async def test_a_record_is_written_by_its_external_id(project: SampleProject) -> None:
    named = {"sobject": "Contact", "external_id": "Key__c", "value": "k-1"}
    with pytest.raises(NotFound):
        await done(project, "update_by_external_id", **named, record={"LastName": "Lovelace"})
    made = await done(project, "upsert", **named, record={"LastName": "Lovelace"})
    assert made["created"] is True
    assert await done(project, "upsert", **named, record={"LastName": "King"}) == {"id": made["id"], "created": False}
    again = await done(project, "update_by_external_id", **named, record={"LastName": "Byron"})
    assert again == {"id": made["id"], "created": False}
    with pytest.raises(ExternalIdNotFound, match="Title is neither an external id"):
        await done(project, "upsert", sobject="Contact", external_id="Title", value="x", record={})


async def test_a_wrong_record_is_named_before_it_is_sent(project: SampleProject) -> None:
    project.org.clear_requests()
    with pytest.raises(FieldNotFound, match="Did you mean LastName"):
        await done(project, "create", sobject="Contact", record={"LastNam": "Lovelace"})
    with pytest.raises(ObjectNotFound, match="Did you mean Contact"):
        await done(project, "create", sobject="Contakt", record={"LastName": "Lovelace"})
    assert {each.method for each in project.org.requests} == {"GET"}


async def test_what_salesforce_refuses_has_its_code_and_fields_and_its_text_for_the_terminal(
    project: SampleProject,
) -> None:
    with pytest.raises(QueryRefused) as caught:
        await done(project, "create", sobject="Contact", record={"FirstName": "Ada-of-old"})
    assert "(REQUIRED_FIELD_MISSING, LastName)" in str(caught.value)
    assert "Required fields are missing" in caught.value.detail
    assert "Ada-of-old" not in str(caught.value)


async def test_a_record_of_which_no_response_says_whether_it_was_made_is_not_made_twice(
    project: SampleProject,
) -> None:
    before = len(project.org.rows("Contact"))
    project.org.add_fault(Fault.reset(processed=True), match="/composite/sobjects")
    with pytest.raises(ServerProblem, match="may have been carried out"):
        await done(project, "create", sobject="Contact", record={"LastName": "Lovelace"})
    assert len(project.org.rows("Contact")) == before + 1


async def test_an_id_of_another_object_deletes_nothing(project: SampleProject) -> None:
    account = first(project.org, "Account")["Id"]
    with pytest.raises((NotFound, QueryRefused)):
        await done(project, "delete", sobject="Contact", id=account)
    await outcome(project, "delete_many", sobject="Contact", ids=[account])
    assert account in [each["Id"] for each in project.org.rows("Account") if not each["IsDeleted"]]


async def test_many_rows_go_200_a_call_with_an_answer_each_in_their_order(project: SampleProject) -> None:
    rows = [{"LastName": f"Row {number}", "Key__c": f"many-{number}"} for number in range(450)]
    rows[7] = {"FirstName": "Nobody", "Key__c": "many-7"}
    project.org.clear_requests()
    ended = await outcome(project, "create_many", sobject="Contact", rows=rows)
    assert isinstance(ended.problem, PartlyDone)
    assert "1 of 450 rows was not written" in str(ended.problem)
    assert (ended.document["success"], ended.document["written"]) == (False, 449)
    answers = ended.document["rows"]
    assert [each["place"] for each in answers] == list(range(450))
    assert answers[7]["code"] == "REQUIRED_FIELD_MISSING"
    assert answers[7]["fields"] == ["LastName"]
    calls = [each for each in project.org.requests if each.path.endswith("/composite/sobjects")]
    assert len(calls) in (3, 4)  # rows of other columns go by themselves
    names = {each["Id"]: each["LastName"] for each in project.org.rows("Contact")}
    assert [names[each["id"]] for each in answers if each["success"]] == [
        row["LastName"] for row in rows if "LastName" in row
    ]


async def test_many_rows_are_changed_upserted_and_deleted(project: SampleProject) -> None:
    ids = [str(each["Id"]) for each in project.org.rows("Contact")[:3]]
    changed = await done(project, "update_many", sobject="Contact", rows=[{"Id": each, "Title": "Dr."} for each in ids])
    assert [each["id"] for each in changed["rows"]] == ids
    rows = [{"Key__c": "u-1", "LastName": "One"}, {"Key__c": "u-2", "LastName": "Two"}]
    made = await done(project, "upsert_many", sobject="Contact", external_id="Key__c", rows=rows)
    assert [each["created"] for each in made["rows"]] == [True, True]
    made = await done(project, "upsert_many", sobject="Contact", external_id="Key__c", rows=rows)
    assert [each["created"] for each in made["rows"]] == [False, False]
    deleted = await done(project, "delete_many", sobject="Contact", ids=ids)
    assert deleted["written"] == 3
    gone = await outcome(project, "delete_many", sobject="Contact", ids=ids)
    assert [each["code"] for each in gone.document["rows"]] == ["ENTITY_IS_DELETED"] * 3


async def test_all_or_none_writes_all_or_none(project: SampleProject) -> None:
    before = len(project.org.rows("Contact"))
    rows = [{"LastName": "One"}, {"FirstName": "Nobody"}]
    ended = await outcome(project, "create_many", sobject="Contact", rows=rows, all_or_none=True)
    assert [each["code"] for each in ended.document["rows"]] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert len(project.org.rows("Contact")) == before
    made = await done(project, "create_many", sobject="Contact", rows=[{"LastName": "One"}], all_or_none=True)
    made_id = made["rows"][0]["id"]
    rows = [{"Id": made_id, "LastName": "Two"}]
    assert (await done(project, "update_many", sobject="Contact", rows=rows, all_or_none=True))["written"] == 1
    rows = [{"Key__c": "a-1", "LastName": "Three"}]
    named = {"sobject": "Contact", "external_id": "Key__c"}
    upserted = await done(project, "upsert_many", **named, rows=rows, all_or_none=True)
    assert upserted["rows"][0]["created"] is True
    ids = [made_id, "003000000000000AAA"]
    ended = await outcome(project, "delete_many", sobject="Contact", ids=ids, all_or_none=True)
    assert ended.document["written"] == 0
    with pytest.raises(ArgumentInvalid, match="201 rows are too many for all_or_none"):
        await done(project, "create_many", sobject="Contact", rows=[{"LastName": "x"}] * 201, all_or_none=True)


async def test_composite_requests_refer_to_each_other(project: SampleProject) -> None:
    requests: list[dict[str, Any]] = [
        {"method": "POST", "url": "sobjects/Account", "reference_id": "made", "body": {"Name": "Analytical"}},
        {
            "method": "POST",
            "url": "/sobjects/Contact",
            "referenceId": "person",
            "body": {"LastName": "Lovelace", "AccountId": "@{made.id}"},
        },
    ]
    found = await done(project, "composite", requests=requests)
    assert [each["status"] for each in found["responses"]] == [201, 201]
    made, person = (each["body"]["id"] for each in found["responses"])
    assert {each["Id"]: each for each in project.org.rows("Contact")}[person]["AccountId"] == made
    requests[1]["body"] = {"FirstName": "Nobody"}
    before = len(project.org.rows("Account"))
    ended = await outcome(project, "composite", requests=requests, all_or_none=True)
    assert isinstance(ended.problem, PartlyDone)
    assert [each["status"] for each in ended.document["responses"]] == [400, 400]
    assert len(project.org.rows("Account")) == before


async def test_batches_and_graphs(project: SampleProject) -> None:
    requests = [{"method": "GET", "url": "limits"}, {"method": "GET", "url": "sobjects/Nothing"}]
    ended = await outcome(project, "composite_batch", requests=requests)
    assert "1 of 2 requests failed" in str(ended.problem)
    assert [each["status"] for each in ended.document["responses"]] == [200, 404]
    node = {"method": "POST", "url": "sobjects/Account", "reference_id": "a", "body": {"Name": "Analytical"}}
    wrong = {**node, "body": {}}
    ended = await outcome(
        project, "composite_graph", graphs=[{"id": "one", "requests": [node]}, {"id": "two", "requests": [wrong]}]
    )
    assert [each["success"] for each in ended.document["graphs"]] == [True, False]
    assert "1 of 2 graphs were not carried out" in str(ended.problem)


async def test_quick_actions_and_their_defaults(project: SampleProject) -> None:
    assert "LogACall" in {each["name"] for each in await done(project, "quick_actions")}
    assert "Close" in {each["name"] for each in await done(project, "quick_actions", sobject="Case")}
    defaults = await done(project, "quick_action_defaults", name="LogACall")
    assert defaults["Subject"] == "Call"
    account = first(project.org, "Account")["Id"]
    of_account = {"name": "NewContact", "sobject": "Account", "record_id": account}
    assert (await done(project, "quick_action_defaults", **of_account))["AccountId"] == account


async def test_flows_and_apex_run_once_for_each_input(project: SampleProject) -> None:
    case, account = first(project.org, "Case")["Id"], first(project.org, "Account")["Id"]
    ran = await done(project, "run_flow", name="Escalate_Case", inputs=[{"caseId": case}])
    assert ran["runs"][0]["outputs"]["priority"] == "High"
    ended = await outcome(project, "run_flow", name="Escalate_Case", inputs=[{"caseId": case}, {}])
    assert [each["success"] for each in ended.document["runs"]] == [True, False]
    assert "1 of 2 inputs failed" in str(ended.problem)
    ran = await done(project, "run_apex", name="AccountRating", inputs=[{"accountId": account, "rating": "Hot"}])
    assert ran["runs"][0]["outputs"] == {"output": "Hot"}
    with pytest.raises(NotFound, match="Did you mean Escalate_Case"):
        await done(project, "run_flow", name="EscalateCases", inputs=[{}])
