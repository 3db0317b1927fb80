"""Two processes that find one dead token renew it once, and rotation's chain is not lost."""

import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.project import open_project
from tests.projects import credentials_for, settings_for
from tests.warm_process import opened_module


def start(folder: Path) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return opened_module("tests.project.two_processes", str(folder), stdin=pipe, stdout=pipe, text=True)


def send_line(stream: IO[str] | None) -> None:
    assert stream is not None
    stream.write("go\n")
    stream.flush()


def hear(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


@pytest.mark.parametrize("rotation", [False, True])
async def test_two_processes_renew_one_dead_token_once(tmp_path: Path, org: DemoOrg, rotation: bool) -> None:
    org.rotate_refresh_tokens = rotation
    async with open_project(settings_for(tmp_path)) as opened:
        await opened.connections.connect("acme", credentials_for(org))
    for _ in range(2):
        org.expire_tokens()
        org.clear_requests()
        org.add_fault(Fault.delay(0.5), match="oauth2/token")
        with ExitStack() as stack:
            both = [stack.enter_context(start(tmp_path)) for _ in range(2)]
            assert [hear(each.stdout) for each in both] == ["ready", "ready"]
            for each in both:
                send_line(each.stdin)
            assert [hear(each.stdout) for each in both] == ["called", "called"]
        tokens = [request.status for request in org.requests if request.path.endswith("/token")]
        refused = [request for request in org.requests if request.status == 401]
        assert tokens == [200]
        assert len(refused) >= 1
