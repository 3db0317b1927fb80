"""The rows that are written, one at a time."""

from collections.abc import Iterator

__all__ = ["rows_to_write"]


def rows_to_write(rows: int) -> Iterator[dict[str, str]]:
    """Yield contacts with an external id."""
    for number in range(rows):
        yield {
            "Key__c": f"K-{number:08}",
            "LastName": f"Lovelace {number}",
            "FirstName": "Ada",
            "Email": f"ada.{number}@example.com",
            "Phone": f"+44 20 {number:08}",
            "Title": "Analyst, first class",
        }
