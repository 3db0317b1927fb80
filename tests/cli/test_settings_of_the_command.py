"""What the command says of settings that are none."""

from pathlib import Path

import pytest

from .commandline import Command


def test_a_misspelt_variable_is_a_warning_with_the_nearest_name_said_once(
    orgsync: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORGSYNC_TIEMOUT", "5")
    outcome = orgsync("connections")
    said = "warning: ORGSYNC_TIEMOUT is not a setting and has no effect. Did you mean ORGSYNC_TIMEOUT?"
    assert outcome.err.count(said) == 1
    assert outcome.code == 0


@pytest.mark.parametrize("url", ["data/acme.db", "sqlite://data/acme.db", "SQLITE:data/acme.db"])
def test_a_path_in_place_of_a_databases_url_is_answered_with_where_it_was_set_and_the_url(
    orgsync: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    meant = "Write it with three slashes before the path: sqlite:///data/acme.db."
    (folder / "orgsync.toml").write_text(f'database_url = "{url}"\n')
    for command in (["status"], ["connections"], ["move", "--to", "sqlite:///other.db", "--yes"]):
        cause, remedy = orgsync(*command).problem()
        assert cause.startswith("database_url in orgsync.toml: The database URL ")
        assert remedy == meant
    assert "database_url in orgsync.toml: The database URL " in " ".join(orgsync("doctor").out.split())
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", url)
    cause, remedy = orgsync("status").problem()
    assert cause.startswith("ORGSYNC_DATABASE_URL: The database URL ")
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", "sqlite:///good.db")
    cause, remedy = orgsync("move", "--to", url, "--yes").problem()
    assert (cause.partition(":")[0], remedy) == ("--to", meant)


def test_a_url_that_may_hold_a_password_is_not_repeated(
    orgsync: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("u:s3cret@host/db", "s3cret@host", "sqlite://s3cret@host/x", "mysql://u:s3cret@host/db"):
        monkeypatch.setenv("ORGSYNC_DATABASE_URL", url)
        refused = orgsync("status")
        assert refused.problem()[0].startswith("ORGSYNC_DATABASE_URL: ")
        assert "s3cret" not in refused.err
