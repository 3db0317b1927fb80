"""Salesforce's record ids, of 15 characters or of 18."""

import re

__all__ = ["long_id", "whole_id"]

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_WHOLE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?", re.ASCII)


def long_id(record_id: str) -> str:
    """Give the 18-character form of an id: the last three say which of the 15 before them are capitals."""
    if len(record_id) != 15:
        return record_id
    groups = (record_id[at : at + 5] for at in (0, 5, 10))
    return record_id + "".join(_CHECK[sum(each.isupper() << bit for bit, each in enumerate(group))] for group in groups)


def whole_id(value: object) -> str | None:
    """Give the 18-character form of an id, None for what is not one: another type, length or alphabet."""
    return long_id(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None
