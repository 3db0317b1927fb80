"""Raise and clear alerts periodically while the scheduler runs."""

import math
from collections.abc import Collection
from datetime import datetime

import anyio

from orgsync.project import Project
from orgsync.project.alert_rules import AlertRules
from orgsync.store.org_schemas import CHANGES_KEPT

from .agenda import Agenda
from .script_watcher import ScriptWatcher

__all__ = ["AlertWatcher"]

_EVERY = 30.0
"""Seconds between checks: five small queries, whatever the number of connections. Runs report their own failures."""


class AlertWatcher:
    """Raises and clears the alerts of a project, or of the connections that are named."""

    def __init__(self, project: Project, scripts: ScriptWatcher, agenda: Agenda, connections: Collection[str]) -> None:
        self._project = project
        self._scripts = scripts
        self._agenda = agenda
        self._connections = connections
        self._at = -math.inf

    async def poll(self, now: datetime) -> None:
        """Raise and clear alerts where the next check is due."""
        if anyio.current_time() >= self._at:
            await self.settle(now)

    async def settle(self, now: datetime) -> None:
        """Raise the alerts whose conditions are met, and clear those whose conditions are not any more."""
        self._at = anyio.current_time() + _EVERY
        running = {(job.name, job.connection) for job in self._agenda.slots.running}
        rules = AlertRules(self._project.settings, self._scripts.schedules, running, now)
        await self._project.store.alerts.settle(
            rules.decide, schemas_since=now - CHANGES_KEPT, connections=self._connections
        )
