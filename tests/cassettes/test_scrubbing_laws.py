"""The laws of scrubbing, over people who are made up."""

import csv
import io
import json
import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from orgsync.cassettes.interaction import Interaction
from orgsync.cassettes.scrubbing import Kind, StandIns, is_stand_in, leaks, scrubbed

from .spoken import (
    ADMIN,
    CLIENT_ID,
    INSTANCE,
    ORG,
    TOKEN,
    Person,
    bulk,
    cassette,
    contacts,
    everything,
    interaction,
    people,
    row,
)

quick = settings(max_examples=25, deadline=None)
FIELDS = ("FirstName", "LastName", "Name", "Email", "Phone", "Birthdate")


def records_of(one: Interaction) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(one.response.body)["records"]
    return records


@quick
@given(people)
def test_scrubbing_twice_is_scrubbing_once(some: list[Person]) -> None:
    once = scrubbed(cassette(some))
    assert scrubbed(once) == once


@quick
@given(people)
def test_what_is_scrubbed_leaks_nothing(some: list[Person]) -> None:
    assert leaks(scrubbed(cassette(some))) == []


@quick
@given(people)
def test_no_personal_value_remains_anywhere(some: list[Person]) -> None:
    text = everything(scrubbed(cassette(some)))
    for one in some:
        for value in (one.first, one.last, one.name, one.email, one.phone, one.birthdate, one.street):
            assert value not in text
            assert json.dumps(value)[1:-1] not in text


@quick
@given(people)
def test_equal_values_stay_equal_and_different_ones_different(some: list[Person]) -> None:
    before, after = (records_of(each) for each in (contacts(some), scrubbed([contacts(some)])[0]))
    for name in FIELDS:
        pairs = {(old[name], new[name]) for old, new in zip(before, after, strict=True)}
        assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})


@quick
@given(people)
def test_types_and_lengths_stay(some: list[Person]) -> None:
    before, after = (records_of(each) for each in (contacts(some), scrubbed([contacts(some)])[0]))
    for old, new in zip(before, after, strict=True):
        for name in FIELDS:
            assert len(new[name]) == max(len(old[name]), 11 if name == "Email" else 0)
        assert re.sub(r"\d", "#", old["Phone"]) == re.sub(r"\d", "#", new["Phone"])
        street, other = old["MailingAddress"]["street"], new["MailingAddress"]["street"]
        assert re.sub(r"\w", "#", street) == re.sub(r"\w", "#", other)
        assert new["Reach__c"] is None


@quick
@given(people, st.sampled_from(["\n", "\r\n"]))
def test_csv_and_json_tell_the_same_of_a_person(some: list[Person], ending: str) -> None:
    after = scrubbed([contacts(some), *bulk(some, ending=ending)])
    rows = csv.DictReader(io.StringIO(str(after[-1].response.body), newline=""))
    by_rest = [(each["Id"], each["Email"], each["Phone"], each["Birthdate"]) for each in records_of(after[0])]
    assert [(each["Id"], each["Email"], each["Phone"], each["Birthdate"]) for each in rows] == by_rest


@quick
@given(st.lists(st.from_regex(r"005[0-9A-Za-z]{11}[A-Za-z]", fullmatch=True), min_size=1, max_size=8, unique=True))
def test_the_order_of_users_stays(ids: list[str]) -> None:
    step = interaction("/services/data/v62.0/query", {"records": [row("User", one) for one in sorted(ids)]})
    numbered = [each["Id"] for each in records_of(scrubbed([step])[0])]
    assert numbered == sorted(set(numbered))


@quick
@given(st.sampled_from([Kind.TEXT, Kind.PHONE]), st.text())
def test_every_stand_in_is_recognised(kind: Kind, value: str) -> None:
    stand_in = StandIns().of(kind, value)
    assert is_stand_in(kind, stand_in)
    assert len(stand_in) == len(value)
    assert StandIns().of(kind, stand_in) == stand_in


KEYS = st.sampled_from(
    ["Name", "Email", "Phone", "Birthdate", "id", "url", "query", "attributes", "type", "token", "x"]
)
SNIPPETS = (
    TOKEN, CLIENT_ID, ORG, ADMIN, ADMIN[:15], INSTANCE, "https://", "acme.my.salesforce.com", "127.0.0.1:80", " ",
    "ada@b.example", "ada%40b.example", "Bearer ", "sid=", "%3D", "&", "?q=SELECT+Id", "'", "\\", '"', ".", "@", "-",
    "\n", "SELECT Id FROM X WHERE Email = '", "Ada", "Lovelace", "1815-12-10", "+1 555 0100", "x1", "X", "0", "7", "é",
    "小", "005TESTS0000004", "ACCESS-TOKEN-2", "xx3@x.invalid", "https://other-5.test", "/sobjects/Contact/Email__c/",
)  # fmt: skip
TEXTS = st.text() | st.lists(st.sampled_from(SNIPPETS), max_size=8).map("".join)
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=10)


@quick
@given(DOCUMENTS, TEXTS)
@example({"Phone": "00@"}, "")
@example({"Email": "0@0.A.0 0@0.A@"}, "")
@example(None, "BEARER 000D000000000000!%2B")
@example(None, "BEARER 00000000@0.A")
@example(None, "Bearer FORCE.COM")
def test_any_body_is_scrubbed_without_an_error_and_only_once(document: object, text: str) -> None:
    steps = [interaction("/services/data/v62.0/x", document, sent=text), interaction("/y", text, query=[("q", text)])]
    once = scrubbed(steps)
    assert scrubbed(once) == once
    assert leaks(once) == []
