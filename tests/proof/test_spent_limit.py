"""A spent daily limit ends a run with exit 4, and a later run goes on from there."""

from pathlib import Path

from orgsync.demo_org import DemoOrg
from tests.cli.commandline import finished, objects, variables_for


def test_a_spent_limit_ends_with_exit_4_and_a_later_run_continues(tmp_path: Path, org: DemoOrg) -> None:
    org.page_size = 3
    (tmp_path / "orgsync.toml").touch()
    connected = ("connect", "acme", "--flow", "refresh-token", "--login-url", org.url)
    assert finished(tmp_path, *connected, env=variables_for(org)).code == 0

    org.api_limit = org.api_used + 10
    spent = finished(tmp_path, "run", "contacts", "--json", env={"ORGSYNC_API_LIMIT_SHARE": "1"})
    assert spent.code == 4, spent
    first = objects(spent.out)[0]
    assert first["status"] == "stopped"
    assert 0 < first["added"] < 25
    assert org.api_used <= org.api_limit

    again = finished(tmp_path, "run", "contacts", "--json")
    assert again.code == 4, again
    assert objects(again.out)[0]["added"] == 0

    org.api_limit, org.api_used = 100_000, 0
    org.clear_requests()
    rest = finished(tmp_path, "run", "contacts", "--json")
    assert rest.code == 0, rest
    assert objects(rest.out)[0]["added"] == 25 - first["added"]
    rows = finished(tmp_path, "records", "contact", "--format", "json")
    live = {row["id"]: row["last_name"] for row in objects(rows.out)}
    assert live == {row["Id"]: row["LastName"] for row in org.rows("Contact")}


def test_with_the_default_share_a_run_stops_before_the_limit(tmp_path: Path, org: DemoOrg) -> None:
    (tmp_path / "orgsync.toml").touch()
    connected = ("connect", "acme", "--flow", "refresh-token", "--login-url", org.url)
    assert finished(tmp_path, *connected, env=variables_for(org)).code == 0
    org.api_limit, org.api_used = 100, 79
    org.page_size = 1
    spent = finished(tmp_path, "run", "contacts", "--json")
    assert spent.code == 4, spent
    assert org.api_used <= 85
