"""How the help of a command is written: usage, arguments, options, and examples as wide as the terminal."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

from .usage import UsageError
from .wrapping import folded

__all__ = ["Group", "PlainCommand"]


class Group(TyperGroup):
    """Commands by name."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _write_examples(self.epilog, formatter)


class PlainCommand(TyperCommand):
    """A command whose help names its arguments as the examples do: `SYNC...`, not `SYNC <list[str]>`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; what is wrong with them is known to be this command's."""
        try:
            return super().parse_args(ctx, args)
        except UsageError as error:
            wrong: Any = error
            wrong.ctx = wrong.ctx or ctx
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Write the usage line: what may be left out is in brackets."""
        pieces = [self.options_metavar] if self.options_metavar else []
        for each in _arguments(self, ctx):
            name = _name_of(each)
            pieces.append(name if each.required else f"[{name}]")
        return pieces

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _write_examples(self.epilog, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of arguments and options."""
        arguments = [(_name_of(each), each.get_help_record(ctx)[1]) for each in _arguments(self, ctx)]
        options = [each.get_help_record(ctx) for each in self.get_params(ctx) if each.param_type_name == "option"]
        for heading, entries in (("Arguments", arguments), ("Options", options)):
            shown = [entry for entry in entries if entry]
            if shown:
                with formatter.section(heading):
                    formatter.write_dl(shown)


def _write_examples(epilog: str | None, formatter: Any) -> None:
    """Write examples as wide as the terminal, and no wider, however short the lines of the help's text are."""
    if epilog:
        heading, *lines = epilog.splitlines()
        formatter.write(f"\n  {heading}\n")
        for line in lines:
            formatter.write(f"{folded(line.removeprefix('  '), indent=4)}\n")


def _arguments(command: TyperCommand, ctx: Any) -> list[Any]:
    return [each for each in command.get_params(ctx) if each.param_type_name == "argument"]


def _name_of(argument: Any) -> str:
    name = str(argument.metavar or argument.name).strip("[].").upper()
    return name if argument.nargs == 1 else f"{name}..."
