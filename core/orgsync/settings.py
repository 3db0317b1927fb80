"""What a project and its machine decide: `orgsync.toml` and `ORGSYNC_*` variables, the variables winning."""

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .errors import ConfigurationInvalid

__all__ = ["PROJECT_FILE", "Settings", "find_project", "load_settings"]

PROJECT_FILE = "orgsync.toml"


_SECRETS = ("key", "client_secret", "refresh_token", "sfdx_url")


class Settings(BaseSettings):
    """Everything that can be set. Each name is a key of orgsync.toml and, upper-case after ORGSYNC_, a variable."""

    model_config = SettingsConfigDict(env_prefix="ORGSYNC_", extra="forbid", frozen=True)

    project: Path = Field(default=Path(), description="The project's folder; found by its orgsync.toml.")
    database_url: str = Field(default="", description="Where the copy is kept; empty: .orgsync/orgsync.db.")
    key: SecretStr | None = Field(
        default=None, description="Fernet keys for the credentials, separated by commas; the first encrypts."
    )
    syncs: Path = Field(default=Path("syncs"), description="The folder of the project's scripts.")
    api_version: str = Field(
        default="62.0", pattern=r"^\d{2,3}\.0$", description="The API version asked for, where the org offers it."
    )
    api_limit_share: float = Field(
        default=0.8, gt=0, le=1, description="The share of the org's daily API requests that a run may go to."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Hosts beside Salesforce's own that may be shown a token."
    )
    timeout: float = Field(default=120, gt=0, description="Seconds to wait for an answer.")
    retry_for: float = Field(default=60, ge=0, description="Seconds for which what passes by itself is tried again.")
    lag: float = Field(
        default=300, ge=0, description="Seconds the watermark stays behind where getUpdated covers nothing."
    )
    overlap: float = Field(
        default=300, ge=0, description="Seconds before the watermark from which each pass reads changes again."
    )
    batch_rows: int = Field(
        default=10_000, ge=1, description="Rows up to which pages that come in quick succession share a transaction."
    )
    bulk_from: int = Field(
        default=50_000, ge=1, description="The number of rows from which a read goes through Bulk API 2.0."
    )
    bulk_stalled_after: float = Field(
        default=1800, gt=0, description="Seconds for which a Bulk job may stand still before it is given up."
    )
    lease: float = Field(
        default=60, ge=1, description="Seconds after which a run that shows no sign of life may be taken over."
    )
    concurrency: int = Field(default=8, ge=1, description="Runs that `orgsync up` has under way at once, in all.")
    concurrency_per_org: int = Field(default=2, ge=1, description="The same on one org; it allows 25 long requests.")
    keep_runs: int = Field(
        default=90, ge=1, description="Days for which `orgsync up` keeps the runs that `orgsync runs` lists."
    )
    scrub: tuple[str, ...] = Field(
        default=(), description="Fields that cassettes replace beside the usual personal ones: `Contact.Nickname__c`."
    )
    client_id: str | None = Field(default=None, description="The app's consumer key, for connect.")
    client_secret: SecretStr | None = Field(default=None, description="The app's consumer secret, for connect.")
    refresh_token: SecretStr | None = Field(default=None, description="A refresh token, for connect.")
    private_key: Path | None = Field(default=None, description="The file of a PEM private key, for connect (jwt).")
    sfdx_url: SecretStr | None = Field(default=None, description="An sfdx auth URL, for connect.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let variables win over the project's file, whose values come as arguments."""
        return env_settings, init_settings

    @cached_property
    def folder(self) -> Path:
        """Where orgsync keeps its own files."""
        return self.project / ".orgsync"

    @property
    def store_url(self) -> str:
        """The database's address, with the default filled in."""
        return self.database_url or f"sqlite:///{self.folder / 'orgsync.db'}"

    @property
    def syncs_folder(self) -> Path:
        """The folder of the project's scripts, from the project's."""
        return self.project / self.syncs


def find_project(start: Path | None = None) -> Path:
    """Find the nearest folder upwards that holds an orgsync.toml; where there is none, the folder itself."""
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / PROJECT_FILE).is_file()), here)


def load_settings(start: Path | None = None) -> Settings:
    """Read the settings of the project around a folder, the working directory by default.

    Raises ConfigurationInvalid, which names the setting, for a value or a name that is wrong.
    """
    project = find_project(start)
    try:
        return Settings.model_validate({"project": project, **_from_file(project / PROJECT_FILE)})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationInvalid(
            f"The setting {name} is wrong: {first['msg']}.",
            f"Correct it in {PROJECT_FILE}, or in the variable ORGSYNC_{name.upper()}.",
        ) from None


def _from_file(path: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationInvalid(f"{path} cannot be read: {error}.", "Correct it; it is a TOML file.") from None
    if secret := next((name for name in _SECRETS if name in settings), None):
        raise ConfigurationInvalid(
            f"{path.name} holds the secret {secret}, but it is a file that gets committed.",
            f"Take it out, call it compromised if others have seen it, and set ORGSYNC_{secret.upper()} instead.",
        )
    return settings
