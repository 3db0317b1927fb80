"""Wrong calls of the command, reported as every other error: the cause, and a call that works."""

import re
from typing import Any, cast

import typer

from orgsync.errors import UsageInvalid
from orgsync.suggest import nearest

__all__ = ["UsageError", "is_help", "usage_problem"]

UsageError = cast("type[Exception]", typer.BadParameter.__base__)  # has no public name of its own in typer

_NAMED = re.compile(r"'([^']*)'")
_NUMBER = re.compile(r"Input should be a valid integer.*")
_LISTS = {  # by what an argument is called that takes one of these
    "SYNC": "orgsync syncs lists the syncs",
    "CONNECTION": "orgsync connections lists the connections",
    "TOKEN": "orgsync tokens list lists them",
}
_CHOICES = ("--sync", "--connection")  # the options that take what is easily written without one
_CLOSE = 0.65  # as near as a name must be to be the one that was meant: `acme` is not `rename`


def is_help(error: Exception) -> bool:
    """Return whether this only shows the help of a group of commands that was called alone."""
    return type(error).__name__ == "NoArgsIsHelpError"


def usage_problem(error: Exception) -> UsageInvalid:
    """Return the cause and the remedy of a wrong call."""
    wrong: Any = error
    ctx = wrong.ctx
    called = ctx.command_path if ctx else "orgsync"
    kind, text = type(error).__name__, str(wrong.message or "")
    if kind == "MissingParameter":
        return _missing(wrong, called, ctx)
    if kind == "NoSuchOption":
        return _no_such_option(wrong, called)
    if kind == "BadParameter":
        return _wrong_value(wrong, called, ctx)
    if kind == "BadOptionUsage":
        return UsageInvalid(f"{called}: {_sentence(text)}", _help_of(called))
    if text.startswith("No such command"):
        return _no_such_command(text, called, ctx)
    if "extra argument" in text:
        return _extra(text, called, ctx)
    return UsageInvalid(f"{called}: {_sentence(text)}", _help_of(called))


def _missing(wrong: Any, called: str, ctx: Any) -> UsageInvalid:
    param = wrong.param
    if param is None:
        return UsageInvalid(f"{called}: {_sentence(wrong.format_message())}", _help_of(called))
    name = _name_of(param)
    about = str(getattr(param, "help", None) or "").rstrip(".")
    about = about[:1].lower() + about[1:] if about[1:2].islower() else about
    takes = f"; {_LISTS[name]}" if name in _LISTS else ""
    return UsageInvalid(
        f"{called} needs {name}{f' ({about})' if about else ''}.", f"{_example(called, ctx)}{takes}. {_help_of(called)}"
    )


def _no_such_option(wrong: Any, called: str) -> UsageInvalid:
    option = str(wrong.option_name)
    near = nearest(option, wrong.possibilities or ())
    guess = f"Did you mean {near}? " if near else ""
    return UsageInvalid(f"{called} has no option {option}.", f"{guess}{_help_of(called)}")


def _wrong_value(wrong: Any, called: str, ctx: Any) -> UsageInvalid:
    """Return the error for a value that an argument or an option does not take."""
    name = str(wrong.param_hint or (_name_of(wrong.param) if wrong.param is not None else "a value")).strip("'[]")
    text = _NUMBER.sub("it must be a whole number", str(wrong.message).removeprefix("Value error, "))
    text = text.replace("Input should be", "it must be")
    given, choices = ("", list[str]()) if " is not one of " not in text else _split(text)
    if choices and name == "METHOD":  # typer lists them in lower case where any case will do
        choices = [each.upper() for each in choices]
        text = f"{given!r} is not one of {', '.join(choices)}"
    if choices and (near := nearest(given, choices, cutoff=_CLOSE)):
        return UsageInvalid(f"{name}: {_sentence(text)}", f"Did you mean {near}? {_help_of(called)}")
    example = "" if name.startswith("-") else f"{_example(called, ctx)}. "
    return UsageInvalid(f"{name}: {_sentence(text)}", f"{example}{_help_of(called)}")


def _split(text: str) -> tuple[str, list[str]]:
    given, *choices = _NAMED.findall(text)
    return given, choices


def _no_such_command(text: str, called: str, ctx: Any) -> UsageInvalid:
    """Return the error for an unknown command; what was meant is near, or the first of a group of scripts."""
    found = _NAMED.search(text)
    name = found.group(1) if found else ""
    known: list[str] = ctx.command.list_commands(ctx)
    near = nearest(name, known, cutoff=_CLOSE)
    cause = f"{called} has no command {name}."
    if near:
        return UsageInvalid(cause, f"Did you mean: {called} {near}? {_help_of(called)}")
    if len(known) == 1 or called == "orgsync new":  # what is named is most often an object
        return UsageInvalid(cause, f"Did you mean: {called} {known[0]} {name}? {_help_of(called)}")
    others: list[str] = ctx.find_root().command.list_commands(ctx.find_root())
    if name in others and called != "orgsync":
        show = f", or {called} show {name} for one of that name" if "show" in known else ""
        return UsageInvalid(cause, f"Did you mean: orgsync {name}{show}? Available: {', '.join(known)}.")
    if "show" in known:
        return UsageInvalid(cause, f"Did you mean: {called} show {name}? Available: {', '.join(known)}.")
    return UsageInvalid(cause, f"Available: {', '.join(known)}. {_help_of(called)}")


def _extra(text: str, called: str, ctx: Any) -> UsageInvalid:
    """Return the error for an extra argument; where an option takes a sync or a connection, that was meant."""
    found = re.search(r"\((?!s\))(.*)\)", text)
    extra = found.group(1) if found else ""
    params = ctx.command.params
    if arguments := [_name_of(each) for each in params if each.param_type_name == "argument"]:
        remedy = f"It takes {' '.join(arguments)}; put what has blanks in it in quotes. {_help_of(called)}"
        return UsageInvalid(f"{called} has no place for {extra}.", remedy)
    options = [option for each in params if (option := max(each.opts, key=len)) in _CHOICES]
    ways = " or ".join(f"{called} {option} {extra}" for option in options)
    remedy = f"Did you mean: {ways}?" if ways else f"Leave it out: {called}."
    return UsageInvalid(f"{called} takes no argument, but was given {extra}.", f"{remedy} {_help_of(called)}")


def _example(called: str, ctx: Any) -> str:
    """Return a call that works: the first example in the help of the command or of its group, or else its form."""
    described = [ctx.command, *([ctx.parent.command] if ctx.parent else [])] if ctx else []
    for line in (line for each in described for line in str(each.epilog or "").splitlines()):
        call = re.split(r"\s{2,}", line.strip())[0]
        if call.startswith(f"{called} "):
            return f"For example: {call}"
    return f"Write it so: {' '.join([called, *(ctx.command.collect_usage_pieces(ctx) if ctx else ())])}"


def _name_of(param: Any) -> str:
    if param.param_type_name == "option":
        return str(max(param.opts, key=len))
    return str(param.metavar or param.name).strip("[].").upper()


def _sentence(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return f"{text[:1].lower() if text[1:2].islower() else text[:1]}{text[1:]}."


def _help_of(called: str) -> str:
    return f"See: {called} --help"
