"""How many objects a JSON text makes in memory, counted before it makes them: two bytes of it may become a hundred."""

import re

__all__ = ["MOST_CONTAINERS", "MOST_VALUES", "is_too_large"]

MOST_CONTAINERS = 1_000_000  # objects and arrays; the longest answer of Salesforce's, a log of deletions, has 600,000
MOST_VALUES = 4_000_000

_STRING_OR_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[{\[,]', re.DOTALL)


def is_too_large(content: bytes) -> bool:
    """Return whether a JSON text has more objects, arrays or values than any answer of Salesforce's."""
    containers = content.count(b"{") + content.count(b"[")
    if containers <= MOST_CONTAINERS and containers + content.count(b",") <= MOST_VALUES:
        return False
    containers = values = 0
    for match in _STRING_OR_TOKEN.finditer(content):  # what stands inside of strings does not count
        token = content[match.start()]
        if token == _QUOTE:
            continue
        values += 1
        containers += token != _COMMA
        if containers > MOST_CONTAINERS or values > MOST_VALUES:
            return True
    return False


_QUOTE, _COMMA = b'",'
