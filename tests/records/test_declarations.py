"""What a class statement declares has an effect, or is refused with a sentence; nothing is ignored."""

from decimal import Decimal
from typing import Annotated, Any, Optional

import pydantic
import pytest
import sqlmodel
from pydantic import field_validator
from sqlalchemy import String

from orgsync import Record, field
from orgsync.errors import RecordClassInvalid, ScriptProblem
from orgsync.records import Batch, schema_of


def declared(annotation: Any = str, value: Any = ..., **more: Any) -> type[Record]:
    """Make a record class with one field called `level`, and what else a class statement may hold."""
    statement = {"__module__": __name__, "__annotations__": {"level": annotation}, **more}
    if value is not ...:
        statement["level"] = value
    return made(statement, table=True)


def made(statement: dict[str, Any], **options: Any) -> type[Record]:
    metaclass: Any = type(Record)
    model: type[Record] = metaclass("Odd", (Record,), statement, **options)
    return model


WITHOUT_EFFECT: list[tuple[str, Any]] = [
    ("primary_key", True),
    ("unique", True),
    ("foreign_key", "account.id"),
    ("nullable", False),
    ("sa_type", String),
    ("sa_column_kwargs", {"comment": "x"}),
    ("alias", "Level"),
    ("default_factory", str),
    ("max_length", 3),
]


@pytest.mark.parametrize(("option", "value"), WITHOUT_EFFECT)
def test_what_sqlmodels_field_is_given_without_effect_is_refused(option: str, value: Any) -> None:
    with pytest.raises(RecordClassInvalid, match=r"Odd\.level is given .*, which has no effect in a record class"):
        declared(value=sqlmodel.Field(**{option: value}))


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, pydantic.Field(max_length=3)],
        Optional[Annotated[str, pydantic.Field(max_length=3)]],  # noqa: UP045 # pyright knows no | of an Annotated
        Annotated[str, pydantic.AfterValidator(str.upper)],
        Annotated[str, sqlmodel.Field(unique=True)],
    ],
)
def test_an_annotation_that_would_check_or_change_values_is_refused(annotation: Any) -> None:
    with pytest.raises(RecordClassInvalid, match="has no effect in a record class"):
        declared(annotation)


@pytest.mark.parametrize("default", ["Account.Name", 0, False])
def test_a_default_is_refused(default: Any) -> None:
    with pytest.raises(RecordClassInvalid, match=r"Odd\.level has the default"):
        declared(type(default), default)


@pytest.mark.parametrize(
    "value", [None, pydantic.Field(default=None, title="Level", description="How high", examples=["1"])]
)
def test_none_and_words_for_people_are_harmless(value: Any) -> None:
    assert schema_of(declared(str | None, value)).fields[0].nullable


def test_an_index_may_stand_in_the_annotation() -> None:
    assert schema_of(declared(Annotated[str, sqlmodel.Field(index=True)])).fields[0].index
    assert not schema_of(declared(str, sqlmodel.Field(index=False))).fields[0].index


def test_a_validator_is_refused() -> None:
    def upper(value: str) -> str:
        return value.upper()

    with pytest.raises(RecordClassInvalid, match=r"Odd\.upper validates values with pydantic"):
        declared(upper=field_validator("level")(upper))


@pytest.mark.parametrize("name", ["__table_args__", "__mapper_args__", "model_config"])
def test_a_class_attribute_without_effect_is_refused(name: str) -> None:
    with pytest.raises(RecordClassInvalid, match=f"Odd sets {name}, which has no effect"):
        declared(**{name: {}})


@pytest.mark.parametrize(("name", "right"), [("__sobjekt__", "__sobject__"), ("__table_name__", "__tablename__")])
def test_a_misspelt_special_name_is_refused(name: str, right: str) -> None:
    with pytest.raises(RecordClassInvalid, match=f"Write {right}"):
        declared(**{name: "Lead"})


def test_a_table_name_without_a_table_is_refused() -> None:
    with pytest.raises(RecordClassInvalid, match="has no table"):
        made({"__module__": __name__, "__tablename__": "odd"})


@pytest.mark.parametrize("path", ["", "Account Name", "toLabel(Status)", "Account."])
def test_a_path_that_names_no_field_is_refused(path: str) -> None:
    with pytest.raises(RecordClassInvalid, match="is not the name of a field"):
        declared(str, field(path))


@pytest.mark.parametrize("sobject", ["", "Two words", 7])
def test_an_object_that_cannot_be_one_is_refused(sobject: Any) -> None:
    with pytest.raises(RecordClassInvalid, match="is not the name of an object"):
        declared(__sobject__=sobject)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Level", "level"], "would be the same column"),
        (["ID"], "declares ID, a name that orgsync's own columns have"),
        (["connection"], "declares connection"),
        (["metadata"], "hides the attribute metadata"),
        (["json"], "hides the attribute json"),
    ],
)
def test_a_name_that_no_column_can_have_is_refused(names: list[str], message: str) -> None:
    with pytest.raises(RecordClassInvalid, match=message):
        declared(**{"__annotations__": dict.fromkeys(names, str)})


def test_the_column_of_digits_has_its_name_to_itself() -> None:
    with pytest.raises(RecordClassInvalid, match=r"Odd\.level__exact has the name of the column"):
        declared(**{"__annotations__": {"level": Decimal, "level__exact": str}})


def test_two_columns_may_hold_one_field() -> None:
    model = declared(**{"__annotations__": {"name": str, "label": str}, "label": field("Name")})
    assert schema_of(model).paths() == ["Id", "SystemModstamp", "IsDeleted", "Name"]


def test_a_field_without_a_type_is_reported_in_a_sentence() -> None:
    with pytest.raises(RecordClassInvalid, match="Write each field as name: type"):
        declared(other=field("Other__c"))


def test_data_that_is_not_salesforces_has_no_object() -> None:
    model = declared(__sobject__=None)
    schema = schema_of(model)
    assert schema.object_name is None
    assert [row.id for row in Batch(model, [{"id": "ticket-7", "level": "low"}])] == ["ticket-7"]
    with pytest.raises(ScriptProblem, match=r"Odd is not Salesforce's data .* yield Batch\(Odd, rows\)"):
        _ = schema.sobject


@pytest.mark.parametrize(
    ("annotation", "options", "cause"),
    [
        (str, {"mask": "hsh"}, r"Odd\.level has the mask 'hsh', which does not exist"),
        (str, {"mask": "hash", "local": True}, r"Odd\.level is local"),
        (int, {"mask": "hash"}, r"Odd\.level is declared int, but a hash is a text"),
        (str, {"mask": "hash", "path": "Id"}, r"Odd\.level reads Id, by which rows are found"),
        (str, {"mask": "hash", "path": "SystemModstamp"}, r"Odd\.level reads SystemModstamp"),
        (str, {"mask": "hash", "path": "isdeleted"}, r"Odd\.level reads isdeleted"),
    ],
)
def test_a_mask_is_refused_where_values_are_needed_as_they_are(
    annotation: Any, options: dict[str, Any], cause: str
) -> None:
    with pytest.raises(RecordClassInvalid, match=cause):
        declared(annotation, field(**options))
