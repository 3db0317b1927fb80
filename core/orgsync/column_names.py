"""Names of columns that follow from those of others."""

__all__ = ["exact_name"]


def exact_name(column: str) -> str:
    """Name the column that keeps a Decimal column's digits in SQLite."""
    return f"{column}__exact"
