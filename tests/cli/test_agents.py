"""What `orgsync init` tells a coding agent: each command exists, and the loop works as it is written."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from tests.docs.commands import commands_in, unknown_options, used

from .commandline import Command, plain_environment


@pytest.fixture
def text(orgsync: Command, folder: Path) -> str:
    assert orgsync("init").code == 0
    return (folder / "AGENTS.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_each_command_exists_with_its_options(text: str) -> None:
    found = [words for block in blocks(text) for words in commands_in(block)]
    assert len(found) == 7
    for words in found:
        taken = used(words)
        assert all(word in taken for word in words if word.startswith("--")), words
    inline = [words for code in re.findall(r"`(orgsync [^`]+)`", text) for words in commands_in(code)]
    assert len(inline) >= 5
    for words in inline:
        assert unknown_options([word for word in words if word != "COMMAND"]) == [], words


def test_the_loop_works_as_it_is_written(text: str, orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    outputs: dict[str, str] = {}
    for line in "".join(blocks(text)).splitlines():
        words = shlex.split(line, comments=True)
        if words[0] == "orgsync":
            outcome = orgsync(*words[1:])
            assert outcome.code == 0, (line, outcome)
            outputs[" ".join(words[1:3])] = outcome.out
        else:
            command = [sys.executable, "-m", *words, "-q", "-p", "no:cacheprovider"]
            ran = subprocess.run(command, cwd=folder, env=plain_environment(), capture_output=True, text=True)
            assert ran.returncode == 0, (line, ran.stdout)
            outputs[line] = ran.stdout
    assert '"dry_run": true' in outputs["run cases"]
    assert "1 passed" in outputs["pytest tests/test_cases.py"]
    assert (folder / "syncs" / "cases.py").is_file()
    assert (folder / "cassettes" / "test_cases" / "test_cases.yaml").is_file()
    assert orgsync("records", "case").code == 2  # nothing was copied yet
