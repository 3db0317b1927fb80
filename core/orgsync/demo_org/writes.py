"""What may be written into a field, and Salesforce's message for a value that may not."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from .fields import Field, SObject, Value
from .files import stored_content
from .ids import to18
from .refusal import Refusal

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_NUMBERS = {"int": "xsd:int", "double": "xsd:double", "currency": "xsd:double", "percent": "xsd:double"}


def checked(sobject: SObject, fields: Mapping[str, object]) -> dict[str, Value]:
    """Return the values as they are stored, under their canonical names.

    Raises:
        Refusal: an unknown field, or a value of the wrong type or size.
    """
    known = sobject.stored
    values: dict[str, Value] = {}
    for name, raw in fields.items():
        field = known.get(name.lower())
        if field is None:
            raise no_such_column(sobject, name)
        values[field.name] = stored_value(field, raw)
    return values


def require_writable(
    sobject: SObject, visible: Mapping[str, Field], fields: Mapping[str, object], *, creating: bool
) -> None:
    """Refuse what the API may not write: read-only objects, fields that are read-only, computed or not visible."""
    if not (sobject.createable if creating else sobject.updateable):
        text = f"entity type {sobject.name} does not support {'create' if creating else 'update'}"
        raise Refusal(400, "INVALID_TYPE_FOR_OPERATION", text, [])
    for name in fields:
        field = visible.get(name.lower())
        if field is None:
            raise no_such_column(sobject, name)
        if not (field.createable if creating else field.updateable):
            text = (
                f"Unable to create/update fields: {field.name}. Please check the security settings of this field "
                "and verify that it is read/write for your profile or permission set."
            )
            raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, [field.name])


def require_present(sobject: SObject, values: Mapping[str, Value]) -> None:
    """Refuse a new record that lacks what the object requires."""
    missing = [
        field.name
        for field in sobject.stored.values()
        if not field.nillable and not field.defaulted and values.get(field.name) is None
    ]
    if missing:
        text = f"Required fields are missing: [{', '.join(missing)}]"
        raise Refusal(400, "REQUIRED_FIELD_MISSING", text, missing)


def no_such_column(sobject: SObject, name: str) -> Refusal:
    """Return what a write to an unknown field gets."""
    return Refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")


def stored_value(field: Field, raw: object) -> Value:
    """Return a JSON or Python value as it is stored; empty text is null."""
    if raw is None or raw == "":
        return None
    if field.type == "base64":
        return stored_content(field, raw)
    if field.is_id:
        return _record_id(field, raw)
    if field.is_text or field.type == "anyType":
        return _text(field, raw)
    if field.type == "boolean":
        return _boolean(field, raw)
    if field.type in _NUMBERS:
        return _number(field, raw)
    return _moment(field, raw)


def _record_id(field: Field, raw: object) -> str:
    whole = to18(raw) if isinstance(raw, str) else None
    if whole is None:
        raise Refusal(400, "MALFORMED_ID", f"{field.label}: id value of incorrect type: {raw}", [field.name])
    return whole


def _text(field: Field, raw: object) -> str | None:
    if not isinstance(raw, str):
        raise _unreadable(field, raw, "xsd:string")
    text = raw.strip()
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise Refusal(400, "STRING_TOO_LONG", message, [field.name])
    _require_choice(field, text)
    if field.type == "email" and text and not _EMAIL.match(text):
        message = f"{field.label}: invalid email address: {text}"
        raise Refusal(400, "INVALID_EMAIL_ADDRESS", message, [field.name])
    return text or None


def _require_choice(field: Field, text: str) -> None:
    """Refuse what a restricted picklist does not have."""
    known = {value.casefold() for value in field.values}
    given = text.split(";") if field.type == "multipicklist" else [text]
    wrong = next((one for one in given if one.casefold() not in known), None) if field.restricted and text else None
    if wrong is not None:
        message = f"{field.label}: bad value for restricted picklist field: {wrong}"
        raise Refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])


def _boolean(field: Field, raw: object) -> bool:
    if isinstance(raw, str) and raw.lower() in {"true", "false"}:
        return raw.lower() == "true"
    if not isinstance(raw, bool):
        raise _unreadable(field, raw, "xsd:boolean")
    return raw


def _number(field: Field, raw: object) -> int | float:
    try:
        number = float(str(raw))
    except ValueError:
        raise _unreadable(field, raw, _NUMBERS[field.type]) from None
    if isinstance(raw, bool) or (field.type == "int" and not number.is_integer()):
        raise _unreadable(field, raw, _NUMBERS[field.type])
    most = 2**31 if field.type == "int" else 10 ** (field.precision - field.scale) if field.precision else None
    if not math.isfinite(number) or (most is not None and abs(number) >= most):
        message = f"{field.label}: value outside of valid range on numeric field: {raw}"
        raise Refusal(400, "NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])
    return int(number) if field.type == "int" else number


def _moment(field: Field, raw: object) -> date:
    try:
        if field.type == "date":
            return raw if type(raw) is date else date.fromisoformat(str(raw))
        instant = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
        aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return aware.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise _unreadable(field, raw, field.soap_type) from None


def _unreadable(field: Field, raw: object, soap_type: str) -> Refusal:
    kind = soap_type.removeprefix("xsd:")
    shape = (
        "VALUE_STRING" if isinstance(raw, str) else "VALUE_NUMBER" if isinstance(raw, int | float) else "START_OBJECT"
    )
    message = (
        f"Cannot deserialize instance of {kind} from {shape} value {raw} or request may be missing a required "
        f"field at [line:1, column:{len(field.name) + 5}]"
    )
    return Refusal(400, "JSON_PARSER_ERROR", message)
