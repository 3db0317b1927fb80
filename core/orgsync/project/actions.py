"""The actions of a project: which there are, what they take as JSON Schema, and arguments as they are typed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

from orgsync.errors import ArgumentInvalid, FileUnusable
from orgsync.scripts.action_survey import SurveyedAction, survey_actions
from orgsync.settings import Settings
from orgsync.suggest import nearest, path_remedy

if TYPE_CHECKING:
    from orgsync.engine import Outcome

    from .script_sources import ScriptSource

__all__ = [
    "ActionRunView",
    "ActionView",
    "ListedAction",
    "action_run_view",
    "action_view",
    "listed_actions",
    "schemas_of",
    "typed_arguments",
]

ListedAction = SurveyedAction


class ParameterView(TypedDict):
    """A parameter as the source writes it."""

    name: str
    type: str
    required: bool
    default: str | None


class ActionView(TypedDict):
    """An action and where it was found."""

    action: str
    summary: str | None
    parameters: list[ParameterView]
    where: str
    problem: str | None


class ActionRunView(TypedDict):
    """A run of an action that this process made, with its result; `success` is False also for a part that failed."""

    action: str
    connection: str
    run: int
    status: str
    success: bool
    api_calls: int
    result: Any
    error: str | None
    error_code: str | None


def listed_actions(settings: Settings) -> list[ListedAction]:
    """Return every action of a project: its own, scripts that do not import, and what packages bring."""
    return survey_actions(settings.syncs_folder)


def action_view(found: ListedAction) -> ActionView:
    """Return an action as JSON."""
    return {
        "action": found.name,
        "summary": found.summary if found.loads else None,
        "parameters": [
            {"name": each.name, "type": each.type, "required": each.required, "default": each.default}
            for each in found.parameters
        ],
        "where": found.where,
        "problem": " ".join(str(found.problem).split()) if found.problem else None,
    }


def action_run_view(outcome: "Outcome") -> ActionRunView:
    """Return how a run of an action ended as JSON."""
    run = outcome.run
    return {
        "action": run.sync,
        "connection": run.connection,
        "run": run.id,
        "status": run.status,
        "success": outcome.problem is None,
        "api_calls": run.api_calls,
        "result": outcome.document,
        "error": run.error,
        "error_code": run.error_code,
    }


def schemas_of(scripts: "ScriptSource", name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON Schema of what an action takes, an object, and of what it returns."""
    return scripts.action(name).types.schemas()


def typed_arguments(name: str, schema: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that words such as `reason=Solved` and `fields:='["Id"]'` give an action.

    A value after `=` is text, which becomes a number, a boolean or a date where the action's schema says so; where it
    takes a list, a word that comes again adds an item. A value after `:=` is JSON, or @FILE with JSON.
    Raises ArgumentInvalid for a word of another form, an unknown name and a value that is not JSON.
    """
    properties = cast("Mapping[str, Mapping[str, Any]]", schema.get("properties", {}))
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        is_json, key = key.endswith(":"), key.removesuffix(":")
        if not equals or not key:
            cause = f"{word[:40]!r} is not an argument."
            raise ArgumentInvalid(cause, f"Write NAME=VALUE: {_example(name, properties)}")
        if key not in properties:
            near = nearest(key, properties)
            guess = f"Did you mean {near}? " if near else ""
            takes = f"It takes: {', '.join(properties)}." if properties else "It takes none."
            raise ArgumentInvalid(f"The action {name} takes no argument {key}.", f"{guess}{takes}")
        kinds = _kinds(properties[key], schema)
        if key in found and (is_json or "array" not in kinds):
            raise ArgumentInvalid(f"The argument {key} is given twice.", "Give it once.")
        if is_json:
            found[key] = _json(key, text)
        elif "array" in kinds and "string" not in kinds:
            _require_plain_items(key, properties[key], schema)
            found[key] = [*found.get(key, []), text]
        elif kinds and kinds <= {"object", "null"}:
            raise ArgumentInvalid(f"The argument {key} is a JSON object.", f"Write {key}:='{{...}}', or {key}:=@FILE.")
        else:
            found[key] = text
    return found


def _require_plain_items(key: str, of: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise ArgumentInvalid where a list holds what no text becomes."""
    lists = [each for each in (of, *of.get("anyOf", ())) if each.get("type") == "array"]
    kinds = {kind for each in lists for kind in _kinds(each.get("items", {}), schema)}
    if kinds and kinds <= {"object", "array", "null"}:
        raise ArgumentInvalid(
            f"The argument {key} is a list of JSON objects.", f"Write {key}:='[{{...}}]', or {key}:=@FILE."
        )


def _kinds(of: Mapping[str, Any], schema: Mapping[str, Any]) -> set[str]:
    """Return the types that a property may have, none where any may."""
    if reference := of.get("$ref"):
        return _kinds(schema["$defs"][str(reference).rpartition("/")[2]], schema)
    several = [*of.get("anyOf", ()), *of.get("oneOf", ())]
    if several:
        return {kind for each in several for kind in _kinds(each, schema)}
    kind = of.get("type")
    return {str(kind)} if kind else {"string"} if "enum" in of or "const" in of else set()


def _json(key: str, text: str) -> Any:
    source = text
    if text.startswith("@"):
        try:
            source = Path(text[1:]).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            remedy = path_remedy(Path(text[1:]), otherwise="Check the path after the @.")
            raise FileUnusable(f"{text[1:]} cannot be read: {reason}.", remedy) from None
    try:
        return json.loads(source)
    except ValueError as error:
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ArgumentInvalid(
            f"The argument {key} is not JSON{at}.", f"Write {key}=TEXT for text; put JSON in single quotes."
        ) from None


def _example(name: str, properties: Mapping[str, Any]) -> str:
    return f"orgsync do {name} {next(iter(properties), 'name')}=..."
