"""Settings come from orgsync.toml and from variables, and a wrong one is named."""

from pathlib import Path

import pytest

from orgsync.errors import ProjectNotFound, SettingInvalid
from orgsync.settings import UnknownVariable, find_project, load_settings, require_project


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


def test_a_line_end_behind_a_credential_of_the_environment_is_taken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "SFDX_URL", "KEY", "PRIVATE_KEY"):
        monkeypatch.setenv(f"ORGSYNC_{name}", f"{name}\r\n")
    settings = load_settings(tmp_path)
    secrets = (settings.client_secret, settings.refresh_token, settings.sfdx_url, settings.key)
    shown = [each.get_secret_value() for each in secrets if each]
    assert shown == ["CLIENT_SECRET", "REFRESH_TOKEN", "SFDX_URL", "KEY"]
    assert (settings.client_id, settings.private_key) == ("CLIENT_ID", Path("PRIVATE_KEY"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("api_limit_share = 2", "api_limit_share"),
        ("api_version = 'latest'", "api_version"),
        ("tiemout = 5", "tiemout, which is not a setting"),
        ("[tool.x]", "tool, which is not a setting"),
        ("project = 'elsewhere'", "the folder that the file is in"),
        ("timeout = ", "is not TOML in UTF-8: .*Correct it there"),
        ("client_secret = 'x'", "holds the secret client_secret"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    toml(tmp_path, text)
    with pytest.raises(SettingInvalid, match=named) as caught:
        load_settings(tmp_path)
    assert caught.value.exit_code == 2
    assert caught.value.remedy


def test_settings_that_cannot_be_read_are_not_said_to_be_wrong(tmp_path: Path) -> None:
    file = toml(tmp_path, "") / "orgsync.toml"
    file.write_bytes(b"client_id = '\xff'")
    with pytest.raises(SettingInvalid, match=r"is not TOML in UTF-8: .* byte 0xff .*\. Correct it there\."):
        load_settings(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(SettingInvalid, match=r"cannot be read: Is a directory\. Put a readable file there"):
        load_settings(tmp_path)


@pytest.mark.parametrize("text", ["5Aep\n861", "5Aep\t861", "5Aep\x1b861", "5Aep\udcff861"])
@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "SFDX_URL", "JWT_AUDIENCE"])
def test_a_control_character_inside_of_a_credential_names_the_variable_and_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(f"ORGSYNC_{name}", text)
    with pytest.raises(SettingInvalid, match=f"The variable ORGSYNC_{name} holds a line end") as caught:
        load_settings(tmp_path)
    assert "5Aep" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_keys_may_stand_on_lines_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGSYNC_KEY", "one\ntwo\n")
    key = load_settings(tmp_path).key
    assert key is not None
    assert key.get_secret_value() == "one\ntwo"


def test_a_wrong_variable_is_named_and_its_value_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGSYNC_TIMEOUT", "secret-by-mistake")
    with pytest.raises(SettingInvalid, match="ORGSYNC_TIMEOUT") as caught:
        load_settings(tmp_path)
    assert "secret-by-mistake" not in str(caught.value)


def test_the_nearest_name_is_suggested_for_a_key_that_is_no_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid) as caught:
        load_settings(toml(tmp_path, "tiemout = 5"))
    assert caught.value.remedy == "Did you mean timeout?"
    with pytest.raises(SettingInvalid) as caught:
        load_settings(toml(tmp_path, "colour = 'red'"))
    assert "api_version, api_limit_share" in caught.value.remedy
    assert "client_secret" not in caught.value.remedy  # which the file may not hold


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("ORGSYNC_TIEMOUT", "ORGSYNC_TIMEOUT"),
        ("ORGSYNC_DATABASEURL", "ORGSYNC_DATABASE_URL"),
        ("ORGSYNC_XYZ", ""),
        ("ORGSYNC_Timeout", "ORGSYNC_TIMEOUT"),
    ],
)
def test_a_variable_that_is_no_setting_is_a_warning_with_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, near: str
) -> None:
    monkeypatch.setenv(variable, "5")
    with pytest.warns(UnknownVariable, match=variable) as warned:
        load_settings(tmp_path)
    assert str(warned[0].message).endswith(f"Did you mean {near}?" if near else "has no effect.")


def test_what_a_cluster_sets_for_a_service_called_orgsync_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP_ADDR"):
        monkeypatch.setenv(f"ORGSYNC_{name}", "10.0.0.1")
    load_settings(tmp_path)


def test_a_list_in_a_variable_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGSYNC_ALLOWED_HOSTS", '["a.example.com", "b.example.com"]')
    assert load_settings(tmp_path).allowed_hosts == ("a.example.com", "b.example.com")
    for wrong in ("a.example.com", "[1]"):
        monkeypatch.setenv("ORGSYNC_ALLOWED_HOSTS", wrong)
        with pytest.raises(SettingInvalid) as caught:
            load_settings(tmp_path)
        assert "ORGSYNC_ALLOWED_HOSTS" in str(caught.value)


def test_the_folder_that_a_variable_names_is_the_project_and_its_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "named"
    named.mkdir()
    toml(named, "timeout = 5")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORGSYNC_PROJECT", "named")
    assert require_project() == named.resolve()
    assert (load_settings().project, load_settings().timeout) == (named.resolve(), 5)
    monkeypatch.setenv("ORGSYNC_PROJECT", "nowhere")
    with pytest.raises(ProjectNotFound, match="nowhere"):
        load_settings()


def test_a_folder_without_an_orgsync_toml_here_or_above_is_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectNotFound, match=r"no orgsync.toml here or above") as caught:
        require_project()
    assert "orgsync init" in caught.value.remedy
    toml(tmp_path, "")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert require_project() == tmp_path.resolve()


@pytest.mark.parametrize("option", ["password", "sslpassword", "Password"])
def test_a_database_url_is_shown_without_its_passwords(
    tmp_path: Path, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", f"postgresql://ann:s3cret@host/db?{option}=s3cret&sslmode=require")
    assert load_settings(tmp_path).shown_store_url == f"postgresql://ann@host/db?{option}=...&sslmode=require"
