"""Cassettes made in tests: recorded from a demo org over real HTTP, replayed in throw-away projects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from orgsync import Sync
from orgsync.cassettes import Cassette, Ran, RecordFrom, Recording, Replay, Replayed
from orgsync.demo_org import DemoOrg
from orgsync.project import open_project
from orgsync.settings import Settings
from tests.projects import credentials_for, settings_for

__all__ = ["NOTHING", "recorded", "replayed", "source_at"]


def NOTHING(_: DemoOrg) -> None:  # noqa: N802 - it stands where a change would
    """Change nothing."""


async def source_at(folder: Path, org: DemoOrg, **settings: Any) -> RecordFrom:
    """Connect a project to a demo org, to record from it."""
    folder.mkdir(exist_ok=True)
    own = settings_for(folder, **settings)
    async with open_project(own) as opened:
        await opened.connections.connect("acme", credentials_for(org))
    return RecordFrom(own, "acme", lambda: org.now)


async def recorded(
    sync: Sync[Any],
    org: DemoOrg,
    folder: Path,
    *changes: Callable[[DemoOrg], None],
    max_rows: int | None = None,
    **settings: Any,
) -> Cassette:
    """Record so many runs of a sync, the org being changed before each; one run where nothing changes it."""
    recording = Recording(await source_at(folder / "source", org, **settings), folder / "recording", max_rows=max_rows)
    with recording.capturing():
        for change in changes or (NOTHING,):
            change(org)
            await recording.sandbox.run(sync)
    return recording.cassette()


async def replayed(
    cassette: Cassette,
    sync: Sync[Any],
    folder: Path,
    *,
    runs: int = 1,
    like: Replayed | None = None,
    settings: Settings | None = None,
) -> list[Ran[Any]]:
    """Replay so many runs of a sync, to the cassette's end."""
    replay = Replay(cassette, "it.yaml", folder, settings or settings_for(folder), like or Replayed())
    with replay.playing():
        ran = [await replay.sandbox.run(sync) for _ in range(runs)]
    replay.player.require_played()
    return ran
