"""The Python types for each of Salesforce's, as the demo org describes its fields and as decoding accepts them."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg, Fault
from orgsync.extract.field_types import fitting_types, misfits
from orgsync.records import schema_of
from orgsync.records.decoding import FieldFacts, decode, decode_csv
from orgsync.salesforce.api.describe import FieldDescribe
from tests.extract.extracting import copied, reading
from tests.projects import project_at

VALUES: Mapping[str, Any] = {
    "string": "Ann",
    "multipicklist": "A;B",
    "reference": "003000000000001AAA",
    "boolean": True,
    "int": 3,
    "double": 3.5,
    "date": "2026-01-31",
    "datetime": "2026-01-31T10:15:00.000+0000",
    "time": "10:15:00.000Z",
    "address": {"city": "Oslo"},
}

TYPES = (str, bool, int, float, Decimal, date, datetime, time)


def described(kind: str, scale: int | None = None) -> FieldDescribe:
    return FieldDescribe("Value__c", kind, None, (), calculated=False, scale=scale)


def taken(kind: Any, value: object) -> bool:
    """Tell whether decoding takes a value for a column of a type, by REST and by Bulk."""
    namespace = {"__annotations__": {"value": kind | None}, "value": field("Value__c"), "__module__": __name__}
    metaclass: Any = type(Record)
    model: Any = metaclass("Holder", (Record,), namespace, table=True)
    record = {"Id": "a00000000000001AAA", "SystemModstamp": None, "IsDeleted": False, "Value__c": value}
    try:
        decode(schema_of(model), [record])
        if not isinstance(value, dict):
            text = str(value).lower() if isinstance(value, bool) else str(value)
            decode_csv(schema_of(model), [*record], [["a00000000000001AAA", "", "false", text]], FieldFacts())
    except Exception:
        return False
    return True


@pytest.mark.parametrize("kind", VALUES)
def test_the_types_that_are_recommended_are_those_that_decoding_accepts(kind: str) -> None:
    fitting = fitting_types(described(kind, scale=2))
    assert fitting is not None
    assert {each for each in TYPES if taken(each, VALUES[kind])} == set(fitting) & set(TYPES)


def test_a_number_without_decimals_fits_an_int() -> None:
    assert int in (fitting_types(described("currency", scale=0)) or ())
    assert int not in (fitting_types(described("currency", scale=2)) or ())


def test_a_type_that_is_not_known_is_left_to_the_run() -> None:
    assert fitting_types(described("hologram")) is None


class Person(Record, table=True):
    last_name: int
    owner_name: bool | None = field("Account.Owner.Name")
    amount: int | None
    age: int | None
    anything: int | None


def test_a_misfit_is_named_with_the_type_to_write() -> None:
    fields = {
        "LastName": described("string"),
        "Account.Owner.Name": described("string"),
        "Amount": described("currency", scale=2),
        "Age": described("int"),
        "Anything": None,
    }
    found = misfits(schema_of(Person), fields)
    assert [(each.cause, each.remedy) for each in found] == [
        (
            "Person.last_name is declared int, but Person.LastName is of Salesforce's type string.",
            "Write last_name: str.",
        ),
        (
            "Person.owner_name is declared bool, but Person.Account.Owner.Name is of Salesforce's type string.",
            "Write owner_name: str | None.",
        ),
        (
            "Person.amount is declared int, but Person.Amount is of Salesforce's type currency with decimals.",
            "Write amount: float | None (or Decimal, str).",
        ),
    ]


async def test_a_whole_number_of_18_digits_keeps_every_digit(tmp_path: Path, org: DemoOrg) -> None:
    class Account(Record, table=True):
        annual_revenue: int | None

    row = (
        '{"Id": "001000000000001AAA", "SystemModstamp": "2026-01-31T10:15:00.000+0000", "IsDeleted": false, '
        '"AnnualRevenue": 123456789012345678.0}'
    )
    answer = Fault.status(200, f'{{"totalSize": 1, "done": true, "records": [{row}]}}', content_type="application/json")
    org.add_fault(answer, soql="AnnualRevenue")
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Account, api="rest"))
        found = await copied(project, "account", "annual_revenue")
    assert found["001000000000001AAA"] == 123456789012345678
