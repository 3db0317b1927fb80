"""What a project and its machine decide: `orgsync.toml` and `ORGSYNC_*` variables, the variables winning."""

import json
import os
import re
import tomllib
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from .alert_settings import AlertSettings
from .errors import ProjectNotFound, SettingInvalid
from .object_entry import ObjectEntry, as_entries, wrong_entry
from .suggest import nearest

__all__ = ["PROJECT_FILE", "Settings", "UnknownVariable", "find_project", "load_settings", "require_project"]

PROJECT_FILE = "orgsync.toml"
_PREFIX = "ORGSYNC_"
_OF_A_CLUSTER = re.compile(r"SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP|SCTP)\w*)?")
"""What Kubernetes puts into every container where a service is called `orgsync`."""

_SECRETS = ("key", "client_secret", "refresh_token", "sfdx_url")
_CREDENTIALS = (*_SECRETS, "client_id", "private_key", "jwt_audience")
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):.*@")  # up to the last @, for one in a password may not be written as %40
_PASSWORD_OPTION = re.compile(r"(?i)([?&](?:ssl)?password=)[^&]*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # and bytes that are not UTF-8


def _as_json(value: Any) -> Any:
    """Return what a variable holds that is a JSON list; any other value as it is."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError):
            return json.loads(value)
    return value


class UnknownVariable(UserWarning):
    """A variable that begins with ORGSYNC_ and is no setting; it has no effect."""


class Settings(AlertSettings):
    """Everything that can be set. Each name is a key of orgsync.toml and, upper-case after ORGSYNC_, a variable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Path = Field(default=Path(), description="The project's folder; a variable alone.")
    database_url: str = Field(
        default="", description="Where the copy is kept, SQLite or PostgreSQL; empty: .orgsync/orgsync.db."
    )
    key: SecretStr | None = Field(
        default=None, description="Fernet keys for the credentials, separated by commas; the first encrypts."
    )
    syncs: Path = Field(default=Path("syncs"), description="The folder of the project's scripts.")
    contents: Path = Field(
        default=Path(".orgsync/files"), description="The folder where the contents of files are kept, by their SHA-256."
    )
    contents_budget: int | None = Field(
        default=None, gt=0, description="Bytes of contents that a run downloads at most; the next one goes on."
    )
    api_version: str = Field(
        default="62.0", pattern=r"^\d{2,3}\.0$", description="The API version to use, where the org offers it."
    )
    api_limit_share: float = Field(
        default=0.8, gt=0, le=1, description="The share of the org's daily API requests up to which a run may work."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Hosts that may be shown a token beside those that the sign-in names."
    )
    timeout: float = Field(
        default=120, gt=0, description="Seconds to wait for a response, and for each next part of it."
    )
    response_timeout: float = Field(
        default=300, gt=0, description="Seconds after which a response that is read whole must be complete."
    )
    minimum_rate: float = Field(
        default=1000,
        ge=0,
        description="Bytes a second at which a Bulk result, or a file, must at least come, over `timeout` seconds.",
    )
    largest_response: int = Field(
        default=67_108_864, gt=0, description="Bytes, unzipped, up to which a response is read whole."
    )
    retry_for: float = Field(default=60, ge=0, description="Seconds for which a temporary error is retried.")
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
        default=1800, gt=0, description="Seconds for which a Bulk job may stand still before the run fails."
    )
    lease: float = Field(
        default=60, ge=1, description="Seconds after which a lease that its process does not renew expires."
    )
    concurrency: int = Field(
        default=8, ge=1, description="Runs of `orgsync up` that work at the same time; waiting ones do not count."
    )
    concurrency_per_org: int = Field(default=2, ge=1, description="The same on one org; it allows 25 long requests.")
    keep_runs: int = Field(
        default=90, ge=1, description="Days for which `orgsync up` keeps the list of runs, and results of writes."
    )
    public_url: str | None = Field(default=None, description="The server's public address: `https://sync.example.com`.")
    webhook_allow_private: Annotated[bool | tuple[str, ...], BeforeValidator(_as_json)] = Field(
        default=False,
        description="Whether webhooks may go to private addresses: true, or a list of networks: `10.0.0.0/8`.",
    )
    scrub: tuple[str, ...] = Field(
        default=(), description="Fields that cassettes replace beside the usual personal ones: `Contact.Nickname__c`."
    )
    objects: Annotated[tuple[ObjectEntry, ...], BeforeValidator(as_entries)] = Field(
        default=(), description="Objects that are copied without a script: `[[objects]]`, each with a `name`."
    )
    client_id: str | None = Field(default=None, description="The app's consumer key, for connect.")
    client_secret: SecretStr | None = Field(default=None, description="The app's consumer secret, for connect.")
    refresh_token: SecretStr | None = Field(default=None, description="A refresh token, for connect.")
    private_key: Path | None = Field(default=None, description="The file of a PEM private key, for connect (jwt).")
    jwt_audience: str | None = Field(
        default=None, description="The audience of assertions, for connect (jwt), where the login URL does not tell it."
    )
    sfdx_url: SecretStr | None = Field(default=None, description="An sfdx auth URL, for connect.")

    @cached_property
    def folder(self) -> Path:
        """Where orgsync keeps its own files."""
        return self.project / ".orgsync"

    @property
    def store_url(self) -> str:
        """The database's address, with the default filled in."""
        return self.database_url or f"sqlite:///{self.folder / 'orgsync.db'}"

    @property
    def is_on_postgres(self) -> bool:
        """Whether the database is one that several machines share."""
        return self.database_url.lower().startswith("postgres")

    @property
    def shown_store_url(self) -> str:
        """The database's address as people may see it: without a password."""
        return _PASSWORD_OPTION.sub(r"\1...", _PASSWORD.sub(r"\1@", self.store_url))

    @property
    def store_place(self) -> str:
        """Say which database is looked at: an application that is started elsewhere finds another project, or none."""
        return f"The database is {self.shown_store_url}; for another project, set ORGSYNC_PROJECT to its folder."

    @property
    def contents_folder(self) -> Path:
        """The folder of contents, from the project's."""
        return self.project / self.contents

    @property
    def syncs_folder(self) -> Path:
        """The folder of the project's scripts, from the project's."""
        return self.project / self.syncs


