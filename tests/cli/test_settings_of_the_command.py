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
