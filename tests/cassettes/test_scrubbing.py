"""Scrubbing of secrets, hosts, ids and headers, and what it leaves to the byte."""

import json

from orgsync.cassettes.scrubbing import comparable, scrubbed
from orgsync.records import long_id

from .spoken import (
    ADA,
    ADMIN,
    CLIENT_ID,
    GRACE,
    INSTANCE,
    LOGIN,
    ORG,
    QUERY,
    REFRESH_TOKEN,
    SECOND_TOKEN,
    SECRETS,
    TOKEN,
    body_of,
    bulk,
    cassette,
    contact_id,
    contacts,
    describe,
    everything,
    interaction,
    page,
    row,
    sign_in,
    token_request,
    user_id,
)


def test_no_secret_host_or_id_of_the_org_remains() -> None:
    text = everything(scrubbed(cassette([ADA, GRACE])))
    for secret in (*SECRETS, ORG, ORG[:15], ADMIN, ADMIN[:15], "salesforce.com", "force.com", "set-cookie", "Zuse"):
        assert secret not in text


def test_the_same_secret_has_one_name_in_forms_and_in_answers() -> None:
    rotated = "5Aep861TheOneThatTheAnswerRotatedTo_xvFHRBTT"
    steps = [
        token_request({"refresh_token": REFRESH_TOKEN}, {"access_token": TOKEN, "refresh_token": rotated}),
        token_request({"refresh_token": rotated}, {"access_token": SECOND_TOKEN}),
        interaction("/services/oauth2/revoke", method="POST", origin=LOGIN, sent=f"token={TOKEN.replace('!', '%21')}"),
    ]
    first, second, revoked = scrubbed(steps)
    assert "refresh_token=REFRESH-TOKEN-1" in first.request.body
    assert json.loads(body_of(first))["refresh_token"] == "REFRESH-TOKEN-2"
    assert "refresh_token=REFRESH-TOKEN-2" in second.request.body
    assert json.loads(body_of(second))["access_token"] == "ACCESS-TOKEN-2"
    assert revoked.request.body == "token=ACCESS-TOKEN-1"


def test_a_form_tells_what_its_token_is_and_its_user_is_personal() -> None:
    form = f"token={REFRESH_TOKEN}&token_type_hint=refresh_token&username=ada%40acme.example"
    (after,) = scrubbed([interaction("/services/oauth2/introspect", method="POST", origin=LOGIN, sent=form)])
    sent = "token=REFRESH-TOKEN-1&token_type_hint=refresh_token&username=xx1%40xxxx.invalid"
    assert after.request.body == sent
    (after,) = scrubbed([interaction("/services/oauth2/token", method="POST", origin=LOGIN, sent="username=adalove")])
    assert after.request.body == "username=xxxxxx1"


def test_a_token_is_found_in_any_text_and_in_any_encoding() -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIzTVZHIn0.c2lnbmF0dXJl"
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
    record = row(
        "Case", contact_id(1), Link__c=f"{INSTANCE}/secur/frontdoor.jsp?sid={TOKEN.replace('!', '%21')}&retURL=x"
    )
    steps = [*sign_in(), page(record | {"Comment__c": f"Bearer {TOKEN} {jwt} {key} {CLIENT_ID}"})]
    scrubbed_record = json.loads(body_of(scrubbed(steps)[-1]))["records"][0]
    assert scrubbed_record["Link__c"] == "https://instance-1.test/secur/frontdoor.jsp?sid=ACCESS-TOKEN-1&retURL=x"
    assert scrubbed_record["Comment__c"] == "Bearer ACCESS-TOKEN-1 TOKEN-1 PRIVATE-KEY-1 CLIENT-ID-1"


def test_a_short_secret_is_replaced_in_its_own_place_only() -> None:
    step = interaction(
        "/services/oauth2/token", method="POST", origin=LOGIN, sent="grant_type=password&password=password"
    )
    assert scrubbed([step])[0].request.body == "grant_type=password&password=PASSWORD-1"


def test_requests_to_the_org_have_no_host_and_others_keep_theirs() -> None:
    elsewhere = interaction("/v1/rates", "{}", origin="https://api.rates.example")
    origins = [each.request.origin for each in scrubbed([*sign_in(), elsewhere])]
    assert origins == ["", "", "https://api.rates.example"]


