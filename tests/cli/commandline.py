"""The command as tests run it: inside this process, as a fork, or as PROGRAM, where the start itself is tested."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from orgsync.demo_org import DemoOrg
from tests.raw_database import DATABASE_URL, on_postgres
from tests.warm_process import opened

__all__ = [
    "PROGRAM",
    "Command",
    "Outcome",
    "finished",
    "is_odd",
    "objects",
    "plain_environment",
    "started",
    "variables_for",
]

PROGRAM = Path(sys.executable).with_name("orgsync")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the command ended, and what it wrote."""

    code: int
    out: str
    err: str

    def objects(self) -> list[dict[str, Any]]:
        """Read stdout as one JSON object a line."""
        return objects(self.out)

    def problem(self) -> tuple[str, str]:
        """Give the cause and the remedy of an error that was told in exactly two lines."""
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 2, self.err
        assert lines[0].startswith("error: ")
        assert lines[1].startswith("       ")
        return lines[0].removeprefix("error: "), lines[1].strip()


class Command(Protocol):
    """Run the command with arguments, `answers` being typed."""

    def __call__(self, *arguments: str, answers: str = "") -> Outcome:
        """Run it to its end."""
        ...


def objects(text: str) -> list[dict[str, Any]]:
    """Read one JSON object a line."""
    return [json.loads(line) for line in text.splitlines()]


def variables_for(org: DemoOrg) -> dict[str, str]:
    """Name the variables that the demo org's app signs in with."""
    return {
        "ORGSYNC_CLIENT_ID": org.client_id,
        "ORGSYNC_CLIENT_SECRET": org.client_secret,
        "ORGSYNC_REFRESH_TOKEN": org.refresh_token,
    }


def is_odd(name: str) -> bool:
    """Return whether a variable would make the command behave other than on a user's machine."""
    if name == DATABASE_URL and on_postgres():
        return False
    return name.startswith(("ORGSYNC_", "PYTHONUNBUFFERED", "NO_COLOR"))


def plain_environment() -> dict[str, str]:
    """Give the environment without what would make the command behave other than on a user's machine."""
    return {name: value for name, value in os.environ.items() if not is_odd(name)}


def started(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start the command as a process of its own, with nobody at its terminal; where it can be, it is a fork."""
    return opened(
        [str(PROGRAM), *arguments],
        cwd=folder,
        env={**plain_environment(), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Outcome:
    """Run the command as a process of its own to its end."""
    process = started(folder, *arguments, env=env)
    out, err = process.communicate(timeout=120)
    return Outcome(process.returncode, out, err)
