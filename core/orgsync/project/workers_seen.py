"""Which workers are alive, in one sentence."""

from orgsync.printable import counted
from orgsync.store.holder import Holder
from orgsync.store.view import View
from orgsync.store.worker_tables import WorkersSeen

__all__ = ["WORKER_TTL", "described", "workers_in"]

WORKER_TTL = 15.0
"""Seconds after which a worker that was not seen counts as gone."""


def workers_in(view: View) -> str:
    """Say which workers are alive, and what waits for them; empty where there is nothing to say."""
    seen = view.workers(WORKER_TTL)
    return described(seen) if seen is not None else ""


def described(seen: WorkersSeen) -> str:
    """Say which workers are alive, and what waits for them; empty where no worker is, and no job."""
    running = seen.jobs.get("running", 0)
    waiting = seen.jobs.get("sent", 0) + seen.jobs.get("requested", 0)
    jobs = f"{counted(running, 'job')} running, {waiting} waiting"
    if not seen.workers:
        return f"No worker is alive: {jobs}. Start one: orgsync worker" if running + waiting else ""
    places = sum(each.concurrency for each in seen.workers)
    planner = next((Holder.parse(each.name) for each in seen.workers if each.plans), None)
    plans = f"{planner} plans" if planner else "none of them plans yet"
    return f"{counted(len(seen.workers), 'worker')} for {counted(places, 'run')} at once, {plans}; {jobs}."
