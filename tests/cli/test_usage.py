"""A wrong call is told in the command's own voice, with a call that works."""

import pytest

from .commandline import Command

WRONG = [
    ("runs products", "'products' is not the number of a run", "orgsync runs --sync products"),
    ("new Lead", "orgsync new has no command Lead", "Did you mean: orgsync new sync Lead?"),
    ("cassettes x.yaml", "has no command x.yaml", "Did you mean: orgsync cassettes check x.yaml?"),
    ("connections acme", "has no command acme", "Did you mean: orgsync connections show acme?"),
    ("connections schedule", "connections has no command schedule", "Did you mean: orgsync schedule, or orgsync con"),
    ("tokens records", "orgsync tokens has no command records", "Did you mean: orgsync records? Available:"),
    ("connections remoev acme", "has no command remoev", "Did you mean: orgsync connections remove?"),
    ("rnu contacts", "orgsync has no command rnu", "Did you mean: orgsync run?"),
    ("nothing", "orgsync has no command nothing", "Available: demo, init,"),
    ("run --all", "orgsync run needs SYNC (the syncs to run", "orgsync run contacts; orgsync syncs lists the syncs"),
    ("record", "orgsync record needs SYNC", "For example: orgsync record contacts -c acme"),
    ("reset", "orgsync reset needs SYNC", "For example: orgsync reset contacts"),
    ("records", "orgsync records needs MODEL", "For example: orgsync records contact"),
    ("connect", "orgsync connect needs NAME", "For example: orgsync connect acme. See"),
    ("connections show", "orgsync connections show needs CONNECTION", "orgsync connections lists the connections"),
    ("connections rename a", "orgsync connections rename needs NEW", "orgsync connections rename acme acme-eu"),
    ("connections test", "orgsync connections test needs CONNECTION", "orgsync connections test acme"),
    ("tokens create", "orgsync tokens create needs NAME (what to call it", "create dashboard --scope read. See"),
    ("tokens revoke", "orgsync tokens revoke needs TOKEN (the", "revoke dashboard; orgsync tokens list lists them."),
    ("webhooks test", "orgsync webhooks test needs ID", "For example: orgsync webhooks test we_5f3a9c0b1d2e4f60. See"),
    ("proxy", "orgsync proxy needs CONNECTION", "orgsync proxy acme; orgsync connections lists the connections"),
    ("serve acme", "orgsync serve takes no argument, but was given acme", "Leave it out: orgsync serve. See"),
    ("new sync", "orgsync new sync needs OBJECT", "For example: orgsync new sync Opportunity"),
    ("api", "needs METHOD (GET, POST, PATCH, PUT or DELETE)", "For example: orgsync api GET limits"),
    ("api GET", "orgsync api needs PATH", "For example: orgsync api GET limits"),
    ("api limits", "METHOD: 'limits' is not one of GET", "For example: orgsync api GET limits"),
    ("api gte limits", "METHOD: 'gte' is not one of", "Did you mean GET?"),
    ("api GET limits extra", "orgsync api has no place for extra", "It takes METHOD PATH"),
    ("api POST x --data", "option '--data' requires an argument", "See: orgsync api --help"),
    ("connect a --flow jwtt", "--flow: 'jwtt' is not one of", "Did you mean jwt?"),
    ("doctor a b", "orgsync doctor has no place for b", "It takes CONNECTION"),
    ("up contacts", "orgsync up takes no argument, but was given contacts", "orgsync up --sync contacts or"),
    ("status contacts", "takes no argument, but was given contacts", "orgsync status --connection contacts or"),
    ("demo x", "orgsync demo takes no argument, but was given x", "Leave it out: orgsync demo."),
    ("init a b", "orgsync init has no place for b", "It takes DIR"),
    ("run contacts --conection acme", "orgsync run has no option --conection", "Did you mean --connection?"),
    ("--jsno", "orgsync has no option --jsno", "See: orgsync --help"),
    ("records contact --limit x", "--limit: it must be a whole number.", "See: orgsync records --help"),
    ("runs --limit 0", "--limit: it must be greater than or equal to 1.", "See: orgsync runs --help"),
    ("records contact --after 3", "--after: it needs --changes.", "See: orgsync records --help"),
]


@pytest.mark.parametrize(("words", "cause", "remedy"), WRONG)
def test_a_wrong_call_is_reported_with_a_way_forward(words: str, cause: str, remedy: str, orgsync: Command) -> None:
    refused = orgsync(*words.split())
    reported = refused.problem()
    assert refused.code == 2
    assert cause in reported[0]
    assert remedy in reported[1]
    assert refused.out == ""


@pytest.mark.parametrize("words", ["", "new", "connections -h", "cassettes"])
def test_help_is_no_error(words: str, orgsync: Command) -> None:
    shown = orgsync(*words.split())
    assert "Usage: orgsync" in shown.out + shown.err
    assert "error:" not in shown.err
