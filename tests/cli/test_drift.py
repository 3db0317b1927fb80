"""`orgsync drift`: what has changed in the orgs since yesterday."""

from orgsync.demo_org import DemoOrg

from .commandline import Command


def test_drift_says_that_there_is_nothing_to_compare_that_nothing_has_changed_and_what_has(
    orgsync: Command, acme: DemoOrg
) -> None:
    before = orgsync("drift")
    assert (before.code, before.out) == (0, "")
    assert "Run a sync: orgsync run." in before.err
    orgsync("run", "accounts")
    calm = orgsync("drift")
    assert (calm.code, calm.out) == (0, "")
    assert calm.err.startswith("Nothing has changed since yesterday in ")
    acme.add_field("Account", "Region__c")
    acme.change_field_type("Account", "Industry", "string")
    changed = orgsync("drift", "-c", "acme", "--json")
    assert (changed.code, changed.err) == (0, "")
    [region, industry] = changed.objects()
    assert region.pop("found_at")
    assert region == {
        "connection": "acme",
        "object": "Account",
        "field": "Region__c",
        "change": "new",
        "type": "string",
        "before": None,
        "syncs": [],
    }
    assert (industry["change"], industry["before"], industry["syncs"]) == ("retyped", "picklist", ["accounts"])
    assert "Region__c" in orgsync("drift").out
    [shown] = [each for each in orgsync("status", "--json").objects() if each["sync"] == "accounts"]
    assert [each["kind"] for each in shown["alerts"]] == ["schema_changed"]


def test_drift_exits_as_the_sign_in_that_is_needed_and_knows_the_nearest_name(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "accounts")
    acme.revoke_refresh_tokens()
    acme.expire_tokens()
    refused = orgsync("drift")
    assert refused.code == 3
    assert refused.err.startswith("acme was not asked: ")
    assert "did you mean 'acme'?" in orgsync("drift", "-c", "acne").err
