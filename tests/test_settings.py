"""Settings come from orgsync.toml and from variables, and a wrong one is named."""

from pathlib import Path

import pytest

from orgsync.errors import ConfigurationInvalid
from orgsync.settings import find_project, load_settings


def toml(folder: Path, text: str) -> Path:
    (folder / "orgsync.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_project_is_the_nearest_folder_upwards_that_has_an_orgsync_toml(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    toml(tmp_path, "")
    assert find_project(inner) == tmp_path.resolve()


def test_without_one_it_is_the_folder_itself(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert settings.project == tmp_path.resolve()
    assert settings.store_url == f"sqlite:///{tmp_path.resolve()}/.orgsync/orgsync.db"
    assert settings.syncs_folder == tmp_path.resolve() / "syncs"


def test_a_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml(tmp_path, "timeout = 5\napi_limit_share = 0.5\n")
    monkeypatch.setenv("ORGSYNC_TIMEOUT", "7")
    settings = load_settings(tmp_path)
    assert (settings.timeout, settings.api_limit_share) == (7, 0.5)


def test_secrets_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGSYNC_CLIENT_SECRET", "do-not-show")
    monkeypatch.setenv("ORGSYNC_KEY", "nor-this")
    settings = load_settings(tmp_path)
    assert settings.client_secret is not None
    assert settings.client_secret.get_secret_value() == "do-not-show"
    assert "do-not-show" not in repr(settings)
    assert "nor-this" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("api_limit_share = 2", "api_limit_share"),
        ("api_version = 'latest'", "api_version"),
        ("tiemout = 5", "tiemout"),
        ("timeout = ", "cannot be read"),
        ("client_secret = 'x'", "holds the secret client_secret"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    toml(tmp_path, text)
    with pytest.raises(ConfigurationInvalid, match=named) as caught:
        load_settings(tmp_path)
    assert caught.value.exit_code == 2
    assert caught.value.remedy


def test_a_wrong_variable_is_named_and_its_value_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGSYNC_TIMEOUT", "secret-by-mistake")
    with pytest.raises(ConfigurationInvalid, match="ORGSYNC_TIMEOUT") as caught:
        load_settings(tmp_path)
    assert "secret-by-mistake" not in str(caught.value)
