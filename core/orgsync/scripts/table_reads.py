"""How often a function reads each table in one run, as far as its source tells without running it.

What is counted is what some path through the function certainly does: the branches of an `if` exclude each other, a
path that has returned is over, and a loop that goes on runs twice. Of several conditions one after the other only one
is taken to be as it costs most, for they may exclude each other: so what is said to be read twice is.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, cast

from orgsync.records import Record, schema_of

__all__ = ["conditions_of", "reads_of", "undeclared_reads_of"]

_METHODS = ("changes", "snapshot")
_INLINE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def reads_of(function: Callable[..., Any]) -> dict[type[Record], int]:
    """Count the calls of `ctx.changes(Name)` and `ctx.snapshot(Name)` on the path that makes most of them, by class.

    Names are resolved as the function would, through what encloses it and its module. A function whose source is not
    at hand, and a class that is chosen while it runs, count for nothing.
    """
    tree = _source_of(function)
    names = _names_in(function, tree)
    if tree is None or names is None:
        return {}
    model_of = names.model_of
    models = {model: schema_of(model).table.lower() for each in ast.walk(tree) if (model := model_of(each)) is not None}
    counts: dict[type[Record], int] = {}
    for model, table in models.items():

        def reads(node: ast.AST, table: str = table) -> bool:
            found = model_of(node)
            return found is not None and schema_of(found).table.lower() == table

        if most := _Paths(reads).block(tree.body).most:
            counts[model] = most
    return counts


def undeclared_reads_of(function: Callable[..., Any]) -> list[type[Record]]:
    """Find the record classes that are read and are not declared with table=True, which ends a run."""
    tree = _source_of(function)
    names = _names_in(function, tree)
    if tree is None or names is None:
        return []
    found = (names.class_of(node) for node in ast.walk(tree))
    return [model for model in found if model is not None and not _is_declared(model)]


def conditions_of(function: Callable[..., Any]) -> dict[type[Record], str]:
    """Find the conditions that record classes are read under, where each is written out in the call: `where="..."`.

    Binds stand in them as they are written, `:name`.
    """
    tree = _source_of(function)
    names = _names_in(function, tree)
    found: dict[type[Record], str] = {}
    for node in ast.walk(tree) if tree is not None and names is not None else ():
        model = names.model_of(node) if names is not None else None
        for given in node.keywords if model is not None and isinstance(node, ast.Call) else ():
            if given.arg == "where" and isinstance(given.value, ast.Constant) and isinstance(given.value.value, str):
                found[cast("type[Record]", model)] = given.value.value
    return found


def _names_in(function: Callable[..., Any], tree: "ast.FunctionDef | ast.AsyncFunctionDef | None") -> "_Names | None":
    """Tell what names stand for in a function; None where its context is not known throughout."""
    if tree is None or not tree.args.args + tree.args.posonlyargs:
        return None
    context = (tree.args.posonlyargs + tree.args.args)[0].arg
    if any(isinstance(n, ast.Name) and n.id == context and not isinstance(n.ctx, ast.Load) for n in ast.walk(tree)):
        return None  # it is given another meaning on the way
    return _Names(cast("FunctionType", function), context)


def _source_of(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Parse the function's own source; None where it cannot be read, or is another's by now."""
    if not isinstance(function, FunctionType):
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    found = tree.body[0] if tree.body else None
    if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) and found.name == function.__name__:
        return found
    return None


