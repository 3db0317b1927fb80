"""A client that openapi-python-client makes of the OpenAPI document, against a served project."""

import json
import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from orgsync.server import create_app

from .serving import Served

FOLDER = os.environ.get("OPENAPI_CLIENT_FOLDER", "")
CALLS = Path(__file__).with_name("generated_calls.py")
pytestmark = pytest.mark.skipif(not FOLDER, reason="OPENAPI_CLIENT_FOLDER names no environment; see CONTRIBUTING.md")


def ran(*arguments: str) -> str:
    """Run the Python of the generator's environment; return what it has printed."""
    folder = Path(FOLDER) / "bin"
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    command = [str(folder / "python"), "-W", "ignore", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_a_generated_client_reads_connections_rows_and_changes_and_posts_a_job(
    served: Served, tmp_path: Path
) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(create_app().openapi()))
    options = ["generate", "--path", str(document), "--output-path", str(tmp_path / "made"), "--meta", "none"]
    await to_thread.run_sync(lambda: ran("-m", "openapi_python_client", *options, "--fail-on-warning"))
    token = await served.token("read", "run")
    said = await to_thread.run_sync(lambda: ran(str(CALLS), str(tmp_path), served.url, token))
    found: dict[str, Any] = json.loads(said)
    assert found["connections"] == ["acme"]
    state, added, started = found["job"]
    assert (state, added, datetime.fromisoformat(started).tzinfo is not None) == ("done", 25, True)
    assert sorted(found["rows"]) == sorted(await served.sample.live("contact"))
    assert found["changes"] == [25, [21, 22, 23, 24, 25]]
    assert found["problem"] == [True, 404, "name_unknown"]
