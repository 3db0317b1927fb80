"""What the author of a script alone is shown of an exception: the script's line, and the exception's own text."""

from orgsync.errors import OrgsyncError, ScriptProblem

__all__ = ["detail_of", "explained"]

_LONGEST = 400


def detail_of(line: str, error: BaseException) -> str:
    """Return the detail of a ScriptProblem: a script's line, if it is known, and below it an exception's type and text.

    The text is one line without what would move a terminal's cursor, cut after 400 characters.
    """
    kind, text = type(error).__name__, str(error)
    said = _printable(f"{kind}: {text}" if text else kind)
    return f"{_printable(line)}\n{said}" if line else said


def explained(problem: OrgsyncError) -> str:
    """Return an error's text with its detail, for the author of a test, whose data it is."""
    detail = problem.detail if isinstance(problem, ScriptProblem) else ""
    return "\n".join([problem.cause, detail, problem.remedy]) if detail else str(problem)


def _printable(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
