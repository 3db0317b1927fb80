"""Scrubbing of personal data: which fields hold it, and where else it is found."""

import json

import pytest

from orgsync.cassettes.interaction import Interaction
from orgsync.cassettes.scrubbing import scrubbed
from orgsync.records import long_id

from .spoken import (
    ADA,
    QUERY,
    body_of,
    bulk,
    contact_id,
    describe,
    interaction,
    page,
    row,
    sign_in,
)


def only_record(interactions: list[Interaction], **rule: list[str]) -> dict[str, object]:
    record: dict[str, object] = json.loads(body_of(scrubbed(interactions, **rule)[-1]))["records"][0]
    return record


@pytest.mark.parametrize(
    ("field", "value", "stand_in"),
    [
        ("Email", "ada.lovelace@analytical.example", "xxxxxxxxxxx1@xxxxxxxxxx.invalid"),
        ("Email", "a@b.co", "1@x.invalid"),
        ("Private_Email__c", "ada.lovelace@analytical.example", "xxxxxxxxxxx1@xxxxxxxxxx.invalid"),
        ("npe01__HomeEmail__c", "ada@analytical.example", "xx1@xxxxxxxxxx.invalid"),
        ("Phone", "+44 (20) 7946-0958", "+00 (00) 0000-0001"),
        ("MobilePhone", "", ""),
        ("Fax_2__c", "030/901820", "000/000001"),
        ("Birthdate", "1815-12-10", "1700-01-02"),
        ("Date_of_Birth__c", "1815-12-10", "1700-01-02"),
        ("Birthdate", "4000-12-31", "1700-01-02"),
        ("Birthdate", "2400-02-29", "1700-01-02"),
        ("Birthdate", "9999-12-31", "1700-01-02"),
        ("Birthdate", "0001-01-01", "1700-01-02"),
        ("LastName", "Lovelace", "Xxxxxxx1"),
        ("LastName", "李", "x"),
        ("Maiden_Name__c", "de la Cruz", "xx xx Xxx1"),
        ("MailingStreet", "12 St James Sq\nFlat 4", "xx Xx Xxxxx Xx\nXxxx 1"),
        ("MailingPostalCode", "10117", "xxxx1"),
        ("MailingLatitude", 51.5074, 0.0),
        ("SSN__c", "123-45-6789", "xxx-xx-xxx1"),
        ("Passport_Number__c", "C01X00T47", "XxxXxxXx1"),
        ("IBAN__c", None, None),
        ("Tax_Id__c", 123456789, 0),
        ("Name", "Ada Lovelace", "Xxx Xxxxxxx1"),
    ],
)
def test_personal_fields_are_known_by_their_names(field: str, value: object, stand_in: object) -> None:
    assert only_record([page(row("Contact", contact_id(1), **{field: value}))])[field] == stand_in


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("HasOptedOutOfEmail", True),
        ("EmailBouncedDate", "2026-01-30T09:00:00.000+0000"),
        ("Phone_Type__c", "Home"),
        ("Hotel__c", "Ritz"),
        ("Cancelled__c", "no"),
        ("ClassName__c", "Gold"),
        ("Automobile__c", "Beetle"),
        ("MailingCity", "London"),
        ("Email_Template__c", long_id("00X7Q00000AbCdE")),
        ("Title", "Countess"),
    ],
)
def test_fields_that_only_sound_personal_stay(field: str, value: object) -> None:
    assert only_record([page(row("Contact", contact_id(1), **{field: value}))])[field] == value


def test_the_name_of_a_company_stays() -> None:
    assert only_record([page(row("Account", contact_id(1), Name="Analytical Engines"))])["Name"] == "Analytical Engines"


def test_a_describe_tells_of_personal_fields_whose_names_do_not() -> None:
    step = page(row("Contact", contact_id(1), Reach__c="by pigeon", Salutation="Prof."))
    assert only_record([describe(), step])["Reach__c"] == "xx xxxxx1"
    assert only_record([describe(), step])["Salutation"] == "Prof."
    assert only_record([step])["Reach__c"] == "by pigeon"


def test_the_users_rule_adds_fields_of_one_object_or_of_any() -> None:
    fields = {"Nickname2__c": "Enchantress", "Score__c": 12.50, "Since__c": "2020-05-05"}
    contact, case = (page(row(sobject, contact_id(1), **fields)) for sobject in ("Contact", "Case"))
    rule = ["Contact.Score__c", "since__c", "Nickname2__c"]
    assert only_record([contact], fields=rule) == row(
        "Contact", contact_id(1), Nickname2__c="Xxxxxxxxxx1", Score__c=0.0, Since__c="1700-01-02"
    )
    assert only_record([case], fields=rule)["Score__c"] == 12.50


def test_the_users_rule_reaches_a_column_of_a_parent() -> None:
    job, results = bulk([ADA])
    text = body_of(results).replace("Amount__c", "Account.Motto__c").replace("1E+2", "Onwards")
    after = scrubbed([job, interaction(results.request.path, text)], fields=["Account.Motto__c"])
    assert "Xxxxxx1" in body_of(after[1])


