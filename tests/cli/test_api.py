"""One authenticated call."""

import json
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command


def test_an_answer_is_printed_as_json(orgsync: Command, acme: DemoOrg) -> None:
    limits = json.loads(orgsync("api", "GET", "limits").out)
    assert limits["DailyApiRequests"]["Max"] == acme.api_limit
    assert orgsync("api", "get", "/services/data", "-c", "acme").code == 0


def test_blanks_and_letters_of_a_query_may_be_typed_as_they_are(orgsync: Command, acme: DemoOrg) -> None:
    acme.insert("Contact", LastName="Ødegård")
    found = json.loads(orgsync("api", "GET", "query?q=SELECT Id FROM Contact WHERE LastName = 'Ødegård'").out)
    assert found["totalSize"] == 1


def test_a_row_is_made_changed_and_deleted(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    made = json.loads(orgsync("api", "POST", "sobjects/Contact", "--data", '{"LastName": "Lovelace"}').out)
    path = f"sobjects/Contact/{made['id']}"
    (folder / "change.json").write_text('{"FirstName": "Ada"}')
    changed = orgsync("api", "PATCH", path, "--data", "@change.json")
    assert (changed.code, changed.out) == (0, "")
    assert orgsync("api", "PATCH", path, "--data", "-", answers='{"Title": "Countess"}').code == 0
    row = next(row for row in acme.rows("Contact") if row["Id"] == made["id"])
    assert (row["FirstName"], row["Title"]) == ("Ada", "Countess")
    assert orgsync("api", "DELETE", path).code == 0
    assert made["id"] not in [row["Id"] for row in acme.rows("Contact")]


def test_what_is_no_json_or_no_file_is_reported(orgsync: Command, acme: DemoOrg) -> None:
    assert "line 1" in orgsync("api", "POST", "sobjects/Contact", "--data", "{oops").problem()[0]
    assert "nowhere.json" in orgsync("api", "POST", "sobjects/Contact", "--data", "@nowhere.json").problem()[0]
    assert orgsync("api", "GET", "limits", "--data", "{}").code == 2
    assert orgsync("api", "PUT", "limits", "--data", "{}").code == 1  # Salesforce's to refuse
    assert orgsync("api", "POST", "sobjects/Contact", "--data", "@.").code == 2


def test_a_token_is_not_sent_to_another_host(orgsync: Command, acme: DemoOrg) -> None:
    refused = orgsync("api", "GET", "https://salesforce.example.com/services/data")
    assert refused.code == 2
    cause, remedy = refused.problem()
    assert cause.startswith("https://salesforce.example.com is not a host of this connection")
    assert f"whose token goes only to {acme.instance_url.removeprefix('http://')}" in cause
    assert "no token was sent" in cause
    assert remedy.startswith("Give the path alone, such as /services/data/")
    assert "login URL" not in remedy


@pytest.mark.parametrize("root", ["", "/services/data/v62.0/"])
def test_an_address_inside_of_a_query_is_text(orgsync: Command, acme: DemoOrg, root: str) -> None:
    acme.insert("Contact", LastName="http://x.example/?a=1")
    path = f"{root}query?q=SELECT LastName FROM Contact WHERE LastName LIKE 'http://x%25'"
    assert json.loads(orgsync("api", "GET", path).out)["totalSize"] == 1


def test_a_refused_request_is_reported(orgsync: Command, acme: DemoOrg) -> None:
    refused = orgsync("api", "GET", "query?q=SELECT Nothing FROM Contact")
    assert refused.code == 1
    assert "Nothing" in refused.problem()[0]


def test_a_query_of_ones_own_that_is_refused_tells_where_and_is_ones_own_to_change(
    orgsync: Command, acme: DemoOrg
) -> None:
    cause, remedy = orgsync("api", "GET", "query?q=SELECT Id FROM Contact WHERE LastName == 'A'").problem()
    assert "MALFORMED_QUERY: unexpected token: '='" in cause
    assert "at column" in cause
    assert remedy == "Change the query or the request."


def test_methods_are_listed_as_they_are_written(orgsync: Command) -> None:
    assert "'foo' is not one of GET, POST, PATCH, PUT, DELETE." in orgsync("api", "foo", "limits").err
    assert "Did you mean PATCH?" in orgsync("api", "patsch", "limits").err
