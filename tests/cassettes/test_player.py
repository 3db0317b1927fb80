"""A replay answers each request once, in the recorded order, and says where it parts from what was recorded."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.cassettes import Cassette
from orgsync.cassettes.interaction import Interaction, RecordedRequest, RecordedResponse
from orgsync.cassettes.player import Player
from orgsync.errors import NotRecorded

WHEN = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)


TOKEN = RecordedRequest("POST", "https://login.example", "/services/oauth2/token")


def asks(name: str, origin: str = "https://acme.my.salesforce.com") -> RecordedRequest:
    return RecordedRequest("GET", origin, f"/services/data/v62.0/{name}")


def step(name: str, number: int, after: int | None = None, answer: str = "", origin: str = "") -> Interaction:
    got = RecordedResponse(200, {}, answer or name)
    return Interaction(asks(name, origin), got, WHEN + timedelta(minutes=number), number if after is None else after)


def player_of(*steps: Interaction) -> Player:
    return Player(Cassette(steps), "it.yaml")


def in_turn(names: str) -> Player:
    return player_of(*(step(name, number) for number, name in enumerate(names)))


def played(player: Player, *names: str) -> list[object]:
    return [player.play(asks(name)).response.body for name in names]


def refused(player: Player, name: str) -> str:
    with pytest.raises(NotRecorded) as caught:
        player.play(asks(name))
    return str(caught.value)


def test_steps_are_played_in_their_order_and_nothing_is_left() -> None:
    player = in_turn("abc")
    assert played(player, "a", "b", "c") == ["a", "b", "c"]
    player.require_played()


def test_the_same_request_gets_its_answers_in_their_order() -> None:
    player = player_of(*(step("a", number, answer=answer) for number, answer in enumerate(["InProgress", "Done"])))
    assert played(player, "a", "a") == ["InProgress", "Done"]


def test_what_comes_after_two_equal_requests_waits_for_both() -> None:
    player = player_of(step("a", 0), step("a", 1), step("b", 2))
    played(player, "a")
    assert "but first comes step 2 of 3, GET a" in refused(player, "b")
    assert played(player, "a", "b") == ["a", "b"]


def test_a_request_that_comes_too_early_is_refused_with_what_comes_first() -> None:
    message = refused(in_turn("ab"), "b")
    assert "sent:     GET b\n  recorded: step 2 of 2, GET b -> 200,\n" in message
    assert "but first comes step 1 of 2, GET a -> 200, which was not requested" in message


def test_a_request_is_answered_once() -> None:
    player = in_turn("ab")
    played(player, "a")
    assert "the first difference, at character" in refused(player, "a")


def test_requests_that_were_under_way_at_once_may_come_in_any_order_now() -> None:
    steps = [step("a", 0), step("b", 1, after=1), step("c", 2, after=1), step("d", 3, after=3)]
    for order in ("abcd", "acbd"):
        player = player_of(*steps)
        assert played(player, *order) == list(order)
        player.require_played()
    player = player_of(*steps)
    assert "but first comes step 1 of 4, GET a" in refused(player, "c")
    played(player, "a", "c")
    assert played(player, "d", "b") == ["d", "b"]  # it was not asked after b, but after c


def test_tasks_that_ask_the_same_may_take_each_others_answers() -> None:
    steps = [step("same", 0, after=0), step("same", 1, after=0), step("mine", 2, after=1), step("yours", 3, after=2)]
    assert played(player_of(*steps), "same", "yours", "same", "mine") == ["same", "yours", "same", "mine"]
    assert "but first comes step 1 of 4, GET same" in refused(player_of(*steps), "mine")


@pytest.mark.parametrize("in_turn", [False, True], ids=["one after the other", "in turn"])
async def test_a_task_that_asks_the_same_as_another_keeps_to_its_own_answers_and_time(in_turn: bool) -> None:
    steps = [step("a", 0, after=0), step("b", 1, after=0), step("same", 2, after=1), step("same", 3, after=2)]
    steps += [step("c", 4, after=3), step("d", 5, after=4)]
    player = player_of(*(replace(each, response=RecordedResponse(200, {}, str(n))) for n, each in enumerate(steps, 1)))
    seen: dict[str, list[tuple[object, int]]] = {"a": [], "b": []}

    async def task(*names: str) -> None:
        for name in names:
            [body] = played(player, name)
            seen[names[0]].append((body, (player.now - WHEN) // timedelta(minutes=1)))
            if in_turn:
                await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(task, "b", "same", "d")
        if not in_turn:
            await anyio.lowlevel.checkpoint()
        group.start_soon(task, "a", "same", "c")
    assert seen == {"b": [("2", 3), ("4", 5), ("6", 5)], "a": [("1", 2), ("3", 4), ("5", 4)]}


def signing_in(number: int, after: int) -> Interaction:
    return replace(step("", number, after), request=TOKEN)


async def test_whichever_task_signs_in_for_all_each_keeps_its_own_time() -> None:
    """Recorded: the first task signs in at the start and again later, for the second too."""
    steps = [signing_in(0, 0), step("a", 1, 1), step("b", 2, 0), signing_in(3, 2), step("c", 4, 4), step("d", 5, 3)]
    player = player_of(*steps)
    times = dict[str, int]()

    async def task(*names: str) -> None:
        for name in names:
            times[name] = (player.now - WHEN) // timedelta(minutes=1)
            player.play(TOKEN if name == "token" else asks(name))
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:  # now the second task signs in, the second time
        group.start_soon(task, "token", "a", "c")
        group.start_soon(task, "b", "token", "d")
    assert (times["a"], times["c"], times["d"]) == (1, 4, 5)
    player.require_played()


def interleaved(chains: list[list[str]], chance: random.Random) -> list[str]:
    """Let each task take its steps in order, and the tasks turns as they come."""
    left = [list(chain) for chain in chains]
    order: list[str] = []
    while any(left):
        order.append(chance.choice([chain for chain in left if chain]).pop(0))
    return order


@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    lead=st.integers(0, 3),
    rest=st.integers(0, 3),
    chance=st.randoms(use_true_random=False),
)
def test_tasks_that_asked_at_once_may_take_turns_otherwise(
    counts: list[int], lead: int, rest: int, chance: random.Random
) -> None:
    tasks = [[f"task{task}-{number}" for number in range(count)] for task, count in enumerate(counts)]
    first, last = [f"first-{number}" for number in range(lead)], [f"last-{number}" for number in range(rest)]
    order = [*first, *interleaved(tasks, chance), *last]
    seen = {name: before for chain in [*tasks, first + last] for before, name in zip(["", *chain], chain, strict=False)}
    numbers = {"": 0} | {name: number for number, name in enumerate(order, 1)}
    afters = [numbers[seen[name]] or (0 if name in first else lead) for name in order]
    player = player_of(
        *(step(name, number, after) for number, (name, after) in enumerate(zip(order, afters, strict=True)))
    )
    now = [*first, *interleaved(tasks, chance), *last]
    assert played(player, *now) == now
    player.require_played()


@given(st.permutations("abcdef"))
def test_what_one_task_asked_keeps_its_order(order: list[str]) -> None:
    player = in_turn("abcdef")
    right = next((number for number, (now, then) in enumerate(zip(order, "abcdef", strict=True)) if now != then), 6)
    played(player, *order[:right])
    if right < 6:
        assert f"but first comes step {right + 1} of 6" in refused(player, order[right])


def test_one_request_more_than_was_recorded_is_refused() -> None:
    player = in_turn("a")
    played(player, "a")
    assert "recorded: nothing more, all 1 steps have been played" in refused(player, "b")


def test_the_nearest_request_is_shown_with_the_first_difference() -> None:
    soql = "SELECT Id, {} FROM Contact WHERE SystemModstamp >= 2026-01-31T10:15:00Z ORDER BY SystemModstamp, Id"
    query = [
        RecordedRequest("GET", "", "/services/data/v62.0/query", (("q", soql.format(each)),))
        for each in ("Email", "Phone")
    ]
    steps = [
        Interaction(each, RecordedResponse(200), WHEN, number)
        for number, each in enumerate([asks("limits", ""), query[0]])
    ]
    with pytest.raises(NotRecorded) as caught:
        player_of(*steps).play(query[1])
    assert str(caught.value) == (
        "it.yaml does not hold the request that was sent.\n"
        "  sent:     GET query Contact\n"
        "  recorded: step 2 of 2, GET query Contact -> 200\n"
        "  the first difference in q, at character 12:\n"
        "    sent:     SELECT Id, Phone FROM Contact WHERE SystemModstamp >= 2026-01-31T10:15:...\n"
        "    recorded: SELECT Id, Email FROM Contact WHERE SystemModstamp >= 2026-01-31T10:15:...\n"
        "                         ^\n"
        "  next in turn is step 1 of 2, GET limits -> 200\n"
        "If the change is intended, record it again: pytest --record --connection NAME."
    )


def test_of_several_that_are_as_near_the_next_in_turn_is_shown() -> None:
    assert "recorded: step 1 of 2, GET a1 -> 200\n" in refused(player_of(step("a1", 0), step("a2", 1)), "a3")


def test_what_was_left_out_is_named_at_the_end() -> None:
    player = in_turn("abc")
    played(player, "a")
    with pytest.raises(NotRecorded) as caught:
        player.require_played()
    assert (
        caught.value.cause
        == "it.yaml: step 2 of 3, GET b -> 200, was recorded, but not requested, nor were the 1 after it."
    )
    played(player, "b")
    with pytest.raises(NotRecorded, match=r"GET c -> 200, was recorded, but not requested\. If"):
        player.require_played()


def test_a_refusal_that_a_script_swallows_is_reported_at_the_end_the_first_of_several() -> None:
    player = in_turn("a")
    refused(player, "first")
    refused(player, "second")
    played(player, "a")
    with pytest.raises(NotRecorded, match="sent:     GET first"):
        player.require_played()


def test_the_org_may_be_on_any_host_and_others_keep_theirs() -> None:
    weather = "https://weather.example"
    player = player_of(step("a", 0), step("a", 1, origin=weather, answer="rain"), step("a", 2))
    assert player.play(asks("a", "https://one.my.salesforce.com")).response.body == "a"
    with pytest.raises(NotRecorded):
        player.play(asks("a", "https://two.my.salesforce.com"))
    assert player.play(asks("a", weather)).response.body == "rain"
    assert player.play(asks("a", "http://127.0.0.1:5000")).response.body == "a"


def test_time_is_when_the_next_request_was_sent_and_at_the_end_when_the_last_was() -> None:
    player = in_turn("abc")
    times = [player.now]
    for name in "abc":
        played(player, name)
        times.append(player.now)
    assert [(each - WHEN) / timedelta(minutes=1) for each in times] == [0, 1, 2, 2]


def test_an_empty_cassette_fits_a_script_that_asks_for_nothing_and_no_other() -> None:
    player = player_of()
    assert player.now.tzinfo is UTC
    player.require_played()
    assert "recorded: nothing more, the cassette is empty" in refused(player, "a")
