"""What an action takes and returns, checked by the types of its signature and described by JSON Schema."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError

from orgsync.errors import ArgumentInvalid, ResultInvalid, ScriptNotLoaded
from orgsync.suggest import nearest

__all__ = ["ActionTypes", "types_of"]

_PREFIX = "given_"  # so that no parameter is taken for an attribute of pydantic's
_MOST_NAMED = 5
_TEXTS: tuple[object, ...] = (str, int, float, bool, date, datetime)


class _Schema(GenerateJsonSchema):
    """JSON Schema, without a warning for defaults that JSON has no form for."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as pydantic declares it


@dataclass(frozen=True, slots=True)
class ActionTypes:
    """The types of an action's parameters and of its result."""

    name: str
    arguments: type[BaseModel]
    result: TypeAdapter[Any]

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters."""
        return [each.alias or name for name, each in self.arguments.model_fields.items()]

    @property
    def returns_model(self) -> bool:
        """Whether the result is of pydantic's model, whose values are attributes."""
        kind: object = getattr(self.result, "_type", None)
        return isinstance(kind, type) and issubclass(kind, BaseModel)

    def bound(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments as the function takes them; see `Action.bound`."""
        self._require_known(arguments)
        try:
            checked = self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            raise self._refused(error) from None  # the original shows the values
        return {
            name.removeprefix(_PREFIX): getattr(checked, name)
            for name in self.arguments.model_fields
            if name in checked.model_fields_set
        }

    def returned(self, value: Any) -> tuple[Any, Any]:
        """Return a result as its type has it, and as JSON. Raises ResultInvalid for one of another type."""
        try:
            result = self.result.validate_python(value)
            return result, self.result.dump_python(result, mode="json", warnings="error")
        except ValidationError as error:
            what = "; ".join(_where_and_why(error, "the result"))
        except PydanticSerializationError:
            what = "it holds what JSON has no form for"
        raise ResultInvalid(
            f"The action {self.name} returned something else than its signature says: {what}.",
            "Correct the script, or its return type; what it has done in the org is done.",
        )

    def schemas(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the JSON Schema of the arguments, an object, and of the result."""
        taken = self.arguments.model_json_schema(schema_generator=_Schema)
        for each in taken.get("properties", {}).values():
            each.pop("title", None)
        return taken, self.result.json_schema(mode="serialization", schema_generator=_Schema)

    def _require_known(self, arguments: Mapping[str, Any]) -> None:
        known = self.parameters
        for each in arguments:
            if each not in known:
                near = nearest(each, known)
                guess = f"Did you mean {near}? " if near else ""
                takes = f"It takes: {', '.join(known)}." if known else "It takes none."
                raise ArgumentInvalid(f"The action {self.name} takes no argument {each}.", f"{guess}{takes}")

    def _refused(self, error: ValidationError) -> ArgumentInvalid:
        missing = [
            str(each["loc"][0]) for each in error.errors() if each["type"] == "missing" and len(each["loc"]) == 1
        ]
        if missing:
            kind: object = self.arguments.model_fields[f"{_PREFIX}{missing[0]}"].annotation
            text = kind in _TEXTS
            return ArgumentInvalid(
                f"The action {self.name} needs {', '.join(missing)}.",
                f"Give it: {missing[0]}{'=' if text else ':='}... See: orgsync actions {self.name}",
            )
        return ArgumentInvalid(
            f"An argument of the action {self.name} is not of its type: {'; '.join(_where_and_why(error))}.",
            f"See what it takes: orgsync actions {self.name}",
        )


def types_of(name: str, function: Callable[..., Any]) -> ActionTypes:
    """Build what checks an action's arguments and result.

    Raises ScriptNotLoaded for types that cannot be checked or described, and for a default that is not of its type.
    """
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, AttributeError, TypeError) as error:
        missing = f" {error.name}" if isinstance(error, NameError) and error.name else ""
        raise ScriptNotLoaded(
            f"A type in the signature of the action {name} does not exist when it is run{missing and ':'}{missing}.",
            "Import it at the top of the script, and not for type checkers alone.",
        ) from error
    signature = inspect.signature(function)
    fields: dict[str, Any] = {}
    for each in list(signature.parameters.values())[1:]:
        default = ... if each.default is each.empty else each.default
        fields[f"{_PREFIX}{each.name}"] = (hints[each.name], Field(default, alias=each.name))
    try:
        arguments = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        types = ActionTypes(name, arguments, TypeAdapter(hints["return"]))
        types.schemas()
        _require_defaults(name, signature, hints)
        return types
    except PydanticUserError as error:
        raise ScriptNotLoaded(
            f"A type in the signature of the action {name} cannot be checked ({error.code or type(error).__name__}).",
            "Use the types of JSON (str, int, float, bool, list, dict), dates, Literal, or a pydantic model of them.",
        ) from error


def _require_defaults(name: str, signature: inspect.Signature, hints: Mapping[str, Any]) -> None:
    """Raise ScriptNotLoaded for a default that is not of its parameter's type, which a call would hand on unchecked."""
    for each in signature.parameters.values():
        if each.default is each.empty:
            continue
        try:
            TypeAdapter(hints[each.name]).validate_python(each.default, strict=True)
        except ValidationError as error:
            raise ScriptNotLoaded(
                f"A default of the action {name} is not of its type: {'; '.join(_where_and_why(error, each.name))}.",
                "Correct the default, or the type: `note: str | None = None`.",
            ) from None


def _where_and_why(error: ValidationError, root: str = "") -> list[str]:
    """Return where values are not of their types and what they should be, without the values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, each['loc'])) or root}: {_lowered(each['msg'])}" for each in found[:_MOST_NAMED]]
    more = len(found) - len(told)
    return [*told, f"and {more} more"] if more > 0 else told


def _lowered(message: str) -> str:
    return (message[:1].lower() + message[1:]).rstrip(".")
