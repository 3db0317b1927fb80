"""The safe instant: up to when everything that was ever committed is visible.

A row gets its SystemModstamp while its transaction runs, and appears when that commits; so rows appear after newer
rows have been read. getUpdated's `latestDateCovered` stays at the start of the oldest open transaction, which makes
it the one documented instant before which nothing can still appear. The org's clock, less a lag, replaces it only if
Salesforce itself says that it does not replicate an object, and for objects without SystemModstamp, which getUpdated
does not cover; then the run warns. Any other failure of getUpdated is retried and then ends the run, since a watermark
taken from a clock may pass over rows.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from orgsync.errors import NotReplicateable, WindowRefused
from orgsync.records import Schema, to_stored
from orgsync.salesforce.api.replication import latest_date_covered

from .object_facts import ObjectFacts
from .source import Source

__all__ = ["CLOCK_BOUND", "safe_instant"]

_WINDOWS = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), timedelta(days=29))
"""How far back to look: a transaction that began before a window is not visible in it, so a wider one is tried."""

_CLOCK_TOLERANCE = timedelta(minutes=1)

CLOCK_BOUND = timedelta(minutes=5)
"""How far two clocks may differ before a run warns."""


async def safe_instant(source: Source, schema: Schema, facts: ObjectFacts) -> datetime:
    """Find the safe instant, with one call if getUpdated covers the object and none if it does not.

    Without getUpdated it is a clock minus the source's lag: the org's or this machine's, whichever is behind. It is
    unknown which of two clocks is wrong; the earlier one reads rows twice, the later one would pass over rows.
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
    """Query one window, again if the response or the refusal shows that its clock was wrong."""
    before = source.client.now
    start = before - window
    covered = None
    with suppress(WindowRefused):  # the Date that it was counted from may be a proxy's; the refusal brings another
        covered = await latest_date_covered(source.client, sobject, start, before)
    if covered is None or abs(source.client.now - before) > _CLOCK_TOLERANCE:
        start = source.client.now - window
        try:
            covered = await latest_date_covered(source.client, sobject, start, source.client.now)
        except WindowRefused as refused:
            raise _two_clocks(source, refused) from None
    return start, covered


def _two_clocks(source: Source, refused: WindowRefused) -> WindowRefused:
    org, machine = source.client.now, source.client.machine_now
    return WindowRefused(
        f"{refused.cause} The Date of its responses is {to_stored(org)}, this machine's clock {to_stored(machine)}.",
        "Correct this machine's clock (NTP), or the proxy that sends a wrong Date.",
    )


async def _lagging(source: Source, reason: str) -> datetime:
    source.warn(
        f"{reason}: its changes are read up to {source.lag.total_seconds():g} seconds "
        "before now, and changes of a transaction that is open for longer may be missed (see the setting lag)."
    )
    org, machine = await source.client.server_now(), source.client.machine_now
    if abs(org - machine) > CLOCK_BOUND:
        source.warn(
            f"The org's clock (the Date of its responses) and this machine's are {_apart(abs(org - machine))} apart: "
            f"changes are read up to the earlier one, {to_stored(min(org, machine))}, and rows may be read again. "
            "Correct this machine's clock (NTP), or the proxy that sends a wrong Date."
        )
    return min(org, machine) - source.lag


def _apart(time: timedelta) -> str:
    hours = time / timedelta(hours=1)
    return f"{hours:,.1f} hours" if hours >= 1 else f"{round(hours * 60)} minutes"