@dataclass(frozen=True, slots=True)
class _Names:
    """What the names in a function stand for."""

    function: FunctionType
    context: str

    def model_of(self, node: ast.AST) -> type[Record] | None:
        """Return the declared record class that a call reads; None for any other node."""
        found = self.class_of(node)
        return found if found is not None and _is_declared(found) else None

    def class_of(self, node: ast.AST) -> type[Record] | None:
        """Return the record class that a call reads, declared with table=True or not; None for any other node."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS):
            return None
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == self.context):
            return None
        given = [*node.args, *(each.value for each in node.keywords if each.arg == "model")]
        found = self._value(given[0]) if given else None
        return found if isinstance(found, type) and issubclass(found, Record) else None

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Attribute):
            home = self._value(node.value)
            return getattr(home, node.attr, None) if isinstance(home, ModuleType) else None
        code = self.function.__code__
        if not isinstance(node, ast.Name) or node.id in (*code.co_varnames, *code.co_cellvars):
            return None
        if node.id in code.co_freevars:
            return _contents((self.function.__closure__ or ())[code.co_freevars.index(node.id)])
        return _globals(self.function).get(node.id)


def _is_declared(model: type[Record]) -> bool:
    return "__orgsync_schema__" in vars(model)


def _globals(function: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", function.__globals__)


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has no value yet
        return None


@dataclass(frozen=True, slots=True)
class _Range:
    """The fewest and the most reads on the paths that come to one end."""

    fewest: int
    most: int

    def then(self, other: "_Range") -> "_Range":
        """Go through both: one of the two as it costs most, the other as it costs least."""
        return _Range(self.fewest + other.fewest, max(self.most + other.fewest, self.fewest + other.most))


def _either(ranges: Sequence["_Range | None"]) -> "_Range | None":
    there = [each for each in ranges if each is not None]
    if not there:
        return None
    return _Range(min(each.fewest for each in there), max(each.most for each in there))


@dataclass(frozen=True, slots=True)
class _Flow:
    """The paths through a piece of code by how they leave it: on to what follows, out of a loop, or for good."""

    on: _Range | None = _Range(0, 0)
    again: _Range | None = None
    out: _Range | None = None
    over: _Range | None = None

    @property
    def most(self) -> int:
        """The reads on the path that makes most."""
        found = _either([self.on, self.again, self.out, self.over])
        return found.most if found else 0

    def then(self, other: "_Flow") -> "_Flow":
        """Go on with other code where this one is left for what follows."""
        if self.on is None:
            return self
        ways = [other.on, other.again, other.out, other.over]
        sure = sum(way is not None for way in ways) == 1
        fewest = _Range(self.on.fewest, self.on.fewest)

        def after(way: _Range | None, mine: _Range | None, *, through: bool) -> _Range | None:
            if way is None:
                return mine
            return _either([mine, (cast("_Range", self.on) if through else fewest).then(way)])

        # That the other code is left by one of several ways is a condition of its own.
        return _Flow(
            after(other.on, None, through=True),
            after(other.again, self.again, through=sure),
            after(other.out, self.out, through=sure),
            after(other.over, self.over, through=sure),
        )


def _any(flows: Sequence[_Flow]) -> _Flow:
    return _Flow(
        _either([each.on for each in flows]),
        _either([each.again for each in flows]),
        _either([each.out for each in flows]),
        _either([each.over for each in flows]),
    )


@dataclass(frozen=True, slots=True)
class _Paths:
    """Walks through code; `reads` tells which nodes are the calls to be counted."""

    reads: Callable[[ast.AST], bool]

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
                caught = [self.block(handler.body) for handler in node.handlers]  # what failed may have read nothing
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
                return _Flow(None, over=flow.on)
            case ast.Break():
                return _Flow(None, out=_Range(0, 0))
            case ast.Continue():
                return _Flow(None, again=_Range(0, 0))
            case _:
                return self.value(node)

    def loop(
        self, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt], *, test: _Flow | None = None, always: bool = False
    ) -> _Flow:
        """Go round twice, or fewer times where the body is left before."""
        once = (test or _Flow()).then(self.block(body))
        going_on = _either([once.on, once.again])
        around = _Flow(going_on)
        rounds = _Flow(going_on, out=once.out, over=once.over)
        twice = around.then(rounds)
        ended = [_Flow(None, over=each.over) for each in (once, twice)]
        left = [_Flow(each.out) for each in (once, twice)]
        if always:
            return _any([*ended, *left, _Flow(None, over=twice.on)])
        through = _any([test or _Flow(), _Flow(twice.on)])
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
                return _Flow()  # nobody knows when it is called
            case _:
                own = _Flow(_Range(1, 1)) if self.reads(node) else _Flow()
                return _sequence([*(self.value(each) for each in _children(node)), own])


def _children(node: ast.AST) -> Iterator[ast.AST]:
    return ast.iter_child_nodes(node)


def _sequence(flows: Sequence[_Flow]) -> _Flow:
    whole = _Flow()
    for each in flows:
        whole = whole.then(each)
    return whole


def _finally(flow: _Flow, final: _Flow) -> _Flow:
    """Go through the last block by whichever way the others are left."""
    ways = [_Flow(flow.on), _Flow(None, again=flow.again), _Flow(None, out=flow.out), _Flow(None, over=flow.over)]
    through = [_Flow(flow.on), _Flow(flow.again), _Flow(flow.out), _Flow(flow.over)]
    ended: list[_Flow] = []
    for before, way in zip(through, ways, strict=True):
        if before.on is None:
            continue
        after = before.then(final)
        if way.on is not None:
            ended.append(after)
        else:
            ended.append(
                _Flow(
                    None,
                    again=_either([after.again, after.on if way.again else None]),
                    out=_either([after.out, after.on if way.out else None]),
                    over=_either([after.over, after.on if way.over else None]),
                )
            )
    return _any(ended)
