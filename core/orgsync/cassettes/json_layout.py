"""JSON laid out for readers of a cassette: a record a line, every token unchanged."""

from collections.abc import Sequence

import msgspec

__all__ = ["laid_out"]


def laid_out(text: str) -> str:
    """Return JSON broken over lines: each key of the outermost object, and each object of a list, on a line of its own.

    Numbers, escapes and the order of keys stay as they are. A text that is not JSON, or holds no object, is unchanged.
    """
    try:
        return _laid_out(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return text


def _laid_out(body: bytes) -> str:
    if not body.lstrip().startswith((b"{", b"[")):
        return body.decode()
    lines = msgspec.json.format(body, indent=2).decode().split("\n")
    if lines[0] == "[":
        return "\n".join(_list(lines, 1))
    inner = [line for value in _values(lines[1:-1], 1) for line in _list(value, 2)]
    return "\n".join([*lines[:1], *inner, *lines[1:][-1:]])


def _list(lines: Sequence[str], depth: int) -> list[str]:
    """Put each object of a list on its line; anything else becomes one line."""
    if not lines[0].endswith("[") or not any(line.startswith(f"{'  ' * depth}{{") for line in lines):
        return [_joined(lines)]
    return [lines[0], *(_joined(value) for value in _values(lines[1:-1], depth)), lines[-1]]


def _values(lines: Sequence[str], depth: int) -> list[list[str]]:
    """Divide the lines within brackets: each value with what it holds."""
    values: list[list[str]] = []
    indent = 2 * depth
    for line in lines:
        if line[indent] in " ]}":
            values[-1].append(line)
        else:
            values.append([line])
    return values


def _joined(lines: Sequence[str]) -> str:
    joined = "".join(f"{line.lstrip()} " if line.endswith(",") else line.lstrip() for line in lines).rstrip()
    return lines[0][: len(lines[0]) - len(lines[0].lstrip())] + joined
