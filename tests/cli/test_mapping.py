"""`orgsync connections map`: columns filled from other fields on one connection."""

from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command

SCRIPT = """\
from orgsync import Batches, Context, Record, field, sync


class Customer(Record, table=True):
    __sobject__ = "Contact"

    level: str | None = field("Title")
    note: str | None = field(local=True)
    number: int | None = field(optional=True)


@sync
def customers(ctx: Context) -> Batches[Customer]:
    return ctx.changes(Customer)
"""


@pytest.fixture
def customers(folder: Path, acme: DemoOrg) -> DemoOrg:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "customers.py").write_text(SCRIPT)
    return acme


def test_a_column_is_mapped_shown_and_taken_away_again(orgsync: Command, customers: DemoOrg) -> None:
    assert "Nothing is mapped" in orgsync("connections", "map", "acme").err
    mapped = orgsync("connections", "map", "acme", "Customer.level=Department")
    assert (mapped.code, mapped.out) == (0, "Customer.level  Department\n")
    assert orgsync("connections", "map", "acme").out == mapped.out
    assert '{"Customer.level": "Department"}' in orgsync("connections", "show", "acme").out
    assert orgsync("run", "customers").code == 0
    levels = {row["id"]: row["level"] for row in orgsync("records", "customer", "--json").objects()}
    assert levels == {row["Id"]: row["Department"] for row in customers.rows("Contact")}
    taken_away = orgsync("connections", "map", "acme", "--unmap", "Customer.level", "--json")
    assert taken_away.objects() == [{"connection": "acme", "mapping": {}}]


def test_the_table_and_another_case_of_its_name_will_do(orgsync: Command, customers: DemoOrg) -> None:
    assert orgsync("connections", "map", "acme", "CUSTOMER.level=department").code == 0
    assert orgsync("connections", "map", "acme", "--json").objects()[0]["mapping"] == {"Customer.level": "department"}
    assert orgsync("run", "customers").code == 0
    levels = {row["id"]: row["level"] for row in orgsync("records", "customer", "--json").objects()}
    assert levels == {row["Id"]: row["Department"] for row in customers.rows("Contact")}


@pytest.mark.usefixtures("customers")
@pytest.mark.parametrize(
    ("pair", "cause"),
    [
        ("Custmer.level=Department", "No script has a record class Custmer. Did you mean Customer?"),
        ("custmer.level=Department", "No script has a record class custmer. Did you mean Customer?"),
        ("Deal.level=Department", "No script has a record class Deal."),
        ("Customer.levl=Department", "Customer has no column levl. Did you mean level?"),
        ("Customer.Title=Department", "Customer has no column Title. Did you mean level?"),
        ("Customer.note=Department", "Customer.note is local: its script fills it"),
        ("Customer.id=Department", "Customer.id is in every record class"),
        ("Customer.level=Departmnt", "needs it. Did you mean Department?"),
        ("Customer.level=Acount.Name", "Contact has no field Acount"),
        ("Customer.level=Account.Nam", "Account has no field Nam"),
        ("Customer.number=Title", "declared int, but Contact.Title is of Salesforce's type string"),
        ("Customer.level=Department,Title", "takes one field, but Department,Title names 2"),
        ("Customer.level=no field", "'no field', which is not the name of a field"),
        ("Customer.level", "does not say which field fills which column"),
        ("level=Department", "'level' is not a column of a record class"),
        ("Customer.level=Department Customer.level=Title", "named twice"),
    ],
)
def test_what_does_not_exist_or_does_not_fit_is_named_and_nothing_is_kept(
    orgsync: Command, pair: str, cause: str
) -> None:
    words = pair.split(" ") if " Customer" in pair else [pair]
    refused = orgsync("connections", "map", "acme", *words)
    assert refused.code in (1, 2)
    assert cause in refused.problem()[0]
    assert orgsync("connections", "map", "acme").out == ""


@pytest.mark.usefixtures("customers")
def test_a_column_that_is_not_mapped_is_not_taken_away(orgsync: Command) -> None:
    orgsync("connections", "map", "acme", "Customer.level=Department")
    refused = orgsync("connections", "map", "acme", "--unmap", "Customer.number")
    assert (refused.code, refused.problem()[0]) == (2, "Customer.number is not mapped on acme.")
    assert "Customer.level" in refused.problem()[1]


def test_where_the_org_does_not_answer_the_mapping_is_kept_with_a_warning(
    orgsync: Command, customers: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers.revoke_refresh_tokens()
    customers.expire_tokens()
    mapped = orgsync("connections", "map", "acme", "Customer.level=Department")
    assert mapped.code == 0
    assert "not compared with the org's" in mapped.err
    assert mapped.out == "Customer.level  Department\n"


def test_doctor_compares_the_mapping_with_the_org_and_with_the_scripts(
    orgsync: Command, customers: DemoOrg, folder: Path
) -> None:
    orgsync("connections", "map", "acme", "Customer.level=Department")
    assert "level from Department" in " ".join(orgsync("doctor", "acme").out.split())
    customers.hide_field("Contact", "Department")
    found = orgsync("doctor", "acme")
    assert found.code == 1
    assert "Customer.level, which the connection maps to it, needs it" in " ".join(found.out.split())
    (folder / "syncs" / "customers.py").unlink()
    lost = orgsync("doctor", "acme")
    assert lost.code == 2
    assert "no script has a class with the table customer" in " ".join(lost.out.split())
    assert orgsync("connections", "map", "acme", "--unmap", "Customer.level").code == 0