def test_what_a_person_learns_of_themself_is_replaced() -> None:
    reported = json.loads(body_of(scrubbed(sign_in())[1]))
    assert reported["preferred_username"] == "xxxx1@xxxxxxxx.invalid"
    assert reported["phone_number"] == "+00 00 000001"
    assert reported["address"]["street_address"] == "Xxxxxxxxxxxxx. 1"
    assert reported["locale"] == "de_DE"


def test_a_bulk_result_is_read_by_the_object_of_its_job() -> None:
    assert "Ada" not in body_of(scrubbed(bulk([ADA]))[1]).replace("Owner", "")
    job, results = bulk([ADA])
    for name, text in (("Name", "Ada Lovelace"), ("Owner.Name", "Konrad Zuse"), ("Who.Name", "Alan Turing")):
        column = interaction(results.request.path, f'"{name}"\n"{text}"\n', headers={"content-type": "text/csv"})
        assert text not in body_of(scrubbed([job, column])[1])


def test_a_literal_of_a_query_is_replaced_whether_a_row_holds_it_or_not() -> None:
    soql = "SELECT Id FROM Contact WHERE Birthdate = 1815-12-10 AND LastName LIKE 'O\\'Brien%' AND LeadSource = 'Web'"
    step = interaction(QUERY, {"totalSize": 0, "done": True, "records": []}, query=[("q", soql)])
    (name, text), *_ = scrubbed([step])[0].request.query
    assert name == "q"
    assert (
        text
        == "SELECT Id FROM Contact WHERE Birthdate = 1700-01-02 AND LastName LIKE 'X\\'Xxxx1%' AND LeadSource = 'Web'"
    )


def test_what_is_sent_is_scrubbed_like_what_is_answered() -> None:
    nested = {
        "compositeRequest": [{"method": "POST", "url": "/services/data/v62.0/sobjects/Lead", "body": {"Name": "Zuse"}}]
    }
    steps = [
        interaction("/services/data/v62.0/sobjects/Contact", method="POST", sent={"Name": "Ada", "Level__c": "Gold"}),
        interaction("/services/data/v62.0/composite", method="POST", sent=nested),
    ]
    first, second = (json.loads(each.request.body) for each in scrubbed(steps))
    assert first == {"Name": "Xx1", "Level__c": "Gold"}
    assert second["compositeRequest"][0]["body"] == {"Name": "Xxx1"}


def test_rows_that_are_counted_are_of_the_object_that_the_query_reads() -> None:
    record = {"attributes": {"type": "AggregateResult"}, "Name": "Ada Lovelace", "expr0": 5}
    for sobject, name in (("Contact", "Xxx Xxxxxxx1"), ("Account", "Ada Lovelace")):
        query = [("q", f"SELECT Name, COUNT(Id) FROM {sobject} GROUP BY Name")]
        (after,) = scrubbed([interaction(QUERY, {"records": [record]}, query=query)])
        assert json.loads(body_of(after))["records"] == [record | {"Name": name}]


def test_the_value_of_an_external_id_is_personal_where_its_field_is() -> None:
    (after,) = scrubbed([interaction("/services/data/v62.0/sobjects/Contact/Last_Name__c/de%20la%20Cruz", "")])
    assert after.request.path == "/services/data/v62.0/sobjects/Contact/Last_Name__c/xx%20xx%20Xxx1"


def test_a_record_that_tells_its_type_last_is_known_all_the_same() -> None:
    late = {"Name": "Ada Lovelace", "attributes": {"type": "Contact", "url": "/services/data/v62.0/sobjects/Contact/0"}}
    assert only_record([page(late)])["Name"] == "Xxx Xxxxxxx1"


def test_a_name_is_found_again_as_a_query_quotes_it() -> None:
    message = "WHERE LastName = 'O\\'Brien' ORDER BY X\n ^ ERROR at Row:1: O'Brien"
    steps = [page(row("Contact", contact_id(1), LastName="O'Brien")), interaction(QUERY, [{"message": message}])]
    said = json.loads(body_of(scrubbed(steps)[1]))[0]["message"]
    assert said == "WHERE LastName = 'X\\'Xxxx1' ORDER BY X\n ^ ERROR at Row:1: X'Xxxx1"


def test_a_parent_of_any_type_is_a_person_where_its_name_says_so() -> None:
    owner = {"attributes": {"type": "Name", "url": "/services/data/v62.0/sobjects/User/0"}, "Name": "Konrad Zuse"}
    record = only_record([page(row("Case", contact_id(1), Owner=owner, Product={"Name": "Difference Engine"}))])
    assert record["Owner"] == owner | {"Name": "Xxxxxx Xxx1"}
    assert record["Product"] == {"Name": "Difference Engine"}


def test_a_word_of_the_schema_that_is_somebodys_name_is_replaced_in_their_own_field_only() -> None:
    steps = [
        describe(),
        page(row("Contact", contact_id(1), LastName="Web", LeadSource="Web", Phrase__c="null and Web")),
    ]
    record = only_record(steps)
    assert (record["LastName"], record["LeadSource"], record["Phrase__c"]) == ("Xx1", "Web", "null and Web")
