"""Values as the driver reads them, made the store's."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

__all__ = ["instants_in_utc"]


def instants_in_utc(row: Sequence[Any]) -> list[Any]:
    """Return a row whose instants bear `UTC` itself, as everywhere in orgsync."""
    return [value.astimezone(UTC) if type(value) is datetime else value for value in row]
