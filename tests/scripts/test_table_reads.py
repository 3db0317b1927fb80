"""How often a sync reads a table is counted from its source, and never more often than it can be."""

import linecache
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync import Batches, Context, Record, sync
from orgsync.scripts.table_reads import reads_of


class Contact(Record, table=True):
    last_name: str


class SameTable(Record, table=True):
    __tablename__ = "CONTACT"

    last_name: str


class Account(Record, table=True):
    name: str


def counted(body: str) -> dict[str, int]:
    """Count what a function with this body reads."""
    return {model.__name__: times for model, times in reads_of(made(body)).items()}


def made(body: str, **names: Any) -> Any:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"async def read(ctx):\n{lines}"
    file = f"<reads {hash(text)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope: dict[str, Any] = {"Contact": Contact, "SameTable": SameTable, "Account": Account, **names}
    exec(compile(text, file, "exec"), scope)  # noqa: S102 # the code is this test's own
    return scope["read"]


TWICE = {
    "one after the other": "ctx.changes(Contact)\nctx.changes(Contact, where='x')",
    "by two ways": "ctx.changes(Contact)\nctx.snapshot(model=Contact)",
    "in a loop": "for kind in 'ab':\n    async for b in ctx.changes(Contact, where=kind):\n        yield b",
    "in an endless loop": "while True:\n    ctx.changes(Contact)",
    "in a comprehension": "return [ctx.changes(Contact) for _ in 'ab']",
    "once for certain": "if ctx.checkpoint:\n    ctx.changes(Contact)\nctx.changes(Contact)",
    "in both branches, then again": (
        "if ctx.checkpoint:\n    ctx.changes(Contact)\nelse:\n    ctx.snapshot(Contact)\nctx.changes(Contact)"
    ),
    "in a block that ends all the same": "try:\n    ctx.changes(Contact)\nfinally:\n    ctx.changes(Contact)",
    "under a name of another case": "ctx.changes(Contact)\nctx.changes(SameTable)",
    "before it returns": "if ctx.checkpoint:\n    ctx.changes(Contact)\n    return ctx.changes(Contact)",
}

ONCE = {
    "once": "return ctx.changes(Contact)",
    "in one branch or the other": "if ctx.checkpoint:\n    ctx.changes(Contact)\nelse:\n    ctx.changes(Contact)",
    "in an expression of two branches": "return ctx.changes(Contact) if ctx.checkpoint else ctx.snapshot(Contact)",
    "after a return": "if ctx.checkpoint:\n    return ctx.changes(Contact)\nreturn ctx.snapshot(Contact)",
    "under conditions that may exclude each other": (
        "if ctx.checkpoint:\n    ctx.changes(Contact)\nif not ctx.checkpoint:\n    ctx.changes(Contact)"
    ),
    "in a loop that is left": "for kind in 'ab':\n    ctx.changes(Contact)\n    break",
    "in a loop, for one of its turns": (
        "for kind in 'ab':\n    if kind == 'a':\n        ctx.changes(Contact)\n    else:\n        ctx.changes(Account)"
    ),
    "as what a loop goes over": "async for b in ctx.changes(Contact):\n    yield b",
    "until it works": "while True:\n    try:\n        return ctx.changes(Contact)\n    except OSError:\n        pass",
    "in another case": (
        "match ctx.checkpoint:\n    case None:\n        ctx.changes(Contact)\n"
        "    case _:\n        ctx.snapshot(Contact)"
    ),
}


@pytest.mark.parametrize("body", TWICE.values(), ids=TWICE)
def test_a_table_that_is_read_twice_is_seen(body: str) -> None:
    assert max(counted(body).values()) == 2


@pytest.mark.parametrize("body", ONCE.values(), ids=ONCE)
def test_a_table_that_may_be_read_once_is_left_alone(body: str) -> None:
    assert counted(body)["Contact"] == 1


def test_what_only_a_run_can_show_is_not_counted() -> None:
    chosen = "for model in (Contact, Account):\n    ctx.changes(model)"
    other = "ctx = somebody\nctx.changes(Contact)\nctx.changes(Contact)"
    inner = "def read():\n    return ctx.changes(Contact)\nread(), read()"
    assert [counted(body) for body in (chosen, other, inner)] == [{}, {}, {}]
    assert reads_of(len) == {}


def test_a_name_is_looked_up_where_the_function_would_look() -> None:
    class Inner(Record, table=True):
        name: str

    @sync
    async def enclosed(ctx: Context) -> Batches[Inner]:
        async for batch in ctx.changes(Inner):
            yield batch
        async for batch in ctx.changes(Inner):
            yield batch

    assert reads_of(enclosed.function) == {Inner: 2}
    assert enclosed.tables == ("inner",)
    assert "inner is read twice" in str(enclosed.problem)


_LEAF = st.sampled_from(["ctx.changes(Contact)", "pass", "return", "break", "continue", "raise Over"])


def test_a_class_that_is_read_without_being_declared_a_table_is_a_problem_of_the_sync() -> None:
    class Plain(Record):
        last_name: str

    @sync
    async def mapped(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Plain):
            yield batch.map(lambda each: {"id": each.id, "last_name": each.last_name}, model=Contact)

    assert "Plain is not declared with table=True" in str(mapped.problem)
    assert mapped.tables == ("contact",)


def _indented(text: str) -> str:
    return "".join(f"\n    {line}" for line in text.splitlines())


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("\n".join),
        inner.map(lambda a: f"if decide():{_indented(a)}"),
        st.tuples(inner, inner).map(lambda p: f"if decide():{_indented(p[0])}\nelse:{_indented(p[1])}"),
        inner.map(lambda a: f"while decide():{_indented(a)}"),
        inner.map(lambda a: f"for _ in decided():{_indented(a)}"),
        st.tuples(inner, inner).map(
            lambda p: f"try:\n    fail()\n{_indented(p[0])[1:]}\nexcept Over:{_indented(p[1])}"
        ),
    )


_BODIES = st.recursive(_LEAF, _compound, max_leaves=6).map(lambda body: f"while decide():{_indented(body)}")


class Over(Exception):
    """What a script raises."""


_DECISIONS = 14


def most_reads(body: str) -> int:
    """Run the code under choices of its conditions until one reads twice, each path once, and give the most reads."""
    most, paths = 0, [list[bool]()]
    while paths and most < 2:
        taken = paths.pop()
        calls, decided = _reads_on(body, taken)
        most = max(most, calls)
        said = [*taken, *[False] * (min(decided, _DECISIONS) - len(taken))]
        paths += [[*said[:at], True] for at in range(len(taken), len(said))]
    return most


def _reads_on(body: str, taken: list[bool]) -> tuple[int, int]:
    """Run the code on one path, where conditions are false once the path ends; count its reads and its decisions."""
    decisions, calls = 0, 0

    def decide() -> bool:
        nonlocal decisions
        decisions += 1
        return taken[decisions - 1] if decisions <= len(taken) else False

    def decided() -> Iterator[int]:
        while decide():
            yield 0

    def fail() -> None:
        if decide():
            raise Over

    class Reader:
        def changes(self, _model: object) -> None:
            nonlocal calls
            calls += 1

    names = {"decide": decide, "decided": decided, "fail": fail, "Over": Over}
    with suppress(Over, StopIteration, StopAsyncIteration):
        made(f"{body}\nyield", **names)(Reader()).asend(None).send(None)
    return calls, decisions


@given(_BODIES)
def test_a_table_that_is_reported_as_read_twice_can_be(body: str) -> None:
    if max(counted(body).values(), default=0) > 1:
        assert most_reads(body) > 1
