"""Numbers: from Salesforce's several notations to the one that the store keeps where digits count."""

from decimal import Decimal

__all__ = ["stored_number"]


def stored_number(value: object) -> str:
    """Write a number by its value: no exponent, and no zeros behind a point that change nothing.

    REST writes 3.0 and 1.5E10, Bulk may write 3 and 15000000000: equal numbers get equal text. Raises
    ArithmeticError or ValueError for what is not a finite number.
    """
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("not a finite number")
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
