"""Names of tables and columns that follow from other names."""

import re

__all__ = ["exact_name", "table_name"]

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def exact_name(column: str) -> str:
    """Name the column that keeps a Decimal column's digits in SQLite."""
    return f"{column}__exact"


def table_name(class_name: str) -> str:
    """Turn a class name into a table name: `OpportunityLineItem` into `opportunity_line_item`."""
    return _WORD.sub("_", class_name).lower()
