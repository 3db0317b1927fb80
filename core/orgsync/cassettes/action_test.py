"""A test that replays a recorded action, as text: what `orgsync record` writes where there is no test yet."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from orgsync.scripts import Action

from .test_template import LINE, expected_of, imports_of, literal_of

__all__ = ["compose_action_test", "name_of_action_test"]


def name_of_action_test(action: Action[..., Any]) -> str:
    """Return the name of an action's test, which is that of its file and its cassette."""
    return "test_" + re.sub(r"\W", "_", action.name)


def compose_action_test(
    action: Action[..., Any], importable: Callable[[str], str], arguments: Mapping[str, Any], document: object
) -> str:
    """Return a test of an action that expects the result of a replay; `document` is that result as JSON.

    The text is empty for an action that no test can import. `importable` is as in `compose_test`.
    """
    name = next((key for key, value in action.function.__globals__.items() if value is action), None)
    if name is None:
        return ""
    given = [name, *(f"{key}={literal_of(value)}" for key, value in arguments.items())]
    own = importable("syncs.").partition(".")[0]
    imported = imports_of([("orgsync.testing", "Do"), (importable(action.function.__module__), name)], own)
    lines = [*_call(given), *_expected(action, document)]
    return (
        f'"""What the action {action.name} did in the org that its cassette was recorded from."""\n\n{imported}\n\n'
        f"async def {name_of_action_test(action)}(do: Do) -> None:\n" + "\n".join(lines) + "\n"
    )


def _call(given: Sequence[str]) -> list[str]:
    """Return the line that runs the action, or several where it would be too long."""
    line = f"    result = await do({', '.join(given)})"
    if len(line) <= LINE:
        return [line]
    return ["    result = await do(", *(f"        {each}," for each in given), "    )"]


def _expected(action: Action[..., Any], document: object) -> list[str]:
    """Return lines that expect the result, or the plain values at its top."""
    if not isinstance(document, dict):
        return expected_of("result", document) or ["    assert result"]
    form = "result.{}" if action.types.returns_model else "result[{!r}]"
    values = cast("dict[str, object]", document)
    quoted = {form.format(name).replace("'", '"'): value for name, value in values.items()}
    return [line for path, value in quoted.items() for line in expected_of(path, value)] or ["    assert result"]
