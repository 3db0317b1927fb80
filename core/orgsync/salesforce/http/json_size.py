"""The number of objects that a JSON text holds, counted before it is parsed: two bytes may become a hundred."""

import re

__all__ = ["MOST_CONTAINERS", "MOST_VALUES", "is_too_large"]

MOST_CONTAINERS = 700_000  # objects and arrays; the longest response of Salesforce's, a log of deletions, has 600,000
MOST_VALUES = 2_500_000  # such a log has 1.8 million, a page of 2,000 rows of 800 fields 1.6 million

_STRING = re.compile(rb'"[^"]*+"?')
_ALL_BUT_TOKENS = bytes(set(range(256)) - set(b'"{[,'))


def is_too_large(content: bytes, containers: int = MOST_CONTAINERS, values: int = MOST_VALUES) -> bool:
    """Return whether a JSON text has more objects and arrays, or more values, than any response of Salesforce's.

    Counting bytes is enough for most responses; the contents of strings are removed only where there are many.
    """
    if not _exceeds(content, containers, values):
        return False
    if content.count(b'"') - content.count(b'\\"') > 4 * (values + 1):  # a value and its name are two strings
        return True
    tokens = content.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _ALL_BUT_TOKENS).replace(b'""', b"")
    return _exceeds(_STRING.sub(b"", tokens), containers, values)


def _exceeds(content: bytes, containers: int, values: int) -> bool:
    """Count the bytes that begin a value; commas, of which there are many, only where they may be too many."""
    if len(content) <= min(containers, values):
        return False
    found = content.count(b"{") + content.count(b"[")
    return found > containers or (len(content) > values and found + content.count(b",") > values)
