"""The receivers of the page on webhooks, run as they are shown, verify what is really delivered to them."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from orgsync.settings import Settings
from orgsync.store import Store
from orgsync.webhooks import deliver_due
from orgsync.webhooks.pauses import PAUSES
from tests.node_programs import reason_to_skip

from .pages import page

PAGE = page("docs/how-to/webhooks.md")
NODE = shutil.which("node")
MISSING = reason_to_skip("STANDARDWEBHOOKS_FOLDER", "standardwebhooks")
PACKAGES = Path(os.environ.get("STANDARDWEBHOOKS_FOLDER", "absent")) / "node_modules"


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@contextmanager
def started(command: list[str], port: int, variables: Mapping[str, str]) -> Generator["subprocess.Popen[str]"]:
    """Run a receiver until the end of the block, which begins when it listens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables})
    try:
        while process.poll() is None:
            with socket.socket() as opened:
                if opened.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


async def status_of_a_replay(url: str, secret: str) -> int:
    """Post a message with the right signature, of ten minutes ago."""
    sent_at, body = datetime.now(UTC) - timedelta(minutes=10), '{"type": "run.finished", "data": {"connection": "old"}}'
    signature = Webhook(secret).sign("msg_old", sent_at, body)
    headers = {
        "webhook-id": "msg_old",
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": signature,
    }
    async with httpx.AsyncClient() as overheard:
        return (await overheard.post(url, content=body, headers=headers)).status_code


async def require_received(tmp_path: Path, command: list[str]) -> None:
    """Deliver to a receiver that is right, and to one with another secret, which refuses, as a replay is refused."""
    port = free_port()
    settings = Settings(project=tmp_path, webhook_allow_private=True)
    async with Store.open(f"sqlite:///{tmp_path / 'orgsync.db'}", folder=tmp_path / ".orgsync") as store:
        url = f"http://127.0.0.1:{port}/"
        webhook, secret = await store.webhooks.add(url, events=[], connections=None, tags=[])
        await store.webhooks.tell("run.finished", "acme", {"connection": "acme"})
        wrong = {"WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "PORT": str(port)}
        with started([*command, str(port)], port, wrong):
            await deliver_due(store, settings)
        [delivery] = await store.webhooks.deliveries()
        assert (delivery.state, delivery.status) == ("pending", 401)
        await store.webhooks.switch_on(webhook.id)
        with started([*command, str(port)], port, {"WEBHOOK_SECRET": secret, "PORT": str(port)}) as process:
            await deliver_due(store, settings)
            [delivery] = await store.webhooks.deliveries()
            assert (delivery.state, delivery.status) == ("delivered", 204)
            await store.webhooks.redeliver(delivery.id)
            await deliver_due(store, settings)
            await store.webhooks.tell("connection.ready", "globex", {"connection": "globex"})
            await deliver_due(store, settings)
            assert await status_of_a_replay(url, secret) == 401
            assert process.stdout
            assert [process.stdout.readline() for _ in range(2)] == ["run.finished acme\n", "connection.ready globex\n"]


def in_python(tmp_path: Path) -> list[str]:
    """Write the page's receiver in Python, and return how it is started."""
    [block] = PAGE.blocks("python")
    program = tmp_path / "receiver.py"
    program.write_text(f"{block.text}\n\nreceive(int(sys.argv[1]))\n")
    return [sys.executable, str(program)]


def in_javascript(tmp_path: Path) -> list[str]:
    """Write the page's receiver in JavaScript, and return how it is started."""
    [block] = PAGE.blocks("javascript")
    program = tmp_path / "receiver.cjs"
    program.write_text(block.text)
    (tmp_path / "node_modules").symlink_to(PACKAGES.absolute())
    return [str(NODE), str(program)]


def of_the_tutorial(tmp_path: Path) -> list[str]:
    """Write the tutorial's receiver, and return how it is started."""
    [block] = [block for block in page("docs/tutorial-http.md").blocks("bash") if "receiver.py <<'END'" in block.text]
    program = tmp_path / "receiver.py"
    program.write_text(block.text.partition("<<'END'\n")[2].partition("\nEND\n")[0])
    return [sys.executable, str(program)]


with_javascript = pytest.mark.skipif(MISSING is not None, reason=MISSING or "standardwebhooks is here")


async def test_the_receiver_in_python_accepts_what_is_signed_and_each_message_once(tmp_path: Path) -> None:
    await require_received(tmp_path, in_python(tmp_path))


@with_javascript
async def test_the_receiver_in_javascript_accepts_what_is_signed_and_each_message_once(tmp_path: Path) -> None:
    await require_received(tmp_path, in_javascript(tmp_path))


@pytest.mark.parametrize("receiver", [in_python, pytest.param(in_javascript, marks=with_javascript), of_the_tutorial])
@pytest.mark.parametrize("secret", ["", "whsec_%%%%", None])
def test_a_receiver_does_not_start_with_a_secret_that_is_none(
    receiver: Callable[[Path], list[str]], secret: str | None, tmp_path: Path
) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "WEBHOOK_SECRET"}
    variables |= {"PORT": str(free_port())} | ({} if secret is None else {"WEBHOOK_SECRET": secret})
    call = [*receiver(tmp_path), variables["PORT"]]
    ended = subprocess.run(call, env=variables, capture_output=True, text=True, timeout=60)
    said = "WEBHOOK_SECRET is not the secret that orgsync webhooks add has shown: whsec_...\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", said)


def test_the_page_states_the_pauses_and_every_event() -> None:
    from orgsync.webhook_events import EVENTS, TEST_EVENT

    assert [row[0].strip("`") for row in PAGE.table("type")] == [*EVENTS, TEST_EVENT]
    stated = "5 seconds, 30 seconds, 2 minutes, 10 minutes, 30 minutes, 1 hour, 2 hours, and then every 4 hours"
    assert stated in " ".join(PAGE.text.split())
    assert PAUSES == (5, 30, 120, 600, 1800, 3600, 7200, 14_400)
