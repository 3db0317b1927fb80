"""Salesforce's record ids, of 15 characters or of 18."""

__all__ = ["long_id"]

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(record_id: str) -> str:
    """Give the 18-character form of an id: the last three say which of the 15 before them are capitals."""
    if len(record_id) != 15:
        return record_id
    groups = (record_id[at : at + 5] for at in (0, 5, 10))
    return record_id + "".join(_CHECK[sum(each.isupper() << bit for bit, each in enumerate(group))] for group in groups)
