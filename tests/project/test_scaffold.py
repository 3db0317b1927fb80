"""A sync is written from an object's describe."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orgsync import Record, Sync
from orgsync.errors import ArgumentInvalid, ConfigurationProblem, NameUnknown, OrgsyncError
from orgsync.project.scaffold import NewScript, compose, script_for, write
from orgsync.records import Schema, schema_of
from orgsync.records.field_options import path_of
from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe
from orgsync.salesforce.http.http import Http
from tests.api.clients import lone_client
from tests.http.raw_server import RawServer, reply

EXAMPLE = Path(__file__).with_name("test_scaffold_example.py")

SYSTEM = [{"name": "Id", "type": "id"}, {"name": "IsDeleted", "type": "boolean"}]
STAMPS = [{"name": name, "type": "datetime", "nillable": False} for name in ("CreatedDate", "LastModifiedDate")]
CURSOR = [{"name": "SystemModstamp", "type": "datetime"}]


def field_of(name: str, type: str = "string", **more: Any) -> FieldDescribe:
    known: dict[str, Any] = {"relationship": None, "refers_to": (), "calculated": False, **more}
    return FieldDescribe(name, type, **known)


def described(*fields: FieldDescribe, name: str = "Thing", plural: str = "Things") -> ObjectDescribe:
    return ObjectDescribe(name, True, True, {each.name.lower(): each for each in fields}, None, plural)


def lookup(name: str, relationship: str, *refers_to: str) -> FieldDescribe:
    return field_of(name, "reference", relationship=relationship, refers_to=refers_to)


INVOICE = described(
    field_of("Id", "id", nillable=False),
    lookup("OwnerId", "Owner", "Group", "User"),
    field_of("IsDeleted", "boolean", nillable=False),
    field_of("CreatedDate", "datetime", nillable=False),
    field_of("Name", named=True, nillable=False),
    lookup("CreatedById", "CreatedBy", "User"),
    field_of("LastModifiedDate", "datetime", nillable=False),
    field_of("SystemModstamp", "datetime", nillable=False),
    lookup("ns__Customer__c", "ns__Customer__r", "Account"),
    field_of("Name__c"),
    field_of("Paid__c", "boolean", nillable=False),
    field_of("Items__c", "int"),
    field_of("TotalUSD__c", "currency"),
    field_of("Discount__c", "percent"),
    field_of("Date__c", "date"),
    field_of("Best_Time_To_Call__c", "time"),
    field_of("Tags__c", "multipicklist"),
    field_of("Site__c", "location"),
    field_of("Site__Latitude__s", "double", compound="Site__c"),
    field_of("Site__Longitude__s", "double", compound="Site__c"),
    field_of("Place", "address"),
    field_of("Scan__c", "base64"),
    field_of("Old__c", hidden=True),
    field_of("Anything", "anyType"),
    field_of("a_package__A_Name_That_Is_As_Long_As_Salesforce_Lets__c"),
    name="ns__Invoice__c",
    plural="Invoices",
)  # fmt: skip


def loaded(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "written"}
    exec(compile(text, "written.py", "exec", dont_inherit=True), names)  # noqa: S102 - our own text
    return names


def schema_in(script: NewScript) -> Schema:
    model: type[Record] = loaded(script.text)[script.model]
    return schema_of(model)


def statement_in(script: NewScript) -> tuple[str, set[str]]:
    """Read the object and the fields' paths off the class statement, which no record class need accept."""
    [found] = [node for node in ast.parse(script.text).body if isinstance(node, ast.ClassDef)]
    sobject, paths = found.name, set[str]()
    for line in found.body:
        match line:
            case ast.Assign(targets=[ast.Name("__sobject__")], value=ast.Constant(str() as given)):
                sobject = given
            case ast.AnnAssign(value=ast.Call(args=[ast.Constant(str() as path), *_])):
                paths.add(path)
            case ast.AnnAssign(target=ast.Name(name)):
                paths.add(path_of(name))
            case _:
                assert isinstance(line, ast.Expr)
                assert isinstance(line.value, ast.Constant)
    return sobject, paths


def checked_by_ruff(*paths: Path) -> None:
    """Hold files against ruff's default rules, and its formatter at the line lengths people use."""
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        [*ruff, "check", "--isolated", "--no-cache"],
        [*ruff, "format", "--isolated", "--no-cache", "--check"],
        [*ruff, "format", "--isolated", "--no-cache", "--check", "--line-length", "120"],
    ):
        ran = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr


# The text


