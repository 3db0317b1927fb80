"""The type of a value, as errors name it."""

__all__ = ["kind_of"]


def kind_of(value: object) -> str:
    """Name the type of a value with its article: `a str`, `an int`."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
