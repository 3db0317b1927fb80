"""Connectors from PyPI, unchanged and each in an environment of its own, reading the same rows from the same server.

They know https and Salesforce's hosts only. So they are told, by the variables that HTTP clients read, to use the
server as their proxy and to trust its certificate; nothing of theirs is patched. What they read they write to a file
as messages: that is half of a copy, for another program has to write them into a database.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .measuring import Cost, JobFailed, cost_of_command
from .people import BULK_COLUMNS, REST_COLUMNS
from .prepared import CACHE, Format, prepare
from .results import Line, line_of
from .server import started

__all__ = ["peers"]

_HOSTS = ("login.salesforce.com", "benchmark.my.salesforce.com")
_CONFIG = {
    "client_id": "benchmark",
    "client_secret": "-",
    "refresh_token": "org-0",
    "start_date": "2023-01-01T00:00:00Z",
    "api_type": "REST",
    "select_fields_by_default": "true",
}


@dataclass(frozen=True, slots=True)
class _Peer:
    """A connector: its package and command, what it reads, and how contacts are chosen from what it discovers."""

    package: str
    command: str
    reads: Format
    columns: Sequence[str]
    discover: Sequence[str]
    read: Sequence[str]
    chosen: Callable[[str], dict[str, Any]]


def peers(rows: int, _rounds: int) -> Iterator[Line]:
    """Read the contacts once with each; one that cannot be installed or run has a line that says so."""
    for peer in _PEERS:
        try:
            version = _installed(peer)
            cost = _cost(peer, rows)
        except (JobFailed, subprocess.CalledProcessError) as error:
            yield Line(
                "Peers, no database", peer.package, verdict=f"not run: {str(error).strip().splitlines()[-1][:100]}"
            )
        else:
            by = "Bulk" if peer.reads == "csv" else "REST"
            verdict = f"{by}, {len(peer.columns)} columns, over TLS"
            yield line_of("Peers, no database", f"{peer.package} {version}", cost, verdict)


def _home(peer: _Peer) -> Path:
    return CACHE / "peers" / peer.package


def _installed(peer: _Peer) -> str:
    """Install a peer where it is not yet, and answer with its version."""
    home = _home(peer)
    if not (home / "bin" / peer.command).exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True, capture_output=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", peer.package], check=True, capture_output=True)
    ask = f"from importlib.metadata import version; print(version({peer.package!r}))"
    told = subprocess.run([home / "bin" / "python", "-c", ask], check=True, capture_output=True, text=True)
    return told.stdout.strip()


def _cost(peer: _Peer, rows: int) -> Cost:
    pages = prepare(peer.reads, rows, peer.columns)
    with tempfile.TemporaryDirectory(prefix="orgsync-") as name:
        folder = Path(name)
        authority, certificate = _certificate(folder)
        prepared = {"bulk": pages} if peer.reads == "csv" else {"rest": pages}
        with started(certificate=certificate, **prepared) as server:
            environment = {"HTTPS_PROXY": server.url, "REQUESTS_CA_BUNDLE": str(authority)}
            command = _command(peer, folder, environment)
            server.calls()
            messages = folder / "messages"
            cost = cost_of_command(command, folder=folder, environment=environment, stdout=messages)
            calls = server.calls()
        read = _records_in(messages)
    if read != rows:
        raise JobFailed(f"{peer.package} read {read:,} rows of {rows:,}")
    return Cost(cost.seconds, cost.cpu, cost.peak, {"rows": read, "calls": calls})


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make an authority and a certificate for Salesforce's hosts, for this run alone."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert(*_HOSTS).private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    return folder / "authority.pem", folder / "server.pem"


def _command(peer: _Peer, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Let the peer discover what there is, choose contacts, and give the command that reads them."""
    program = str(_home(peer) / "bin" / peer.command)
    (folder / "config.json").write_text(json.dumps(_CONFIG), encoding="utf-8")
    cost_of_command(
        [program, *peer.discover], folder=folder, environment=environment, stdout=folder / "discovered.json"
    )
    discovered = (folder / "discovered.json").read_text(encoding="utf-8")
    (folder / "catalog.json").write_text(json.dumps(peer.chosen(discovered)), encoding="utf-8")
    return [program, *peer.read]


def _records_in(messages: Path) -> int:
    with messages.open("rb") as lines:
        return sum(b'"RECORD"' in line[:200] or b'"RECORD"' in line[-200:] for line in lines)


def _airbyte_catalog(discovered: str) -> dict[str, Any]:
    """Choose contacts, all at once: sliced by date, a first read makes a job for every thirty days."""
    messages = [json.loads(line) for line in discovered.splitlines() if line.startswith("{")]
    catalog = next(message["catalog"] for message in messages if message.get("type") == "CATALOG")
    stream = next(each for each in catalog["streams"] if each["name"] == "Contact")
    modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    return {"streams": [{"stream": stream, **modes}]}


def _singer_catalog(discovered: str) -> dict[str, Any]:
    """Choose contacts with every field."""
    catalog: dict[str, Any] = json.loads(discovered)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = stream["stream"] == "Contact"
    return catalog


_PEERS = (
    _Peer(
        package="airbyte-source-salesforce",
        command="source-salesforce",
        reads="csv",
        columns=BULK_COLUMNS,
        discover=("discover", "--config", "config.json"),
        read=("read", "--config", "config.json", "--catalog", "catalog.json"),
        chosen=_airbyte_catalog,
    ),
    _Peer(
        package="tap-salesforce",
        command="tap-salesforce",
        reads="json",
        columns=REST_COLUMNS,
        discover=("--config", "config.json", "--discover"),
        read=("--config", "config.json", "--properties", "catalog.json"),
        chosen=_singer_catalog,
    ),
)