def test_hosts_are_distinguished_by_what_they_are_for() -> None:
    moved = "https://acme2.my.salesforce.com"
    again = token_request({}, {"access_token": SECOND_TOKEN})
    body = body_of(again).replace(INSTANCE, moved)
    record = row(
        "Account", contact_id(1), Website="https://www.acme.example", Photo__c="https://c.na24.content.force.com/x"
    )
    answer = interaction("/services/oauth2/token", json.loads(body), method="POST", origin=LOGIN)
    steps = scrubbed([*sign_in(), answer, page(record | {"Note__c": f"see {moved}/x or acme2.my.salesforce.com"})])
    assert json.loads(body_of(steps[0]))["instance_url"] == "https://instance-1.test"
    assert json.loads(body_of(steps[2]))["instance_url"] == "https://instance-2.test"
    assert json.loads(body_of(steps[2]))["id"].startswith("https://login.test/id/00DTESTS0000001")
    record = json.loads(body_of(steps[3]))["records"][0]
    assert record["Website"] == "https://www.acme.example"
    assert record["Photo__c"] == "https://other-2.test/x"
    assert record["Note__c"] == "see https://instance-2.test/x or instance-2.test"


def test_the_host_of_an_identity_is_one_to_sign_in_at() -> None:
    answer = {"access_token": TOKEN, "instance_url": INSTANCE, "id": f"{LOGIN}/id/{ORG}/{ADMIN}"}
    (after,) = scrubbed([interaction("/services/oauth2/token", answer, method="POST", origin=INSTANCE)])
    assert json.loads(body_of(after))["id"].startswith("https://login.test/id/")


def test_a_server_on_loopback_is_an_instance_where_it_is_both() -> None:
    local = "http://127.0.0.1:41234"
    answer = {"access_token": TOKEN, "instance_url": local, "id": f"{local}/id/{ORG}/{ADMIN}"}
    step = interaction(
        "/services/oauth2/token", answer, method="POST", origin=local, headers={"location": f"{local}/x"}
    )
    after = scrubbed([step, page(row("Case", contact_id(1), Note__c="on 127.0.0.1:41234"))])
    assert json.loads(body_of(after[0]))["id"].startswith("https://instance-1.test/id/")
    assert after[0].response.headers["location"] == "https://instance-1.test/x"
    assert after[0].request.origin == ""
    assert json.loads(body_of(after[1]))["records"][0]["Note__c"] == "on instance-1.test"


def test_hosts_that_are_named_are_the_orgs_whatever_they_are_called() -> None:
    step = interaction("/anything", {"at": "https://crm.acme.example:8443/x"}, origin="https://crm.acme.example:8443")
    (after,) = scrubbed([step], hosts=["https://crm.acme.example:8443"])
    assert after.request.origin == ""
    assert json.loads(body_of(after)) == {"at": "https://instance-1.test/x"}


def test_ids_of_the_org_keep_their_length_and_check() -> None:
    after = scrubbed([*sign_in(), page(row("Case", contact_id(1), Note__c=f"{ORG} is {ORG[:15]}"))])
    note = json.loads(body_of(after[-1]))["records"][0]["Note__c"]
    assert note == f"{long_id('00DTESTS0000001')} is 00DTESTS0000001"


def test_a_known_id_is_replaced_even_if_its_check_is_wrong() -> None:
    wrong = f"{ADMIN[:15]}AAA"
    identity = interaction(f"/id/{ORG}/{wrong}", {"user_id": wrong, "organization_id": ORG}, origin=LOGIN)
    assert ADMIN[:15] not in everything(scrubbed([identity, page(row("Case", contact_id(1), OwnerId=wrong))]))


def test_users_are_numbered_in_the_order_of_their_ids() -> None:
    users = sorted(user_id(number) for number in range(20))
    step = page(*(row("User", one, SystemModstamp="2026-01-01T00:00:00.000+0000") for one in users))
    records = json.loads(body_of(scrubbed([step])[0]))["records"]
    ids = [record["Id"] for record in records]
    assert ids == sorted(ids)
    assert ids[0] == long_id("005TESTS0000001")
    assert len(set(ids)) == 20


def test_ids_of_other_records_stay() -> None:
    step = page(row("Contact", contact_id(7), AccountId=long_id("0017Q00000AbCdE")))
    assert scrubbed([step])[0].response == step.response


def test_a_describe_stays_as_it_is() -> None:
    assert scrubbed([describe()])[0].response == describe().response


def test_a_bulk_result_keeps_its_quotes_and_line_ends() -> None:
    after = scrubbed(bulk([ADA], ending="\r\n"))
    assert body_of(after[1]) == (
        '"Id","Name","Email","Phone","Birthdate","MailingStreet","Owner.Name","Amount__c"\r\n'
        f'"{contact_id(0)}","Xxx Xxxxxxx1","xxxxxxxxxxx1@xxxxxxxxxx.invalid","+00 (00) 0000-0001","1700-01-02",'
        '"xx Xx Xxxxx Xx\nXxxx 1","Xxx Xxxxxxx1","1E+2"\r\n'
    )


