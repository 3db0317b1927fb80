"""`orgsync doctor` compares what is set for syncs on a connection with the scripts that there are."""

from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command

SCRIPT = """\
from pydantic import BaseModel

from orgsync import Batches, Context, Record, sync


class Options(BaseModel):
    region: str = "north"


class Person(Record, table=True):
    __sobject__ = "Contact"

    last_name: str


@sync(metadata=Options)
def people(ctx: Context) -> Batches[Person]:
    return ctx.changes(Person)
"""


@pytest.fixture
def script(folder: Path, acme: DemoOrg) -> Path:
    (folder / "syncs").mkdir()
    path = folder / "syncs" / "people.py"
    path.write_text(SCRIPT)
    return path


def said(orgsync: Command) -> tuple[int, str]:
    outcome = orgsync("doctor", "acme")
    return outcome.code, " ".join(outcome.out.split())


def test_metadata_that_a_run_would_refuse_is_a_problem(orgsync: Command, script: Path) -> None:
    orgsync("connections", "update", "acme", "--metadata", '{"region": "south"}')
    assert said(orgsync)[0] == 0
    script.write_text(SCRIPT.replace("region: str", "region: int").replace('"north"', "5"))
    code, text = said(orgsync)
    assert code == 2
    assert "is not what the sync people wants: region" in text
    orgsync("schedule", "people", "-c", "acme", "--off")
    assert said(orgsync)[0] == 0


@pytest.mark.usefixtures("script")
def test_a_misspelt_key_of_the_metadata_is_noted(orgsync: Command) -> None:
    orgsync("connections", "update", "acme", "--metadata", '{"regoin": "south", "customer": 7}')
    code, text = said(orgsync)
    assert code == 0
    assert "No sync has declared that it reads regoin. Did you mean region?" in text
    assert "customer" not in text


def test_a_schedule_of_a_sync_that_is_gone_is_noted(orgsync: Command, script: Path) -> None:
    orgsync("schedule", "people", "-c", "acme", "--every", "1h")
    assert "has a schedule" not in said(orgsync)[1]
    script.unlink()
    code, text = said(orgsync)
    assert code == 0
    assert "people has a schedule here" in text
    assert "orgsync schedule people -c acme --default" in text
    script.write_text("import nowhere_to_be_found")
    assert "has a schedule" not in said(orgsync)[1]
