"""The fields of the demo org that are computed: their values change while no stamp of their row moves."""

from datetime import date

from .fields import Field, Row, Scope, Value


def person_name(row: Row, scope: Scope) -> Value:
    """Join first and last name, as the API gives a person's Name."""
    return " ".join(str(row[part]) for part in ("FirstName", "LastName") if row.get(part)) or None


def expected_revenue(row: Row, scope: Scope) -> Value:
    """Weigh an amount by its probability; a computed field that is no formula."""
    amount, probability = row.get("Amount"), row.get("Probability")
    if not isinstance(amount, int | float) or not isinstance(probability, int | float):
        return None
    return round(amount * probability / 100, 2)


def _account_rating(row: Row, scope: Scope) -> Value:
    account = scope.find("Account", row.get("AccountId"))
    return account.get("Rating") if account else None


def _age(row: Row, scope: Scope) -> Value:
    born, today = row.get("Birthdate"), scope.today
    if not isinstance(born, date):
        return None
    return float(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))


ACCOUNT_RATING = Field(
    name="Account_Rating__c", label="Account Rating", type="string", length=1300, createable=False,
    updateable=False, derive=_account_rating, formula="TEXT(Account.Rating)",
)  # fmt: skip

AGE = Field(
    name="Age__c", label="Age", type="double", precision=18, createable=False, updateable=False, derive=_age,
    formula="YEAR(TODAY()) - YEAR(Birthdate) - IF(ADDMONTHS(Birthdate, 12 * (YEAR(TODAY()) - YEAR(Birthdate))) "
    "> TODAY(), 1, 0)",
)  # fmt: skip