def test_what_is_nobodys_stays_to_the_byte() -> None:
    text = (
        '{"totalSize" : 1,"done":true, "records":[\n {"attributes":{"type":"Deal__c","url":"\\/services\\/x"},'
        '"Amount":1.10,"Rate":3.0,"Big":1E+2,"Note":"na\\u00efve \\"caf\\u00e9\\" \\ud83d\\ude42\\n",'
        '"Empty":"","None":null}]}'
    )
    csv = 'Id;"Title";Amount\r\n"1";"a ""b""\nc";1.10\r\n2;;\r\n'
    steps = [
        interaction(QUERY, text),
        interaction(
            "/services/data/v62.0/jobs/query/7507Q00000JobAaQAJ/results", csv, headers={"content-type": "text/csv"}
        ),
        interaction("/services/data/v62.0/x", b"\x89PNG\xff\x00"),
    ]
    assert [each.response.body for each in scrubbed(steps)] == [text, csv, b"\x89PNG\xff\x00"]


def test_only_the_personal_value_of_a_body_changes() -> None:
    text = '{"records": [{"attributes":{"type":"Contact","url":"/x"}, "Email":"ad\\u0061@b.example",\n"Amount":1.10}]}'
    after = body_of(scrubbed([interaction(QUERY, text)])[0])
    assert after == text.replace("ad\\u0061@b.example", "xx1@x.invalid")


def test_what_surrounds_a_value_keeps_its_escapes_and_quotes() -> None:
    text = '{"attributes":{"type":"Case"},"Note":"naïve \\"ada@b.example\\"","Other":"na\\u00efve ada@b.example"}'
    csv = 'Id,"Note"\n1,"naïve ""ada@b.example"", he said"\n'
    results = interaction("/services/data/v62.0/x", csv, headers={"content-type": "text/csv"})
    after = scrubbed([interaction("/services/data/v62.0/y", text), results])
    assert [body_of(each) for each in after] == [each.replace("ada@b.example", "xx1@x.invalid") for each in (text, csv)]


def test_a_site_that_everybody_reads_stays() -> None:
    step = interaction(QUERY, [{"message": "see https://help.salesforce.com/s/articleView?id=1 or example.com"}])
    assert scrubbed([step])[0].response == step.response


def test_headers_that_hold_secrets_or_name_the_machine_are_left_out() -> None:
    kept = {
        "date": "Sat, 31 Jan 2026 10:15:00 GMT", "content-type": "text/plain", "sforce-limit-info": "api-usage=1/5",
        "sforce-locator": "MTAwMDA", "retry-after": "5", "last-modified": "x", "etag": '"6a27"',
        "warning": '299 - "old"',
    }  # fmt: skip
    dropped = {
        "set-cookie": "sid=1",
        "x-sfdc-request-id": "9e8c",
        "server-timing": "x",
        "via": "1.1 edge",
        "server": "sfdc",
    }
    sent = {"authorization": f"Bearer {TOKEN}", "cookie": "sid=1", "x-sfdc-session": TOKEN, "accept": "text/csv"}
    (after,) = scrubbed([interaction("/services/data", "", headers=kept | dropped, request_headers=sent)])
    assert after.response.headers == kept
    assert after.request.headers == {"accept": "text/csv"}


def test_new_interactions_beside_scrubbed_ones_get_other_stand_ins() -> None:
    before = scrubbed([*sign_in(), contacts([ADA])])
    both = scrubbed([*before, contacts([GRACE])])
    assert both[: len(before)] == before
    old, new = (json.loads(body_of(each))["records"][0] for each in both[-2:])
    assert all(old[name] != new[name] for name in ("Email", "Phone", "Birthdate", "OwnerId"))


def test_a_live_request_is_comparable_with_its_scrubbed_one() -> None:
    soql = f"SELECT Id FROM User WHERE Email = 'o\\'brien@acme.example' AND Id > '{user_id(3)}' AND ManagerId = '{ORG}'"
    step = interaction(QUERY, query=[("q", soql)])
    (_, text), *_ = scrubbed([step])[0].request.query
    assert text != soql
    assert comparable(text) == comparable(soql)
    assert comparable("/x/o%27brien%40acme.example") == "/x/<e-mail>"
    assert comparable("WHERE Name = 'Ada'") == "WHERE Name = 'Ada'"
