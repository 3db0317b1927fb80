"""The safe instant: up to when everything that was ever committed can be seen.

A row gets its SystemModstamp while its transaction runs, and appears when that commits; so rows appear after newer
rows have been read. getUpdated's `latestDateCovered` stays at the start of the oldest open transaction, which makes
it the one documented instant before which nothing can still appear. Only where Salesforce itself says that it does
not replicate an object, and for objects without SystemModstamp, whose changes getUpdated does not tell, does the org's
clock, less a lag, take its place, and the run says so: whatever else keeps getUpdated from an answer is tried again and
then ends the run, for a watermark taken from a clock may pass over rows.
"""

from datetime import datetime, timedelta

from orgsync.errors import NotReplicateable
from orgsync.records import Schema, to_stored
from orgsync.salesforce.api.replication import latest_date_covered

from .object_facts import ObjectFacts
from .source import Source

__all__ = ["CLOCK_BOUND", "safe_instant"]

_WINDOWS = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), timedelta(days=29))
"""How far back to ask: a transaction that began before the window is not seen in it, so a wider one is asked for."""

_CLOCK_TOLERANCE = timedelta(minutes=1)

CLOCK_BOUND = timedelta(minutes=5)
"""How far two clocks may be apart before a run says so."""


async def safe_instant(source: Source, schema: Schema, facts: ObjectFacts) -> datetime:
    """Find the safe instant, one call where getUpdated covers the object and none where it does not.

    Without getUpdated it is a clock minus the source's lag: the org's or this machine's, whichever is behind. Nobody
    can tell which of two clocks is wrong; the earlier one reads rows twice, the later one would pass over rows.
    """
    if not facts.replicateable:
        return await _lagging(source, f"Salesforce does not replicate {schema.sobject}")
    if facts.cursor != "SystemModstamp":
        return await _lagging(source, f"{schema.sobject} has no SystemModstamp and is read by {facts.cursor}")
    oldest = source.client.now
    for window in _WINDOWS:
        try:
            start, covered = await _covered(source, schema.sobject, window)
        except NotReplicateable:
            return await _lagging(source, f"Salesforce does not replicate {schema.sobject}")
        oldest = min(covered, source.client.now)
        if covered > start:
            break
    return oldest


async def _covered(source: Source, sobject: str, window: timedelta) -> tuple[datetime, datetime]:
    """Ask for one window, again if the answer shows that this machine's clock is not the org's."""
    before = source.client.now
    start = before - window
    covered = await latest_date_covered(source.client, sobject, start, before)
    if abs(source.client.now - before) > _CLOCK_TOLERANCE:
        start = source.client.now - window
        covered = await latest_date_covered(source.client, sobject, start, source.client.now)
    return start, covered


async def _lagging(source: Source, reason: str) -> datetime:
    source.warn(
        f"{reason}: its changes are read up to {source.lag.total_seconds():g} seconds "
        "before now, and what a transaction that is open for longer wrote may be missed (the setting lag)."
    )
    org, machine = await source.client.server_now(), source.client.machine_now
    if abs(org - machine) > CLOCK_BOUND:
        source.warn(
            f"The org's clock (the Date of its answers) and this machine's are {_apart(abs(org - machine))} apart: "
            f"changes are read up to the earlier one, {to_stored(min(org, machine))}, and rows may come again. "
            "Correct this machine's clock (NTP), or the proxy that answers with a wrong Date."
        )
    return min(org, machine) - source.lag


def _apart(time: timedelta) -> str:
    hours = time / timedelta(hours=1)
    return f"{hours:,.1f} hours" if hours >= 1 else f"{round(hours * 60)} minutes"
