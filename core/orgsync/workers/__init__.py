"""Jobs on any number of machines: workers that run them, one of which plans, over one PostgreSQL database."""

from typing import TYPE_CHECKING

from orgsync.lazy import importer

if TYPE_CHECKING:
    from .opening import open_worker
    from .queue import require_workers_possible
    from .requests import request_run, run_on_workers, wait_for_run
    from .worker import Worker

_HOMES = {
    "queue": ("require_workers_possible",),
    "requests": ("request_run", "run_on_workers", "wait_for_run"),
    "opening": ("open_worker",),
    "worker": ("Worker",),
}

__all__ = ["Worker", "open_worker", "request_run", "require_workers_possible", "run_on_workers", "wait_for_run"]

__getattr__ = importer(__name__, {name: module for module, names in _HOMES.items() for name in names})