def test_a_script_reads_as_if_a_person_had_written_it() -> None:
    script = compose(INVOICE, by_changes=True)
    assert script.text == EXAMPLE.read_text(encoding="utf-8")
    assert (script.name, script.sobject, script.model, script.fields) == ("invoices", "ns__Invoice__c", "Invoice", 19)
    assert {why: len(names) for why, names in script.left_out.items()} == {"compound": 1, "binary": 1, "deprecated": 1}
    checked_by_ruff(EXAMPLE)


def test_an_object_whose_changes_cannot_be_read_is_read_whole() -> None:
    script = compose(described(field_of("Id", "id"), field_of("Value")), by_changes=False)
    assert "return ctx.snapshot(Thing)" in script.text
    sync: Sync[Record] = loaded(script.text)["things"]
    assert (str(sync.every), sync.reconcile) == ("1d", None)


def test_a_person_is_recognized_by_the_parts_of_the_name_but_a_company_has_only_the_whole() -> None:
    parts = [field_of("LastName", compound="Name"), field_of("FirstName", compound="Name")]
    contact = compose(described(*parts, field_of("Name", named=True)), by_changes=True)
    assert [column.path for column in schema_in(contact).fields] == ["LastName", "FirstName"]
    account = compose(described(*parts, field_of("Name", named=True, compound="Name")), by_changes=True)
    assert [column.path for column in schema_in(account).fields] == ["Name", "LastName", "FirstName"]


def test_a_compound_field_whose_parts_are_hidden_is_selected_whole() -> None:
    parts = [
        field_of(f"Site__{name}__s", "double", compound="Site__c", hidden=True) for name in ("Latitude", "Longitude")
    ]
    script = compose(described(field_of("Site__c", "location"), *parts), by_changes=True)
    assert [column.path for column in schema_in(script).fields] == ["Site__c"]


def test_the_example_of_a_parents_field_works_once_it_is_uncommented() -> None:
    script = compose(described(field_of("Name"), lookup("AccountId", "Account", "Account")), by_changes=True)
    assert '# account_name: str | None = field("Account.Name")  # a parent\'s field; import field' in script.text
    uncommented = script.text.replace("# account_name", "account_name").replace("Record, sync", "Record, field, sync")
    columns = schema_of(loaded(uncommented)["Thing"]).fields
    assert ("account_name", "Account.Name") in [(column.name, column.path) for column in columns]


def test_only_the_fields_that_are_named_are_written() -> None:
    script = compose(INVOICE, by_changes=True, only=["totalusd__c", "Name", "name", "Id", "Site__c"])
    assert [(column.name, column.path) for column in schema_in(script).fields] == [
        ("name", "Name"),
        ("total_usd", "TotalUSD__c"),
        ("site", "Site__c"),
    ]
    assert (script.fields, script.left_out) == (3, {})


def test_a_field_is_called_the_same_whichever_others_are_asked_for() -> None:
    alone = compose(INVOICE, by_changes=True, only=["Name__c"])
    assert 'name_custom: str | None = field("Name__c")' in alone.text


@pytest.mark.parametrize(
    ("field", "cause", "remedy"),
    [
        ("TotlUSD__c", "ns__Invoice__c has no field TotlUSD__c", "Did you mean TotalUSD__c?"),
        ("Zzzzzzzz", "ns__Invoice__c has no field Zzzzzzzz", "API names"),
        ("Scan__c", "ns__Invoice__c.Scan__c cannot be copied: it is binary", "Leave it out"),
        ("old__c", "ns__Invoice__c.Old__c cannot be copied: it is deprecated", "Leave it out"),
    ],
)
def test_a_field_that_cannot_be_had_is_reported(field: str, cause: str, remedy: str) -> None:
    with pytest.raises(ConfigurationProblem) as refused:
        compose(INVOICE, by_changes=True, only=["Name", field])
    assert cause in refused.value.cause
    assert remedy in refused.value.remedy


def test_an_object_without_fields_of_its_own_still_gives_a_script(tmp_path: Path) -> None:
    script = compose(described(field_of("Id", "id")), by_changes=True)
    assert schema_in(script).fields == ()
    (tmp_path / "things.py").write_text(script.text)
    checked_by_ruff(tmp_path)


def test_a_wide_object_gives_a_wide_class() -> None:
    wide = [field_of(f"Field_{number}__c", "double") for number in range(800)]
    assert len(schema_in(compose(described(*wide), by_changes=True)).fields) == 800


# A law

