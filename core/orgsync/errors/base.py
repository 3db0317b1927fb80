"""What every error has: cause, remedy, code and exit code."""

from collections.abc import Callable
from typing import Any, ClassVar

from ..printable import printable

__all__ = [
    "InternalError",
    "OrgsyncError",
]

_LONGEST = 2000
_PUBLIC = __name__.rpartition(".")[0]


class OrgsyncError(Exception):
    """Any error of orgsync: one sentence of cause, one of remedy, a code for programs, and the command's exit code."""

    code: ClassVar[str] = "orgsync_error"
    in_doubt: bool = False
    """Whether an earlier try of the same request may have been carried out: cause and remedy are those of the last."""
    place = ""
    """The end of the remedy, where it names a place on this machine, or a command to run there."""
    exit_code: ClassVar[int] = 1

    def __init_subclass__(cls, *, code: str, exit_code: int | None = None) -> None:
        super().__init_subclass__()
        cls.code = code
        if cls.__module__.startswith(f"{_PUBLIC}."):
            cls.__module__ = _PUBLIC  # where it is imported from, as tracebacks and pytest show it
        cls.exit_code = cls.exit_code if exit_code is None else exit_code

    def __init__(self, cause: str, remedy: str = "") -> None:
        cause, remedy = _bounded(cause), _bounded(remedy)
        between = "\n" if "\n" in cause else " "
        super().__init__(f"{cause}{between}{remedy}".strip())
        self.cause = cause
        self.remedy = remedy

    @property
    def remedy_elsewhere(self) -> str:
        """The remedy for whoever calls from another machine: without this one's places and commands."""
        return self.remedy.removesuffix(self.place).strip()

    def replace_remedy(self, remedy: str) -> None:
        """Give the error another remedy, where somebody knows better what to do."""
        OrgsyncError.__init__(self, self.cause, remedy)

    def name_connection(self, name: str) -> None:
        """Put the connection's name into the command of the remedy that signs it in, `orgsync connect NAME`."""
        self.replace_remedy(self.remedy.replace("orgsync connect NAME", f"orgsync connect {name}"))

    @staticmethod
    def reported(code: str, cause: str, remedy: str) -> "OrgsyncError":
        """Return an error as another process has reported it, of the class that has this code."""
        kinds: list[type[OrgsyncError]] = [OrgsyncError]
        for kind in kinds:  # which grows meanwhile
            kinds += kind.__subclasses__()
        problem = _made(next((kind for kind in kinds if kind.code == code), OrgsyncError), ())
        OrgsyncError.__init__(problem, cause, remedy)
        return problem

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        """Let pickle and copy make it of what it holds: each class is built from other facts."""
        return _made, (type(self), self.args), self.__dict__


def _made(kind: type[OrgsyncError], args: tuple[Any, ...]) -> OrgsyncError:
    return kind.__new__(kind, *args)


def _bounded(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


class InternalError(OrgsyncError, code="internal_error"):
    """An exception that orgsync does not expect: a fault of its own."""
