"""What fields, record classes and syncs of an org are called."""

import keyword
import re
import warnings
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import create_model

from orgsync.object_names import class_name, sync_name
from orgsync.records import Record
from orgsync.records.field_options import path_of
from orgsync.scripts.field_names import field_names, parent_field_name

API_NAMES = st.from_regex(r"([A-Za-z][A-Za-z0-9]{0,4}__)?[A-Za-z][A-Za-z0-9]{0,9}(_[A-Za-z0-9]{1,4})?", fullmatch=True)
FIELDS = st.builds(str.__add__, API_NAMES, st.sampled_from(["", "__c", "__pc", "__Latitude__s"]))
CROWDED = st.sampled_from(
    ["Id", "Level", "level", "Json", "Class", "Model", "MRO", "Date", "Field", "Level_Custom", "Cls"]
)
CROWDED_FIELDS = st.builds(
    "{}{}{}".format, st.sampled_from(["", "ns__", "other__"]), CROWDED, st.sampled_from(["", "__c", "__pc"])
)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("AccountId", "account_id"),
        ("Level__c", "level"),
        ("AnnualRevenueUSD__c", "annual_revenue_usd"),
        ("Upsell_Opportunity__c", "upsell_opportunity"),
        ("npo02__FirstCloseDate__c", "first_close_date"),
        ("Hobby__pc", "hobby"),
        ("Site__Latitude__s", "site_latitude"),
        ("ns__Site__Latitude__s", "site_latitude"),
        ("HTMLBody", "html_body"),
        ("Id__c", "id_value"),
        ("Metadata", "metadata_value"),
        ("Json__c", "json_value"),
        ("Copy__c", "copy_value"),
        ("Registry__c", "registry_value"),
        ("Register__c", "register_value"),  # a method of the metaclass, which pydantic warns of
        ("Connection__c", "connection_value"),
        ("Sync_Seq__c", "sync_seq_value"),
        ("Sync_Number__c", "sync_number_value"),
        ("Class__c", "class_value"),
        ("From", "from_value"),
        ("Date__c", "date_value"),
        ("Field", "field_value"),
        ("L__c", "l_value"),
        ("Cls__c", "cls_value"),  # SQLModel's constructor has it for itself
        ("Model__c", "model"),
        ("aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJ__c", "abcdefghijklmnopqrstuvwxyzabcdefghij"),
        ("Model_Year__c", "field_model_year"),
        ("ns__1st__c", "field_1st"),
    ],
)
def test_a_field_is_called_what_a_person_would_call_it(field: str, name: str) -> None:
    assert field_names([field]) == {field: name}


def test_fields_of_one_name_are_distinguished_by_where_they_come_from() -> None:
    fields = ["b__Level__c", "Level__pc", "a__Level__c", "Level__c", "Level", "LEVEL__c"]
    assert field_names(fields) == {
        "Level": "level",
        "LEVEL__c": "level_custom",
        "Level__c": "level_2",
        "Level__pc": "level_person",
        "a__Level__c": "a_level",
        "b__Level__c": "b_level",
    }


def test_a_standard_field_keeps_its_name_beside_a_custom_one_that_would_have_it() -> None:
    assert field_names(["Name__c", "Name"]) == {"Name": "name", "Name__c": "name_custom"}


@settings(max_examples=40)
@given(st.lists(st.one_of(FIELDS, CROWDED_FIELDS, st.text()), unique=True, max_size=12))
def test_names_are_unique_plain_and_free_whatever_the_fields_are_called(fields: list[str]) -> None:
    names = field_names(fields)
    assert names.keys() == set(fields)
    assert len(set(names.values())) == len(fields)
    assert names == field_names(reversed(fields))
    for name in names.values():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert not keyword.iskeyword(name)
        assert name not in Record.model_fields
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pydantic warns of a name that it, or a base class, has already
        make = cast("Any", create_model)
        model = make("Row", __base__=Record, **dict.fromkeys(names.values(), (str | None, None)))
    made = model(**dict.fromkeys(names.values(), "x"))
    assert {getattr(made, name) for name in names.values()} <= {"x"}


@given(st.from_regex(r"([A-Z][a-z]{1,8}){1,4}", fullmatch=True))
def test_the_name_of_a_plain_standard_field_gives_it_back(field: str) -> None:
    name = field_names([field])[field]
    assert path_of(name) == field or name.endswith("_value") or name.startswith("field_")


def test_a_parents_name_is_called_after_the_relationship() -> None:
    assert parent_field_name("Account", set()) == "account_name"
    assert parent_field_name("ns__Region__r", set()) == "region_name"
    assert parent_field_name("Account", {"account_name"}) == "account_name_2"
    assert parent_field_name("商談", set()) == "name"


@pytest.mark.parametrize(
    ("sobject", "name"),
    [
        ("Opportunity", "Opportunity"),
        ("Invoice__c", "Invoice"),
        ("Purchase_Order__c", "PurchaseOrder"),
        ("my_object__c", "MyObject"),
        ("ns__Thing__mdt", "Thing"),
        ("ns__Invoice__Share", "InvoiceShare"),
        ("Invoice__History", "InvoiceHistory"),
        ("Record__c", "RecordRow"),
        ("Exception__c", "ExceptionRow"),
        ("ns__3D_Model__c", "Object3DModel"),
        ("Orgsync_Note__c", "MyOrgsyncNote"),  # the store keeps tables of that beginning for itself
    ],
)
def test_a_record_class_is_called_after_its_object(sobject: str, name: str) -> None:
    assert class_name(sobject) == name


@pytest.mark.parametrize(
    ("plural", "sobject", "name"),
    [
        ("Opportunities", "Opportunity", "opportunities"),
        ("Opportunity Line Items", "OpportunityLineItem", "opportunity_line_items"),
        ("OAuth Tokens", "OauthToken", "oauth_tokens"),
        ("Invoices (old)", "Invoice__c", "invoices_old"),
        ("Opportunités", "Opportunity", "opportunites"),
        ("商談", "Opportunity", "opportunities"),
        ("Größen", "Size__c", "sizes"),
        ("", "Purchase_Box__c", "purchase_boxes"),
        ("---", "Day__c", "days"),
        ("3D Models", "Model__c", "models"),
        ("Отделы", "Process__c", "processes"),
        ("商談", "Sales__c", "sales"),
        ("Class", "Class__c", "class_rows"),
        ("Sync", "Sync__c", "sync_rows"),
        ("List", "List__c", "list_rows"),
    ],
)
def test_a_sync_is_called_by_the_plural_label_or_by_the_api_name(plural: str, sobject: str, name: str) -> None:
    assert sync_name(plural, sobject) == name


@given(st.text(max_size=40), st.one_of(FIELDS, st.text(max_size=40)))
def test_every_label_and_object_gives_names_that_python_takes(plural: str, sobject: str) -> None:
    for name in (sync_name(plural, sobject), class_name(sobject)):
        assert name.isascii()
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert not name.startswith("_")
