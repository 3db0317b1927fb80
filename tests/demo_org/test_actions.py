"""Quick actions and invocable actions: described, run, and refused."""

from collections.abc import Mapping

from orgsync.demo_org import DemoOrg, InvocableAction, QuickAction, Refusal
from tests.demo_org.caller import Caller
from tests.demo_org.ingest import refusal


def test_quick_actions_are_listed_for_the_org_and_for_an_object(api: Caller) -> None:
    everywhere = {each["name"]: each for each in api.get("/quickActions").json()}
    of_account = {each["name"]: each for each in api.get("/sobjects/Account/quickActions").json()}
    assert {*everywhere} == {"LogACall", "NewAccount"}
    assert {*of_account} == {"LogACall", "NewAccount", "NewContact"}
    for action in (everywhere["LogACall"], of_account["NewContact"]):
        assert api.get(action["urls"]["quickAction"]).json() == action
        assert api.get(action["urls"]["describe"]).json()["label"] == action["label"]
    assert api.get("/sobjects/AccountShare/quickActions").status_code == 404
    assert api.get("/sobjects/Lead/quickActions/NewContact").status_code == 404


def test_a_quick_action_is_described_and_has_default_values(api: Caller, org: DemoOrg) -> None:
    about = api.get("/sobjects/Account/quickActions/NewContact/describe").json()
    assert (about["contextSobjectType"], about["targetSobjectType"], about["type"]) == ("Account", "Contact", "Create")
    assert about["targetParentField"] == "AccountId"
    account = org.rows("Account")[0]["Id"]
    values = api.get(f"/sobjects/Account/quickActions/NewContact/defaultValues/{account}").json()
    assert values == {"attributes": {"type": "Contact"}, "AccountId": account}
    assert api.get("/quickActions/LogACall/defaultValues").json()["Subject"] == "Call"
    assert api.get("/sobjects/Account/quickActions/NewContact/defaultValues/001Dn0000000001AAA").status_code == 404


def test_a_quick_action_creates_or_updates(api: Caller, org: DemoOrg) -> None:
    account, case = str(org.rows("Account")[0]["Id"]), str(org.rows("Case")[0]["Id"])
    asked = {"contextId": account, "record": {"LastName": "Quick"}}
    made = api.send("POST", "/sobjects/Account/quickActions/NewContact", asked)
    assert (made.status_code, made.json()["created"], made.json()["success"]) == (201, True, True)
    row = org.rows("Contact")[-1]
    assert ([row["Id"]], row["AccountId"]) == (made.json()["ids"], account)
    closed = api.send("POST", "/sobjects/Case/quickActions/Close", {"contextId": case})
    assert (closed.status_code, closed.json()["created"]) == (200, False)
    assert org.rows("Case")[0]["Status"] == "Closed"
    nameless = api.send("POST", "/sobjects/Account/quickActions/NewContact", {"contextId": account, "record": {}})
    assert refusal(nameless)[1] == "REQUIRED_FIELD_MISSING"


def test_a_test_adds_a_quick_action(api: Caller, org: DemoOrg) -> None:
    org.add_quick_action(QuickAction(name="Rate", label="Rate", kind="Update", target="Account", context="Account"))
    account = str(org.rows("Account")[0]["Id"])
    asked = {"contextId": account, "record": {"Rating": "Hot"}}
    assert api.send("POST", "/sobjects/Account/quickActions/Rate", asked).status_code == 200
    assert org.rows("Account")[0]["Rating"] == "Hot"


def test_invocable_actions_are_listed_and_described(api: Caller) -> None:
    assert [*api.get("/actions/custom").json()] == ["apex", "flow"]
    (flow,) = api.get("/actions/custom/flow").json()["actions"]
    assert (flow["name"], flow["type"]) == ("Escalate_Case", "FLOW")
    about = api.get(flow["url"]).json()
    assert [(each["name"], each["required"]) for each in about["inputs"]] == [("caseId", True)]
    assert [each["name"] for each in about["outputs"]] == ["priority", "Flow__InterviewStatus"]
    (method,) = api.get("/actions/custom/apex").json()["actions"]
    assert api.get(method["url"]).json()["type"] == "APEX"
    assert api.get("/actions/custom/flow/None").status_code == 404


def test_an_action_runs_once_for_each_input(api: Caller, org: DemoOrg) -> None:
    case = str(org.rows("Case")[1]["Id"])
    answer = api.send("POST", "/actions/custom/flow/Escalate_Case", {"inputs": [{"caseId": case}]})
    assert answer.status_code == 200
    assert answer.json() == [
        {
            "actionName": "Escalate_Case",
            "errors": None,
            "isSuccess": True,
            "outputValues": {"priority": "High", "Flow__InterviewStatus": "Finished"},
        }
    ]
    assert (org.rows("Case")[1]["Priority"], org.rows("Case")[1]["IsEscalated"]) == ("High", True)
    account = str(org.rows("Account")[0]["Id"])
    inputs: list[dict[str, str]] = [{"accountId": account, "rating": "Hot"}, {}, {"accountId": account, "x": "y"}]
    failed = api.send("POST", "/actions/custom/apex/AccountRating", {"inputs": inputs})
    assert failed.status_code == 400
    good, missing, unknown = failed.json()
    assert good["isSuccess"] is True
    assert missing["errors"] == [
        {
            "statusCode": "INVALID_API_INPUT",
            "message": "Missing required input parameter: accountId",
            "fields": [],
        }
    ]
    assert "unknown" in unknown["errors"][0]["message"]
    assert refusal(api.send("POST", "/actions/custom/apex/AccountRating", {}))[1] == "JSON_PARSER_ERROR"


def test_a_test_adds_an_action_of_its_own(api: Caller, org: DemoOrg) -> None:
    def double(given: Mapping[str, object]) -> Mapping[str, object]:
        number = given["number"]
        if not isinstance(number, int):
            raise Refusal(400, "CANNOT_EXECUTE_FLOW_TRIGGER", "The flow failed.", [])
        return {"twice": 2 * number}

    org.add_action(InvocableAction(name="Double", label="Double", kind="flow", run=double, inputs={"number": "NUMBER"}))
    answer = api.send("POST", "/actions/custom/flow/Double", {"inputs": [{"number": 2}, {"number": "two"}]})
    good, failed = answer.json()
    assert good["outputValues"]["twice"] == 4
    assert failed["errors"][0]["statusCode"] == "CANNOT_EXECUTE_FLOW_TRIGGER"
