"""What the page on deployment gives to be copied: a Dockerfile, a compose file, a systemd unit."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.hooks import expand
from orgsync.settings import Settings
from orgsync.store.postgres.address import address

from .commands import used
from .pages import ROOT, page

FOLDER = ROOT / "docs/how-to/deployment"
DOCKERFILE, COMPOSE, UNIT = (FOLDER / name for name in ("Dockerfile", "compose.yaml", "orgsync.service"))
_INSTRUCTIONS = {
    *("FROM", "RUN", "CMD", "EXPOSE", "ENV", "ADD", "COPY", "ENTRYPOINT", "VOLUME", "USER", "WORKDIR", "ARG"),
    *("HEALTHCHECK", "STOPSIGNAL"),
}
_SECRET = re.compile(r"key|password|secret|token", re.IGNORECASE)
_STOPPING_SECONDS = 10


class _Unit(RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def instructions(text: str) -> list[tuple[str, str]]:
    """Read a Dockerfile; raises ValueError for a line that begins with no instruction."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in whole.splitlines())]
    unknown = [name for name, rest in found if name not in _INSTRUCTIONS or not rest]
    if unknown:
        raise ValueError(f"no instructions of a Dockerfile: {unknown}")
    return found


@pytest.fixture(scope="module")
def image() -> list[tuple[str, str]]:
    return instructions(DOCKERFILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


@pytest.fixture(scope="module")
def service() -> dict[str, str]:
    unit = _Unit(strict=True)
    unit.read_string(UNIT.read_text(encoding="utf-8"))
    return dict(unit["Service"])


def last_stage(image: list[tuple[str, str]]) -> list[tuple[str, str]]:
    at = max(number for number, (name, _) in enumerate(image) if name == "FROM")
    return image[at:]


def only(image: list[tuple[str, str]], wanted: str) -> str:
    [found] = [rest for name, rest in image if name == wanted]
    return found


def test_a_line_that_is_no_instruction_is_noticed() -> None:
    with pytest.raises(ValueError, match="HEALTCHECK"):
        instructions("FROM scratch\nHEALTCHECK CMD true\n")
    assert instructions("# why\nRUN a \\\n    # and so\n    && b\n") == [("RUN", "a && b")]


def test_the_image_installs_wheels_that_an_earlier_stage_has_built(image: list[tuple[str, str]]) -> None:
    stages = [rest.split()[2] for name, rest in image if name == "FROM" and " AS " in rest]
    assert "pip wheel" in image[2][1]
    used_stages = re.findall(r"from=(\w+)", " ".join(rest for _, rest in last_stage(image)))
    assert stages == used_stages == ["wheels"]
    assert not any("pip wheel" in rest for _, rest in last_stage(image))


def test_the_image_runs_as_another_user_than_root(image: list[tuple[str, str]]) -> None:
    names = [name for name, _ in last_stage(image)]
    assert only(last_stage(image), "USER") == "10001"
    assert "--uid=10001" in " ".join(rest for _, rest in last_stage(image))
    assert max(at for at, name in enumerate(names) if name == "RUN") < names.index("USER")


def test_no_layer_of_the_image_holds_a_secret(image: list[tuple[str, str]]) -> None:
    assert not [rest for name, rest in image if name in ("ENV", "ARG") and _SECRET.search(rest)]
    ignored = (FOLDER / "dockerignore.txt").read_text(encoding="utf-8").splitlines()
    assert {".orgsync", ".env", "*.key", ".git"} <= {*ignored}


def test_what_the_image_runs_is_a_command_of_orgsync(image: list[tuple[str, str]]) -> None:
    start: list[str] = json.loads(only(last_stage(image), "CMD"))
    check: list[str] = json.loads(only(last_stage(image), "HEALTHCHECK").partition(" CMD ")[2])
    assert [start[0], check[0]] == ["orgsync", "orgsync"]
    used(start[1:])
    used(check[1:])


def test_the_extras_that_the_image_installs_are_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    [asked] = re.findall(r"^orgsync\[(.+)\]$", (FOLDER / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert {*asked.split(",")} <= {*extras}
    assert asked == "workers", "of which PostgreSQL is a part"


def test_the_compose_file_is_one_by_its_schema() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    checked = subprocess.run(check, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_two_workers_wait_for_postgresql_and_run_a_command_of_orgsync(services: dict[str, Any]) -> None:
    worker = services["worker"]
    assert worker["deploy"]["replicas"] == 2
    assert worker["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["postgres"]["healthcheck"]["test"][1] == "pg_isready"
    assert worker["command"][:2] == ["orgsync", "worker"]
    used(worker["command"][1:])


def test_the_workers_get_settings_that_there_are_and_secrets_from_outside(services: dict[str, Any]) -> None:
    given: dict[str, str] = services["worker"]["environment"]
    settings = {name.removeprefix("ORGSYNC_").lower() for name in given if name.startswith("ORGSYNC_")}
    assert settings <= {*Settings.model_fields}
    secrets = [
        value for each in services.values() for name, value in each["environment"].items() if _SECRET.search(name)
    ]
    assert len(secrets) == 3
    assert all(re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value) for value in secrets)


def test_the_workers_database_is_the_one_that_the_compose_file_starts(services: dict[str, Any]) -> None:
    database, given = services["postgres"]["environment"], services["worker"]["environment"]
    at = address(given["ORGSYNC_DATABASE_URL"])
    assert (at.user, at.database) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    assert "@postgres/" in given["ORGSYNC_DATABASE_URL"]


def test_the_unit_runs_a_command_of_orgsync(service: dict[str, str]) -> None:
    program, *words = shlex.split(service["ExecStart"])
    assert Path(program).name == "orgsync"
    used(words)
    assert program.startswith(service["WorkingDirectory"])
    assert service["ReadWritePaths"] == service["WorkingDirectory"]


def test_all_of_them_leave_the_runs_time_to_stop(services: dict[str, Any], service: dict[str, str]) -> None:
    assert int(services["worker"]["stop_grace_period"].removesuffix("s")) > _STOPPING_SECONDS
    assert int(service["TimeoutStopSec"]) > _STOPPING_SECONDS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize(("line", "complaint"), [("", ""), ("PrivateTemp=true", "PrivateTemp")])
def test_systemd_takes_the_unit_and_would_complain_of_another(tmp_path: Path, line: str, complaint: str) -> None:
    program = tmp_path / ".venv/bin/orgsync"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    unit = UNIT.read_text(encoding="utf-8").replace("/srv/project", str(tmp_path))
    (tmp_path / "orgsync.service").write_text(unit.replace("[Install]", f"{line}\n[Install]"), encoding="utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / "orgsync.service")]
    verified = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert complaint in verified.stderr
    assert bool(verified.stderr) == bool(complaint)


def test_the_page_shows_each_of_the_files() -> None:
    text = page("docs/how-to/deployment.md").text
    shown = expand(text)
    assert all(file.read_text(encoding="utf-8") in shown for file in (DOCKERFILE, COMPOSE, UNIT))
    for file in (DOCKERFILE, COMPOSE, UNIT, FOLDER / "requirements.txt", FOLDER / "dockerignore.txt"):
        assert f"](deployment/{file.name})" in text
