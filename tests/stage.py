"""Cassettes: what orgsync said over HTTP to the demo org, once, and hears again in every later test run.

A test asks for `stage`. Its cassette is `cassettes/<test module>/<test>.yaml`; it is replayed with no network, and a
request that it does not hold is an error. `ORGSYNC_RECORD=1 pytest ...` records it anew from a demo org over real
HTTP. Tokens, secrets and hosts are replaced while recording, before anything is written.
"""

import json
import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import yaml

from orgsync import Credentials, Record, Sync
from orgsync.application import Workspace
from orgsync.demo_org import DemoOrg
from orgsync.runner import Outcome

from .projects import credentials_for

__all__ = ["CASSETTES", "HOST", "RECORDING", "Stage", "staged"]

CASSETTES = Path(__file__).parents[1] / "cassettes"
RECORDING = os.environ.get("ORGSYNC_RECORD") == "1"

HOST = "https://demo-org.my.salesforce.com"
"""The address that cassettes have in the place of the demo org's."""

BEGAN = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)

_SECRET_FORM = ("client_secret", "refresh_token", "assertion", "code", "code_verifier", "token", "client_id")
_SECRET_JSON = ("access_token", "refresh_token", "signature", "client_id")
_KEPT_HEADERS = ("accept", "content-type", "sforce-query-options")
_DROPPED_HEADERS = ("set-cookie", "transfer-encoding", "connection", "content-length")
_LOOPBACK = re.compile(r"https?://127\.0\.0\.1(:\d+)?")
_STAND_IN = re.compile(r"[A-Z-]+-\d+")


@dataclass(slots=True)
class Stage:
    """A demo org that is there while recording, and remembered while replaying."""

    org: DemoOrg | None
    now: datetime = BEGAN
    stand_ins: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[str] = field(default_factory=list[str])

    def meanwhile(self, change: Callable[[DemoOrg], object]) -> None:
        """Change the org; in a replay its answers show the change already."""
        if self.org is not None:
            change(self.org)

    def advance(self, minutes: int) -> None:
        """Let time pass, for the org and for this machine."""
        self.now += timedelta(minutes=minutes)
        if self.org is not None:
            self.org.advance(minutes=minutes)

    def credentials(self) -> Credentials:
        """Give what the demo org's app signs in with; a replay needs none of it to be true."""
        if self.org is not None:
            return credentials_for(self.org)
        return Credentials(grant="refresh-token", login_url=HOST, client_id="x", client_secret="y", refresh_token="z")

    async def run(self, workspace: Workspace, sync: Sync[Record]) -> Outcome:
        """Run a sync on the connection acme, by the stage's clock."""
        return await workspace.run(sync, "acme", clock=lambda: self.now)

    def scrub_request(self, request: Any) -> Any:
        """Take secrets and hosts out of a request; runs when recording and, to the same effect, when matching."""
        parts = urlsplit(str(request.uri))
        request.uri = urlunsplit(("https", urlsplit(HOST).netloc, parts.path, parts.query, ""))
        request.headers = {name: value for name, value in request.headers.items() if name.lower() in _KEPT_HEADERS}
        if parts.path.endswith("/authorize"):
            return None  # the browser's part; only what orgsync itself sends is kept
        if request.body and parts.path.startswith("/services/oauth2/"):
            form = parse_qsl(request.body.decode(), keep_blank_values=True)
            request.body = urlencode([(name, name.upper() if name in _SECRET_FORM else text) for name, text in form])
        self.asked.append(_named(request))
        return request

    def scrub_response(self, response: dict[str, Any]) -> dict[str, Any]:
        """Take secrets, hosts and cookies out of a response; runs when recording and, to no effect, when loading."""
        headers = {name: value for name, value in response["headers"].items() if name.lower() not in _DROPPED_HEADERS}
        text = _LOOPBACK.sub(HOST, response["body"]["string"].decode())
        if text.startswith("{") and any(name in text for name in _SECRET_JSON):
            body = json.loads(text)
            for name in _SECRET_JSON:
                if isinstance(body.get(name), str):
                    body[name] = self._stand_in(name.upper().replace("_", "-"), body[name])
            text = json.dumps(body)
        return {**response, "headers": headers, "body": {"string": text.encode()}}

    def _stand_in(self, kind: str, secret: str) -> str:
        """Name a secret by its kind and its turn: equal secrets have equal names."""
        if _STAND_IN.fullmatch(secret):
            return secret
        turn = sum(name.startswith(kind) for name in self.stand_ins.values()) + 1
        return self.stand_ins.setdefault(secret, f"{kind}-{turn}")


@contextmanager
def staged(cassette: Path) -> Generator[Stage]:
    """Play a cassette, or record it; one that is not played to its end fails the test."""
    import vcr  # pyright: ignore[reportMissingTypeStubs]

    if RECORDING:
        cassette.unlink(missing_ok=True)
        with DemoOrg(contacts=30, accounts=5, page_size=20, now=BEGAN) as org:
            stage = Stage(org)
            with _recorder(vcr, stage, "all").use_cassette(str(cassette)):
                yield stage
        return
    stage = Stage(None)
    with _recorder(vcr, stage, "none").use_cassette(str(cassette)) as tape:
        stage.asked.clear()  # loading scrubs, too
        yield stage
        recorded = [_named(request) for request, _ in tape.data]
    assert tape.all_played, f"the cassette holds requests that were not made, such as {recorded[tape.play_count :][:3]}"
    assert _once(stage.asked) == _once(recorded), "the requests were made in another order than the recorded one"


def _named(request: Any) -> str:
    """Write a request as one line, to compare orders by."""
    return f"{request.method} {request.uri} {request.body!r}"


def _once(requests: list[str]) -> list[str]:
    """Drop what repeats the one before: vcrpy scrubs each request several times while it looks for its answer."""
    return [request for request, _ in groupby(requests)]


class _ToldYaml:
    """YAML that says on top where it comes from."""

    origin = (
        "# Recorded over HTTP from orgsync's own demo org (orgsync.demo_org), not from Salesforce: invented people,\n"
        "# invented companies. Tokens, secrets and hosts were replaced while recording. See tests/stage.py.\n"
    )

    @classmethod
    def serialize(cls, cassette: dict[str, Any]) -> str:
        return cls.origin + yaml.dump(cassette, allow_unicode=True, sort_keys=False, width=120)

    @staticmethod
    def deserialize(text: str) -> Any:
        return yaml.safe_load(text)


def _recorder(vcr: Any, stage: Stage, mode: str) -> Any:
    recorder = vcr.VCR(
        record_mode=mode,
        serializer="told",
        decode_compressed_response=True,
        match_on=("method", "path", "query", "body"),
        before_record_request=stage.scrub_request,
        before_record_response=stage.scrub_response,
    )
    recorder.register_serializer("told", _ToldYaml)
    return recorder
