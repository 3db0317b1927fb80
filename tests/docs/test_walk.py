"""The README's commands, in order, in one shell, as someone types them who has just installed orgsync."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from .pages import page
from .terminals import environment, free_port


def test_the_commands_of_the_readme_work_in_order_in_one_shell(tmp_path: Path) -> None:
    blocks = [block.text for block in page("README.md").blocks("sh") if ".venv/bin/pip" not in block.text]
    assert len(blocks) == 2
    lines = [line for block in blocks for line in block.splitlines() if not line.startswith("pip install")]
    typed = "\n".join(lines).replace("8080", free_port())
    activate = tmp_path / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'export PATH="{Path(sys.executable).parent}:$PATH"\n', encoding="utf-8")
    with (
        (tmp_path / "shown.txt").open("w+", encoding="utf-8") as shown,
        subprocess.Popen(
            ["bash", "-e", "-c", typed],
            cwd=tmp_path,
            env={**environment(), "PYTEST_ADDOPTS": "-W error"},
            stdin=subprocess.DEVNULL,
            stdout=shown,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as shell,
    ):
        try:
            code = shell.wait(240)
        finally:
            _end(shell.pid)
        shown.seek(0)
        said = shown.read()
    assert code == 0, said
    for expected in ("13 passed", "acme is connected.", "2,500 added", "nothing new", "wrote syncs/leads.py", "step"):
        assert expected in said, said
    assert "error:" not in said
    for block in page("README.md").blocks("sql"):
        with closing(sqlite3.connect(tmp_path / "acme-data" / ".orgsync" / "orgsync.db")) as copy:
            for statement in block.text.split(";"):
                found = copy.execute(statement).fetchall()
                assert found or "SELECT" not in statement, statement


def test_the_readme_and_the_first_pages_install_the_demo_org_and_the_server_from_a_clone() -> None:
    for name in ("README.md", "docs/start.md", "docs/tutorial-http.md"):
        installed = re.search(r"python3 -m venv \.venv && \.venv/bin/pip install '([^']+)'", page(name).text)
        assert installed is not None, name
        assert installed[1] == ".[demo,server]", name


def _end(group: int) -> None:
    """End what the shell has left, had it stopped half-way."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
