"""How often a piece of code makes certain calls, on the path through it that makes most of them.

What is counted is what some path certainly does: the branches of an `if` exclude each other, a path that has returned
is over, and a loop that continues runs twice. Of several conditions one after the other only one is assumed to cost
most, since they may exclude each other: so a call that is counted twice is made twice.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

__all__ = ["most_calls"]

_INLINE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def most_calls(statements: Sequence[ast.stmt], counts: Callable[[ast.AST], bool]) -> int:
    """Return how many of the calls for which `counts` is true the path makes that makes most of them."""
    return _Paths(counts).block(statements).most


@dataclass(frozen=True, slots=True)
class _Range:
    """The fewest and the most calls on the paths that lead to one exit."""

    fewest: int
    most: int

    def then(self, other: "_Range") -> "_Range":
        """Return the range of both in sequence: one of the two at its most, the other at its fewest."""
        return _Range(self.fewest + other.fewest, max(self.most + other.fewest, self.fewest + other.most))


def _either(ranges: Sequence["_Range | None"]) -> "_Range | None":
    possible = [each for each in ranges if each is not None]
    if not possible:
        return None
    return _Range(min(each.fewest for each in possible), max(each.most for each in possible))


@dataclass(frozen=True, slots=True)
class _Flow:
    """The paths through a piece of code by exit: to the next statement, `continue`, `break`, return or raise."""

    following: _Range | None = _Range(0, 0)
    continues: _Range | None = None
    breaks: _Range | None = None
    returns: _Range | None = None

    @property
    def most(self) -> int:
        """The calls on the path that makes most."""
        found = _either([self.following, self.continues, self.breaks, self.returns])
        return found.most if found else 0

    def then(self, other: "_Flow") -> "_Flow":
        """Return the paths through this code and the other after it."""
        if self.following is None:
            return self
        ways = [other.following, other.continues, other.breaks, other.returns]
        sure = sum(way is not None for way in ways) == 1
        fewest = _Range(self.following.fewest, self.following.fewest)

        def after(way: _Range | None, mine: _Range | None, *, through: bool) -> _Range | None:
            if way is None:
                return mine
            return _either([mine, (cast("_Range", self.following) if through else fewest).then(way)])

        # Which of several exits the other code takes is a condition of its own.
        return _Flow(
            after(other.following, None, through=True),
            after(other.continues, self.continues, through=sure),
            after(other.breaks, self.breaks, through=sure),
            after(other.returns, self.returns, through=sure),
        )


def _any(flows: Sequence[_Flow]) -> _Flow:
    return _Flow(
        _either([each.following for each in flows]),
        _either([each.continues for each in flows]),
        _either([each.breaks for each in flows]),
        _either([each.returns for each in flows]),
    )


@dataclass(frozen=True, slots=True)
class _Paths:
    """Walks through code; `counts` is true for the calls to be counted."""

    counts: Callable[[ast.AST], bool]

    def block(self, statements: Sequence[ast.stmt]) -> _Flow:
        flow = _Flow()
        for statement in statements:
            flow = flow.then(self.statement(statement))
        return flow

    def statement(self, node: ast.stmt) -> _Flow:
        match node:
            case ast.If():
                return self.value(node.test).then(_any([self.block(node.body), self.block(node.orelse)]))
            case ast.For() | ast.AsyncFor():
                return self.value(node.iter).then(self.loop(node.body, node.orelse))
            case ast.While():
                always = isinstance(node.test, ast.Constant) and bool(node.test.value)
                return self.loop(node.body, node.orelse, test=self.value(node.test), always=always)
            case ast.Try() | ast.TryStar():
                whole = self.block([*node.body, *node.orelse])
                caught = [self.block(handler.body) for handler in node.handlers]  # what failed may have made no call
                return _finally(_any([whole, *caught]), self.block(node.finalbody))
            case ast.With() | ast.AsyncWith():
                entered = _sequence([self.value(item.context_expr) for item in node.items])
                return entered.then(self.block(node.body))
            case ast.Match():
                cases = [self.block(case.body) for case in node.cases]
                exhausted = any(isinstance(c.pattern, ast.MatchAs) and c.pattern.pattern is None for c in node.cases)
                return self.value(node.subject).then(_any(cases if exhausted else [*cases, _Flow()]))
            case ast.Return() | ast.Raise():
                flow = self.value(node)
                return _Flow(None, returns=flow.following)
            case ast.Break():
                return _Flow(None, breaks=_Range(0, 0))
            case ast.Continue():
                return _Flow(None, continues=_Range(0, 0))
            case _:
                return self.value(node)

    def loop(
        self, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt], *, test: _Flow | None = None, always: bool = False
    ) -> _Flow:
        """Run the body twice, or fewer times if it is left before."""
        once = (test or _Flow()).then(self.block(body))
        continued = _either([once.following, once.continues])
        around = _Flow(continued)
        rounds = _Flow(continued, breaks=once.breaks, returns=once.returns)
        twice = around.then(rounds)
        ended = [_Flow(None, returns=each.returns) for each in (once, twice)]
        left = [_Flow(each.breaks) for each in (once, twice)]
        if always:
            return _any([*ended, *left, _Flow(None, returns=twice.following)])
        through = _any([test or _Flow(), _Flow(twice.following)])
        return _any([*ended, *left, through.then(self.block(orelse))])

    def value(self, node: ast.AST) -> _Flow:
        """Count what is evaluated with an expression, or a statement without branches."""
        match node:
            case ast.BoolOp():
                first, *others = [self.value(each) for each in node.values]
                return first.then(_any([_Flow(), _sequence(others)]))
            case ast.IfExp():
                return self.value(node.test).then(_any([self.value(node.body), self.value(node.orelse)]))
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                inner = [each for each in ast.iter_child_nodes(node) if each is not node.generators[0]]
                inner += [
                    each for each in ast.iter_child_nodes(node.generators[0]) if each is not node.generators[0].iter
                ]
                once = _sequence([self.value(each) for each in inner])
                return self.value(node.generators[0].iter).then(_any([_Flow(), once.then(once)]))
            case _ if isinstance(node, _INLINE):
                return _Flow()  # unknown when it is called
            case _:
                own = _Flow(_Range(1, 1)) if self.counts(node) else _Flow()
                return _sequence([*(self.value(each) for each in _children(node)), own])


def _children(node: ast.AST) -> Iterator[ast.AST]:
    return ast.iter_child_nodes(node)


def _sequence(flows: Sequence[_Flow]) -> _Flow:
    whole = _Flow()
    for each in flows:
        whole = whole.then(each)
    return whole


def _finally(flow: _Flow, final: _Flow) -> _Flow:
    """Return the paths through the last block, whichever exit the others take."""
    ways = [
        _Flow(flow.following),
        _Flow(None, continues=flow.continues),
        _Flow(None, breaks=flow.breaks),
        _Flow(None, returns=flow.returns),
    ]
    through = [_Flow(flow.following), _Flow(flow.continues), _Flow(flow.breaks), _Flow(flow.returns)]
    ended: list[_Flow] = []
    for before, way in zip(through, ways, strict=True):
        if before.following is None:
            continue
        after = before.then(final)
        if way.following is not None:
            ended.append(after)
        else:
            ended.append(
                _Flow(
                    None,
                    continues=_either([after.continues, after.following if way.continues else None]),
                    breaks=_either([after.breaks, after.following if way.breaks else None]),
                    returns=_either([after.returns, after.following if way.returns else None]),
                )
            )
    return _any(ended)