_LISTS = tuple(name for name, field in Settings.model_fields.items() if isinstance(field.default, tuple))


def find_project(start: Path | None = None) -> Path:
    """Find the nearest folder upwards that holds an orgsync.toml; where there is none, the folder itself.

    A folder that the variable ORGSYNC_PROJECT names comes before any search. Raises ProjectNotFound where it is
    not there.
    """
    named = os.environ.get(f"{_PREFIX}PROJECT")
    if named and start is None:
        if not Path(named).is_dir():
            raise ProjectNotFound(
                f"ORGSYNC_PROJECT names {named}, which is not a folder.", "Correct the variable, or unset it."
            )
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / PROJECT_FILE).is_file()), here)


def require_project() -> Path:
    """Find the project around the working directory, or the one that ORGSYNC_PROJECT names.

    Raises ProjectNotFound where there is none.
    """
    project = find_project()
    if not (project / PROJECT_FILE).is_file() and not os.environ.get(f"{_PREFIX}PROJECT"):
        raise ProjectNotFound(
            f"There is no {PROJECT_FILE} here or above: this folder is not part of a project.",
            "Go to a project's folder, or begin one here: orgsync init.",
        )
    return project


def load_settings(start: Path | None = None) -> Settings:
    """Read the settings of the project around a folder, the working directory by default.

    Raises SettingInvalid, which names the setting, for a value that is wrong and for a key of the file that is
    no setting. A variable that is none is an `UnknownVariable` warning: others may have put it there.
    """
    project = find_project(start)
    written = _from_file(project / PROJECT_FILE)
    variables = _from_variables(os.environ)
    try:
        return Settings.model_validate({**written, **variables, "project": project})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        place = f"the variable {_PREFIX}{name.upper()}" if name in variables else PROJECT_FILE
        if name == "objects":
            given = {**written, **variables}[name]
            cause, remedy = wrong_entry(first["loc"], first["type"], first["msg"], given, Settings.model_fields)
            raise SettingInvalid(f"{place}: {cause}", remedy) from None
        raise SettingInvalid(f"The setting {name} is wrong: {first['msg']}.", f"Correct it in {place}.") from None


def _from_variables(environment: Mapping[str, str]) -> dict[str, Any]:
    """Read the variables that are settings, and warn of those that look like one but are none."""
    found: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(_PREFIX):
            continue
        name = variable.removeprefix(_PREFIX)
        if name.lower() not in Settings.model_fields or not name.isupper():
            if not _OF_A_CLUSTER.fullmatch(name):
                warnings.warn(
                    f"{variable} is not a setting and has no effect.{_nearest_variable(name)}",
                    UnknownVariable,
                    stacklevel=3,
                )
        else:
            found[name.lower()] = _list_of(variable, text) if name.lower() in _LISTS else _stripped(variable, text)
    return found


def _stripped(variable: str, text: str) -> str:
    """Take blanks and line ends off a credential: mounted secrets and pasted ones often end with one.

    Raises SettingInvalid for one with a control character inside, which nothing that signs in has.
    """
    name = variable.removeprefix(_PREFIX).lower()
    if name not in _CREDENTIALS:
        return text
    stripped = text.strip()
    if name not in ("key", "private_key") and _CONTROL.search(stripped):  # keys on lines of their own, and a path
        raise SettingInvalid(
            f"The variable {variable} holds a line end, a tab or another control character.",
            "Set it again, as one line; where it comes from a file, look at what is in there.",
        )
    return stripped


def _list_of(variable: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise SettingInvalid(
            f"The variable {variable} is not a JSON list.", f'Write it so: {variable}=\'["one", "another"]\'.'
        ) from None


def _nearest_variable(name: str) -> str:
    near = nearest(name, Settings.model_fields)
    return f" Did you mean {_PREFIX}{near.upper()}?" if near else ""


def _from_file(path: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be read: {error.strerror}.", "Put a readable file there.") from None
    except ValueError as error:
        raise SettingInvalid(f"{path} is not TOML in UTF-8: {error}.", "Correct it there.") from None
    if secret := next((name for name in _SECRETS if name in settings), None):
        raise SettingInvalid(
            f"{path.name} holds the secret {secret}, but it is a file that gets committed.",
            f"Remove it, treat it as compromised if others have seen it, and set {_PREFIX}{secret.upper()} instead.",
        )
    if "project" in settings:
        raise SettingInvalid(f"{path.name} sets project, but that is the folder that the file is in.", "Remove it.")
    if unknown := next((name for name in settings if name not in Settings.model_fields), None):
        near = nearest(unknown, Settings.model_fields)
        settable = ", ".join(name for name in Settings.model_fields if name not in (*_SECRETS, "project"))
        raise SettingInvalid(
            f"{path.name} sets {unknown}, which is not a setting.",
            f"Did you mean {near}?" if near else f"Settings: {settable}.",
        )
    return settings
