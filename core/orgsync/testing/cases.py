"""What the fixtures give to tests: a run, a clock, their cassette, or a demo org."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from orgsync.cassettes import Ran, Recording, Replay, Sandbox, throw_away
from orgsync.project import Project
from orgsync.records import Record
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.scripts import Action, Org, Sync
from orgsync.settings import Settings

if TYPE_CHECKING:
    from orgsync.demo_org import DemoOrg

__all__ = ["Clock", "Do", "RunSync", "TestCassette", "sandbox_on"]

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class RunSync(Protocol):
    """Run a sync once on the test's connection; raises the OrgsyncError that ended it."""

    async def __call__(self, sync: Sync[R], *, full: bool = False, reconcile: bool = False) -> Ran[R]:
        """Run it, and return its result."""
        ...


class Do(Protocol):
    """Run an action once on the test's connection; raises the OrgsyncError that ended it."""

    async def __call__(self, action: Action[..., T], /, **arguments: Any) -> T:
        """Run it, and return its result."""
        ...


class Clock:
    """The test's time: a cassette's, which moves by itself, or the demo org's, which a test moves."""

    def __init__(self, read: Callable[[], datetime], org: "DemoOrg | None" = None) -> None:
        self._read = read
        self._org = org

    @property
    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return self._read()

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the time of the demo org and of orgsync; a cassette keeps its own time."""
        if self._org is not None:
            by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
            self._org.advance(seconds=by.total_seconds())


class TestCassette:
    """The test's cassette, for a test that changes the org between runs, or signs in by itself."""

    __test__ = False  # pytest is not to collect it

    def __init__(self, path: Path, played: Recording | Replay) -> None:
        self.path = path
        self._played = played

    @property
    def recording(self) -> bool:
        """Return whether the test records from an org."""
        return isinstance(self._played, Recording)

    @property
    def credentials(self) -> Credentials:
        """Return what to sign in with, made up in a replay. Raises CredentialsInvalid where there is none."""
        return self._played.credentials

    async def meanwhile(self, change: Callable[[Org], Awaitable[object]]) -> None:
        """Change the org while recording; neither requests nor responses are recorded, and a replay skips this."""
        if isinstance(self._played, Recording):
            with self._played.paused():
                async with self._played.sandbox.org() as org:
                    await change(org)


def sandbox_on(
    org: "DemoOrg", folder: Path, settings: Settings, name: str, mapping: Sequence[dict[str, Any]] = ()
) -> Sandbox:
    """Return a throw-away project whose connection leads to a demo org; `org.now` is its time.

    `mapping` is the connection's field mapping, as the store keeps it.
    """

    async def sign_in(project: Project) -> None:
        app = Credentials(
            grant="refresh-token",
            login_url=org.login_url,
            client_id=org.client_id,
            client_secret=org.client_secret,
            refresh_token=org.refresh_token,
        )
        await project.connections.connect(name, app)
        await project.store.connections.update(name, mapping=list(mapping))

    return Sandbox(throw_away(folder, settings), name, sign_in, lambda: org.now)
