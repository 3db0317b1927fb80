"""What is served: the open project, and what the server remembers while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from anyio import to_thread
from fastapi import Request

from orgsync.project import Project, View, open_view

from .attempts import Attempts
from .jobs import Jobs
from .options import ServerOptions

__all__ = ["Served", "served_by"]

T = TypeVar("T")


@dataclass(slots=True)
class Served:
    """An open project, with failures to sign in by address, and when each token's use was stamped."""

    project: Project
    options: ServerOptions
    jobs: Jobs
    attempts: Attempts = field(default_factory=Attempts)
    used: dict[str, float] = field(default_factory=dict[str, float])

    async def view(self, read: Callable[[View], T]) -> T:
        """Return what a function reads of the database, in a thread of its own."""

        def reading() -> T:
            with open_view(self.project.settings) as view:
                return read(view)

        return await to_thread.run_sync(reading, abandon_on_cancel=False)


def served_by(request: Request) -> Served:
    """Return what the app of a request serves."""
    found: Served = request.app.state.served
    return found