TYPES = ["string", "boolean", "int", "double", "currency", "date", "datetime", "time", "address", "encryptedstring"]
WORD = r"[A-Za-z][A-Za-z0-9]{0,12}(_[A-Za-z0-9]{1,12}){0,2}"  # as long as Salesforce lets: 40 letters, 15 of a package
API_NAMES = st.from_regex(rf"{WORD}|([A-Za-z][A-Za-z0-9]{{0,14}}__)?{WORD}__(c|pc|s)", fullmatch=True)
AWKWARD = st.sampled_from(
    ["Class__c", "class", "Json", "Date__c", "date", "Name__c", "ns__Name__c", "Model_X__c", "str"]
)
LABELS = st.one_of(st.text(max_size=40), st.sampled_from(['"""', "\\", "Über uns\n", "商談", "\ud800"]))


FIELDS = st.builds(field_of, st.one_of(API_NAMES, AWKWARD), st.sampled_from(TYPES))


@st.composite
def objects(draw: st.DrawFn) -> ObjectDescribe:
    fields = draw(st.lists(FIELDS, unique_by=lambda each: each.name.lower(), max_size=12))
    return described(*fields, name=draw(API_NAMES), plural=draw(LABELS))


@settings(max_examples=4, deadline=None)
@given(st.lists(objects(), min_size=4, max_size=10), st.booleans())
def test_whatever_names_an_org_has_its_scripts_read_those_fields(
    tmp_path_factory: pytest.TempPathFactory, org: list[ObjectDescribe], by_changes: bool
) -> None:
    folder = tmp_path_factory.mktemp("law")
    for number, each in enumerate(org):
        script = compose(each, by_changes=by_changes)
        schema = schema_in(script)
        always = {"Id", "SystemModstamp", "IsDeleted"}
        assert schema.sobject == each.name
        assert {column.path for column in schema.fields} == {field.name for field in each.fields.values()} - always
        assert max(map(len, script.text.splitlines())) <= 120
        write(script, folder / f"{script.name}_{number}.py")
    checked_by_ruff(folder)


HOSTILE = st.one_of(st.text(min_size=1), st.sampled_from(['"""', '"', "\\", "\n    1 / 0\n", "\ud800", "{}"]))


@settings(max_examples=50, deadline=None)
@given(HOSTILE, HOSTILE, st.lists(HOSTILE, unique_by=str.lower, max_size=4))
def test_nothing_that_an_org_says_is_taken_for_code(sobject: str, plural: str, names: list[str]) -> None:
    fields = [lookup(name, name, "Account") for name in names]
    script = compose(described(*fields, name=sobject, plural=plural), by_changes=True)
    said, read = statement_in(script)
    assert said == sobject
    assert read == {*names} - {"Id", "SystemModstamp", "IsDeleted"}


# Asking the org


async def asked(*answers: bytes, sobject: str = "Thing") -> NewScript:
    async with RawServer(*answers) as server, Http() as http:
        return await script_for(lone_client(http, server.url), sobject)


async def test_changes_are_read_by_whatever_stamp_there_is() -> None:
    for stamp in ("SystemModstamp", "LastModifiedDate", "CreatedDate"):
        fields = [*SYSTEM, {"name": stamp, "type": "datetime"}]
        assert (await asked(reply(200, {"name": "Thing", "fields": fields}))).by_changes
    assert not (await asked(reply(200, {"name": "Thing", "fields": SYSTEM}))).by_changes


async def test_a_sync_is_called_by_the_label_that_the_org_gives_the_object() -> None:
    body = {"name": "Thing", "labelPlural": "Nice Things", "fields": [*SYSTEM, *CURSOR]}
    script = await asked(reply(200, body))
    assert script.name == "nice_things"
    assert script.text.startswith('"""Nice Things, kept up to date')


async def test_an_unknown_object_is_reported_with_the_nearest_that_there_is() -> None:
    absent = reply(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])
    known = reply(200, {"sobjects": [{"name": name} for name in ("Account", "ns__Invoice__c")]})
    with pytest.raises(NameUnknown) as refused:
        await asked(absent, known, sobject="Invoise")
    assert refused.value.cause.startswith("The org has no object Invoise")
    assert refused.value.cause.endswith(" Did you mean ns__Invoice__c?")
    with pytest.raises(NameUnknown, match="Check the spelling"):
        await asked(absent, known, sobject="Zzzzzzzz")


async def test_an_object_that_cannot_be_queried_or_has_no_ids_is_refused() -> None:
    for body in (
        {"name": "Thing", "queryable": False, "fields": [*SYSTEM, *CURSOR]},
        {"name": "Thing", "fields": [*CURSOR, *STAMPS]},
    ):
        with pytest.raises(ArgumentInvalid, match="Thing cannot be copied"):
            await asked(reply(200, body))


async def test_a_list_of_objects_that_cannot_be_read_is_no_surprise() -> None:
    absent = reply(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])
    with pytest.raises(OrgsyncError, match="answer"):
        await asked(absent, reply(200, {"sobjects": None}))
