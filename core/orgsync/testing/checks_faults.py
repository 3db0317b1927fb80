"""Checks of a script's runs when something fails: an interruption, an outage, a dead token, another connection."""

from contextlib import suppress
from itertools import cycle

from orgsync.demo_org import Fault
from orgsync.engine import Committed, Event, Observer, nobody
from orgsync.script_detail import explained

from .checks_rows import run_first, run_second
from .copies import Copies, difference
from .interruptions import Interrupted, at_commit, counted_awaits, ended_before
from .outcomes import Unfit
from .subjects import fresh_sync

__all__ = ["keeps_no_state", "resumes", "survives_outages", "survives_token_ends"]

_COMMITS, _AWAITS = 3, 2  # the numbers of places at which a run is interrupted
_DATA = "/services/data"


async def resumes(copies: Copies) -> None:
    """A run that is interrupted, at any commit or await, is resumed, and loses and repeats nothing."""
    names: list[str] = []
    for which in ("first", "second"):
        if which == "second":
            await copies.change()
        places = await _places(copies)
        names = names or [f"broken-{number}" for number in range(len(places))]
        for name, (at, number) in zip(names, cycle(places), strict=False):
            await _break_off(copies, name, at, number)
            outcome = await copies.run(name)
            place = f"The {which} run of {copies.script.home.sync}, interrupted at its {at} number {number},"
            if outcome.problem:
                report = explained(outcome.problem)
                raise Unfit(f"{place} does not resume: {report}")
            await _require_same(copies, name, f"{place} resumes, and ends with a different copy.")


async def keeps_no_state(copies: Copies) -> None:
    """One import of the script runs on two connections in turn, and each copy is what it would be alone."""
    orgs = {name: each.org for name, each in zip(("one", "two"), copies.stocked, strict=True)}
    shared = fresh_sync(copies.script.home)
    for run_alone in (run_first, run_second):
        for name, org in orgs.items():
            await run_alone(copies, f"{name}-alone", org)
        for name, org in orgs.items():
            outcome = await copies.run(name, org, sync=shared)
            if outcome.problem:
                report = explained(outcome.problem)
                raise Unfit(f"{copies.script.home.sync} fails after a run on another connection: {report}")
        await copies.change()
    for name in orgs:
        report = difference(
            await copies.live(name), await copies.live(f"{name}-alone"), "the copy made in turns", "the copy made alone"
        )  # fmt: skip
        if report:
            raise Unfit(
                f"Runs of {copies.script.home.sync} on two connections in turn are not what each is alone: the script "
                f"keeps something in its module between runs.\n{report}"
            )


async def survives_outages(copies: Copies) -> None:
    """A 503 that passes is not noticed; one that lasts ends the run as failed, and the next one resumes."""
    maintenance, org = Fault.maintenance(), copies.org

    def begin_outage(event: Event) -> None:
        if isinstance(event, Committed):
            org.add_fault(maintenance, match=_DATA, times=None)

    await run_first(copies, "undisturbed")
    org.add_fault(maintenance, match=_DATA, every=2)
    await _disturbed(copies, "passing", "every second request is answered with 503")
    org.add_fault(maintenance, match=_DATA, times=None)
    await _disturbed(copies, "down", "every request is answered with 503")
    await _disturbed(copies, "breaking", "every request after the first commit is answered with 503", begin_outage)
    await copies.change()
    await run_second(copies, "undisturbed")
    await _disturbed(copies, "passing", "every request after the first commit is answered with 503", begin_outage)


async def survives_token_ends(copies: Copies) -> None:
    """A token that ends, before a request or between two, is renewed."""

    def end_tokens(event: Event) -> None:
        if isinstance(event, Committed):
            copies.org.expire_tokens()

    dead = Fault.json_error(401, "INVALID_SESSION_ID", "Session expired or invalid")
    await run_first(copies, "undisturbed")
    await _disturbed(copies, "between", "the token ends at each commit", end_tokens)
    copies.org.add_fault(dead, match=_DATA, every=2)
    await _disturbed(copies, "often", "every second request is answered with 401")
    await copies.change()
    await run_second(copies, "undisturbed")
    copies.org.expire_tokens()
    await _disturbed(copies, "between", "the token ends at each commit", end_tokens)


async def _disturbed(copies: Copies, name: str, how: str, observe: Observer = nobody) -> None:
    """Run while the org has faults, and again when it has none: nothing may be missing then, or go unreported."""
    outcome = await copies.run(name, observe=observe)
    copies.org.clear_faults()
    sync = copies.script.home.sync
    if not outcome.problem:
        return await _require_same(copies, name, f"A run of {sync} says that it is done, though {how}, but it is not.")
    outcome = await copies.run(name)
    if outcome.problem:
        report = explained(outcome.problem)
        raise Unfit(f"The run of {sync} after one in which {how} is {outcome.run.status}: {report}")
    return await _require_same(copies, name, f"The run of {sync} after one in which {how} leaves another copy.")


async def _require_same(copies: Copies, name: str, otherwise: str) -> None:
    found, expected = await copies.live(name), await copies.live("undisturbed")
    if report := difference(found, expected, "this copy", "the undisturbed one"):
        raise Unfit(f"{otherwise}\n{report}")


async def _places(copies: Copies) -> list[tuple[str, int]]:
    """Run undisturbed, and choose those of its commits and awaits at which other runs are interrupted."""
    commits = 0

    def count(event: Event) -> None:
        nonlocal commits
        commits += isinstance(event, Committed)

    first = "undisturbed" not in [each.name for each in await copies.project.store.connections.list()]
    _, awaits = await counted_awaits((run_first if first else run_second)(copies, "undisturbed", observe=count))
    at_awaits = _spread(awaits, _AWAITS)
    return [*(("commit", each) for each in _spread(commits, _COMMITS)), *(("await", each) for each in at_awaits)]


def _spread(most: int, count: int) -> list[int]:
    """Choose so many numbers from 1 to the most, evenly."""
    return sorted({max(1, most * (number + 1) // count) for number in range(count)}) if most else []


async def _break_off(copies: Copies, name: str, at: str, number: int) -> None:
    if at == "commit":
        with suppress(Interrupted):
            await copies.run(name, observe=at_commit(number))
    else:
        await ended_before(copies.run(name), number)
