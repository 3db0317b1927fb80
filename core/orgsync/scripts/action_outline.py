"""An action as the source of a script declares it."""

import ast
from dataclasses import dataclass

from .action_function import RESERVED, Parameter
from .outline_names import FromOrgsync, Names, Undecided, literal

__all__ = ["ActionOutline", "action_of", "is_action"]


@dataclass(frozen=True, slots=True)
class ActionOutline:
    """An action: `function` is the function's name, `summary` its docstring's first line."""

    name: str
    function: str
    summary: str
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, function: ast.AsyncFunctionDef, name: str) -> "ActionOutline":
        """Read what a function takes beside the org."""
        summary = (ast.get_docstring(function, clean=False) or "").strip().partition("\n")[0]
        return cls(name, function.name, summary, tuple(_parameters(function.args)))


def is_action(function: ast.FunctionDef | ast.AsyncFunctionDef, names: Names) -> bool:
    """Return whether a function is decorated with orgsync's `action` alone."""
    if len(function.decorator_list) != 1:
        return False
    decorator = function.decorator_list[0]
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(named, ast.Name) and names.get(named.id) == FromOrgsync("action")


def action_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ActionOutline:
    """Read an action in the usual form; raises Undecided for what the decorator might refuse."""
    arguments = function.args
    if not isinstance(function, ast.AsyncFunctionDef) or any(_yields(each) for each in function.body):
        raise Undecided
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs or not arguments.args:
        raise Undecided
    others = [*arguments.args[1:], *arguments.kwonlyargs]
    if len(arguments.defaults) == len(arguments.args) or function.returns is None:
        raise Undecided
    if any(each.annotation is None or each.arg in RESERVED for each in others):
        raise Undecided
    return ActionOutline.of(function, _name(function))


def _name(function: ast.AsyncFunctionDef) -> str:
    decorator = function.decorator_list[0]
    if not isinstance(decorator, ast.Call):
        return function.name
    found = {each.arg: literal(each.value) for each in decorator.keywords}
    name = found.pop("name", None)
    if decorator.args or found or not (name is None or isinstance(name, str)):
        raise Undecided
    return name or function.name


def _parameters(arguments: ast.arguments) -> list[Parameter]:
    places = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(places) - len(arguments.defaults)), *arguments.defaults, *arguments.kw_defaults]
    return [
        Parameter(
            each.arg,
            ast.unparse(each.annotation) if each.annotation else "",
            None if default is None else ast.unparse(default),
        )
        for each, default in list(zip([*places, *arguments.kwonlyargs], defaults, strict=True))[1:]
    ]


def _yields(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node))
