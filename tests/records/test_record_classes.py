"""A class statement becomes a field list, a select list, a row type and a table."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session, select

from orgsync import Record, field
from orgsync.errors import RecordClassInvalid
from orgsync.records import Batch, decode, schema_of
from orgsync.store import Store, Write


class Contact(Record, table=True):
    """A class with every type that a column can hold."""

    first_name: str | None
    last_name: str
    account_name: str | None = field("Account.Name")
    level: str | None = field("Level__c", optional=True)
    score: int | None
    weight: float | None
    fee: Decimal | None
    active: bool | None
    born: date | None
    wakes: time | None
    created_date: datetime | None
    mailing_address: dict[str, Any] | None
    kind: Literal["a", "b"] | None
    nickname: Annotated[str, "any"] | None


def test_field_names_follow_the_camel_case_rule_unless_they_are_given() -> None:
    paths = {column.name: column.path for column in schema_of(Contact).columns}
    assert paths["first_name"] == "FirstName"
    assert paths["account_name"] == "Account.Name"
    assert paths["level"] == "Level__c"
    assert paths["id"] == "Id"


def test_the_table_has_keys_fields_and_bookkeeping_in_that_order() -> None:
    names = Contact.metadata.tables["contact"].columns.keys()
    assert names[:2] == ["connection", "id"]
    assert names[-6:] == [
        "system_modstamp",
        "is_deleted",
        "sync_change",
        "sync_number",
        "sync_changed_at",
        "sync_first_seen_at",
    ]
    assert [column.name for column in schema_of(Contact).fields] == names[2:-6]


def test_class_names_of_several_words_become_snake_case_tables() -> None:
    class OpportunityLineItem(Record, table=True):
        quantity: float | None

    class Price(Record, table=True):
        __sobject__ = "PricebookEntry"
        __tablename__ = "our_price"
        unit_price: float | None

    assert schema_of(OpportunityLineItem).table == "opportunity_line_item"
    assert schema_of(OpportunityLineItem).sobject == "OpportunityLineItem"
    assert (schema_of(Price).sobject, schema_of(Price).table) == ("PricebookEntry", "our_price")


def test_two_scripts_may_each_define_a_contact() -> None:
    def one() -> type[Record]:
        class Contact(Record, table=True):
            email: str | None

        return Contact

    assert schema_of(one()).fields[0].name == "email"
    assert schema_of(Contact).fields[0].name == "first_name"


def test_a_type_that_no_column_can_hold_is_named() -> None:
    with pytest.raises(RecordClassInvalid, match=r"Odd\.weird has a type that no column can hold"):

        class Odd(Record, table=True):  # pyright: ignore[reportUnusedClass]
            weird: complex


def test_a_union_of_two_types_is_refused() -> None:
    with pytest.raises(RecordClassInvalid, match=r"Odd\.either"):

        class Odd(Record, table=True):  # pyright: ignore[reportUnusedClass]
            either: str | int | None


def test_a_column_that_every_class_has_already_cannot_be_declared_again() -> None:
    with pytest.raises(RecordClassInvalid, match="declares sync_number"):

        class Odd(Record, table=True):  # pyright: ignore[reportUnusedClass]
            sync_number: int  # pyright: ignore[reportGeneralTypeIssues] # the mistake that is tested


def test_the_name_of_the_number_in_the_change_feed_is_taken() -> None:
    with pytest.raises(RecordClassInvalid, match="declares sync_seq, a name that orgsync's own columns have"):

        class Odd(Record, table=True):  # pyright: ignore[reportUnusedClass]
            sync_seq: int


def test_a_record_class_without_a_table_has_no_schema() -> None:
    class Plain(Record):
        email: str | None

    with pytest.raises(RecordClassInvalid, match="is not declared with table=True"):
        schema_of(Plain)


WIRE: dict[str, Any] = {
    "attributes": {"type": "Contact", "url": "/services/data/v62.0/sobjects/Contact/003000000000001AAA"},
    "Id": "003000000000001AAA",
    "SystemModstamp": "2026-01-31T10:15:00.000+0000",
    "IsDeleted": False,
    "FirstName": None,
    "LastName": "O'Neil \n \U0001f600",
    "Account": {"attributes": {"type": "Account"}, "Name": "Acme"},
    "Level__c": "",
    "Score": 3.0,
    "Weight": 3,
    "Fee": Decimal("12345678901234567.89"),
    "Active": True,
    "Born": "2000-02-29",
    "Wakes": "06:30:00.000Z",
    "CreatedDate": "2024-12-24T18:18:29Z",
    "MailingAddress": {"attributes": {}, "city": "Zürich", "latitude": Decimal("47.5")},
    "Kind": "a",
    "Nickname": None,
}


def test_json_becomes_a_row_in_stored_form() -> None:
    (row,) = decode(schema_of(Contact), [WIRE])
    assert dict(zip((c.name for c in schema_of(Contact).columns), row, strict=True)) == {
        "id": "003000000000001AAA",
        "system_modstamp": "2026-01-31T10:15:00.000Z",
        "is_deleted": False,
        "first_name": None,
        "last_name": "O'Neil \n \U0001f600",
        "account_name": "Acme",
        "level": None,
        "score": 3,
        "weight": 3.0,
        "fee": "12345678901234567.89",
        "active": True,
        "born": "2000-02-29",
        "wakes": "06:30:00.000",
        "created_date": "2024-12-24T18:18:29.000Z",
        "mailing_address": '{"city": "Zürich", "latitude": 47.5}',
        "kind": "a",
        "nickname": None,
    }


async def test_a_row_read_back_with_sqlmodel_has_python_values(tmp_path: Path) -> None:
    async with Store.open(f"sqlite:///{tmp_path / 'orgsync.db'}", folder=tmp_path) as store:
        async with store.runs.begin("contacts", "acme") as run:
            await store.rows.commit(run, [Write(schema_of(Contact), decode(schema_of(Contact), [WIRE]))], None, 0)
        async with store.session() as session:
            found = (await session.exec(select(Contact).where(Contact.last_name == WIRE["LastName"]))).one()
    assert found.created_date == datetime(2024, 12, 24, 18, 18, 29, tzinfo=UTC)
    assert found.fee == Decimal("12345678901234567.89")
    assert found.wakes == time(6, 30)
    assert found.born == date(2000, 2, 29)
    assert found.mailing_address == {"city": "Zürich", "latitude": 47.5}


def test_a_naive_datetime_cannot_be_compared_with_a_column() -> None:
    engine = create_engine("sqlite://")
    Contact.metadata.create_all(engine)
    naive = datetime(2026, 1, 1)  # the mistake that is tested
    statement = select(Contact).where(Contact.created_date == naive)
    with Session(engine) as session, pytest.raises(Exception, match="needs a time zone"):
        session.exec(statement).all()
    engine.dispose()


def test_a_local_column_is_never_queried() -> None:
    class Scored(Record, table=True):
        name: str | None
        score: float | None = field(local=True, index=True)

    schema = schema_of(Scored)
    assert schema.paths() == ["Id", "SystemModstamp", "IsDeleted", "Name"]
    assert [column.name for column in schema.org_fields] == ["name"]
    assert (schema.fields[1].local, schema.fields[1].index, schema.fields[1].path) == (True, True, "")


def test_a_local_column_has_no_salesforce_field() -> None:
    with pytest.raises(RecordClassInvalid, match=r"Odd\.score is local and has a Salesforce field"):

        class Odd(Record, table=True):  # pyright: ignore[reportUnusedClass]
            score: float | None = field("Score__c", local=True)


@pytest.mark.parametrize(
    "keyed", [{"Id": "003000000000001AAA", "Name": "Ann"}, {"id": "003000000000001AAA", "name": "Ann"}]
)
def test_a_row_given_as_a_mapping_may_fill_local_columns(keyed: dict[str, Any]) -> None:
    class Scored(Record, table=True):
        name: str | None
        score: float | None = field(local=True)

    [row] = Batch(Scored, [{**keyed, "score": 0.5}])
    assert (row.name, row.score) == ("Ann", 0.5)
