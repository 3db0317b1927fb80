"""What answers mean: who must act, and what may be shown."""

import json
from typing import Any

import pytest

from orgsync.errors import (
    AccessRefused,
    FieldNotFound,
    LimitReached,
    LocatorBusy,
    LocatorExpired,
    NoRoute,
    NotCarriedOut,
    NotFound,
    ObjectNotFound,
    OrgsyncError,
    ProxyRefused,
    QueryRefused,
    QueryTimedOut,
    ResponseUnreadable,
    ServerProblem,
    SessionBlocked,
    SessionInvalid,
)
from orgsync.salesforce.api.usage import ApiUsage, parse_limit_info
from orgsync.salesforce.auth.versions import choose_version
from orgsync.salesforce.errors.access import remedy_of_scope
from orgsync.salesforce.errors.body import unreadable
from orgsync.salesforce.errors.error_body import shown
from orgsync.salesforce.errors.judge import problem_of, problem_of_written
from orgsync.salesforce.http.http import Response
from tests.recordings import exchanges, needs_recordings, reported


def answer(status: int, body: object = None, headers: dict[str, str] | None = None) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(
        status, headers or {}, content, "GET", "https://acme.my.salesforce.com/services/data/v62.0/query?q=x"
    )


def error(status: int, code: str, message: str = "") -> Response:
    return answer(status, [{"message": message, "errorCode": code}])


def problem(status: int, code: str, message: str = "") -> OrgsyncError:
    found = problem_of(error(status, code, message))
    assert found is not None
    return found


@pytest.mark.parametrize("status", [200, 201, 204, 300, 304])
def test_success_is_no_problem(status: int) -> None:
    assert problem_of(answer(status, b"")) is None


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (401, "INVALID_SESSION_ID", "Session expired or invalid", SessionInvalid),
        (401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API", SessionBlocked),
        (401, "SOMETHING_NEW", "", SessionInvalid),
        (400, "URL_NOT_RESET", "Destination URL not reset.", SessionInvalid),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", LimitReached),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", NotCarriedOut),
        (403, "API_DISABLED_FOR_ORG", "", AccessRefused),
        (403, "API_CURRENTLY_DISABLED", "API is disabled for this User", AccessRefused),
        (403, "API_CURRENTLY_DISABLED", "API is not currently enabled", NotCarriedOut),
        (400, "TXN_SECURITY_METERING_ERROR", "We can't complete the action because ...", NotCarriedOut),
        (400, "TXN_SECURITY_NO_ACCESS", "", AccessRefused),
        (403, "INSUFFICIENT_ACCESS", "", AccessRefused),
        (400, "INVALID_FIELD", "No such column 'Foo__c' on entity 'Contact'.", FieldNotFound),
        (400, "INVALID_FIELD", "something else", QueryRefused),
        (400, "INVALID_TYPE", "sObject type 'Foo__c' is not supported.", ObjectNotFound),
        (400, "MALFORMED_QUERY", "unexpected token: FORM", QueryRefused),
        (400, "INVALID_QUERY_LOCATOR", "invalid query locator", LocatorExpired),
        (400, "LOCATOR_LOCATION_EXCEEDS_SIZE", "", LocatorExpired),
        (400, "TEMPORARY_QUERY_MORE_FAILURE", "", LocatorBusy),
        (400, "OPERATION_TOO_LARGE", "", QueryRefused),
        (400, "QUERY_TOO_COMPLICATED", "", QueryRefused),
        (420, "SOMETHING_NEW", "", NoRoute),
        (400, "UNABLE_TO_LOCK_ROW", "", NotCarriedOut),
        (400, "QUERY_TIMEOUT", "", QueryTimedOut),
        (404, "NOT_FOUND", "", NotFound),
        (404, "SOMETHING_NEW", "", NotFound),
        (404, "ENTITY_IS_DELETED", "", NotFound),
        (500, "UNKNOWN_EXCEPTION", "", ServerProblem),
        (503, "SERVER_UNAVAILABLE", "", ServerProblem),
    ],
)
def test_codes_say_who_must_act(status: int, code: str, message: str, kind: type[OrgsyncError]) -> None:
    found = problem(status, code, message)
    assert type(found) is kind
    assert found.cause
    assert found.remedy


@pytest.mark.parametrize(
    ("status", "code", "message", "cause", "remedy"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "of the last 24 hours are used up", "later"),
        (
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "Something Limit exceeded.",
            "has reached a limit of its API requests",
            "later",
        ),
        (404, "NOT_FOUND", "", "was not found", "Check its name or Id"),
        (400, "INVALID_QUERY_LOCATOR", "", "does not have the remaining pages", "Run the query again"),
        (400, "INVALID_QUERY_LOCATOR_FORMAT", "", "is none that Salesforce has given", "use the address of each page"),
        (400, "OPERATION_TOO_LARGE", "", "more rows than Salesforce scans", "or give the user View All Data"),
    ],
)
def test_messages_say_what_the_code_proves_and_what_to_do(
    status: int, code: str, message: str, cause: str, remedy: str
) -> None:
    found = problem(status, code, message)
    assert cause in found.cause
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b"<html>We are down for maintenance.</html>", ServerProblem),
        (502, b"<html>Bad Gateway</html>", ServerProblem),
        (420, b"", NoRoute),
        (429, b"", ServerProblem),
        (401, b"", SessionInvalid),
        (414, b"<h1>Bad Message 414</h1>", QueryRefused),
        (302, b"", ResponseUnreadable),
        (400, b"<h1>Bad Message 400</h1>", ResponseUnreadable),
        (400, b'"text"', ResponseUnreadable),
        (400, b"[]", ResponseUnreadable),
        (400, b'[{"message": "no code"}]', ResponseUnreadable),
        (403, b"<html>blocked</html>", ResponseUnreadable),
        (404, b"<html>not here</html>", ResponseUnreadable),
        (406, b"", ServerProblem),
        (408, b"<html>timeout</html>", ServerProblem),
        (407, b"<html>proxy</html>", ProxyRefused),
    ],
)
def test_bodies_without_a_salesforce_error_are_judged_by_status(
    status: int, body: bytes, kind: type[OrgsyncError]
) -> None:
    assert type(problem_of(answer(status, body))) is kind


def test_the_field_and_the_permission_to_check_are_named() -> None:
    found = problem(
        400, "INVALID_FIELD", "\nSELECT Id, Foo__c\n  ^\nNo such column 'Foo__c' on entity 'Contact'. If ..."
    )
    assert "Contact has no field Foo__c" in found.cause
    assert "Read on Contact.Foo__c" in found.remedy


def test_a_message_shows_neither_the_query_nor_a_customers_value() -> None:
    echo = "\nName FROM Contact WHERE Email = 'ann@example.com'\n  ^\n"
    message = f"{echo}ERROR at Row:1:Column:22\nunexpected token: 'FORM' at 'ann@example.com'"
    found = str(problem(400, "MALFORMED_QUERY", message))
    assert "ann@example.com" not in found
    assert "WHERE" not in found
    assert "unexpected token: 'FORM'" in found


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("\nSELECT a\n ^\nERROR at Row:1:Column:332\nunexpected token: '='", "unexpected token: '=' at column 332"),
        ("x\nERROR at Row:2:Column:5\nexpecting ',', found ')'.", "expecting ',', found ')' at row 2, column 5."),
        ("x\nERROR at Row:1:Column:7\nNo 'Foo__c'. Append '__c'.", "No 'Foo__c' at column 7. Append '__c'."),
        ("expecting a right parentheses, found '<EOF>'", "expecting a right parentheses, found '<EOF>'"),
        ("we can't find 'O'Brien', don't ask", "we can't find '…', don't ask"),
        ("no 'ann\\' smith' and 'two words' here", "no '…' and '…' here"),
        ("it ends in 'the middle of", "it ends in '…'"),
        ("it ends in 'Brien", "it ends in '…'"),
        ("x " * 40_000 + "\nERROR at Row:1:Column:9\nunexpected token: ','", "unexpected token: ',' at column 9"),
        ("One sentence. " * 18, " ".join(["One sentence."] * 17)),
        ("word " * 60, "word " * 47 + "word …"),
    ],
)
def test_a_message_keeps_its_place_its_punctuation_and_whole_sentences(message: str, expected: str) -> None:
    assert shown(message) == expected


def test_only_who_wrote_a_request_is_asked_to_change_it() -> None:
    refused = error(400, "MALFORMED_QUERY", "unexpected token: '='")
    ours, theirs = problem_of(refused), problem_of_written(refused)
    assert isinstance(ours, QueryRefused)
    assert isinstance(theirs, QueryRefused)
    assert "orgsync wrote this request" in ours.remedy
    assert theirs.remedy == "Change the query or the request."
    assert ours.cause == theirs.cause
    slow = problem_of_written(error(400, "OPERATION_TOO_LARGE"))
    assert slow is not None
    assert "indexed field" in slow.remedy


def test_what_is_too_much_for_one_query_says_how_to_ask_for_less() -> None:
    assert "indexed field" in problem(400, "OPERATION_TOO_LARGE").remedy
    assert "formula and currency fields" in problem(400, "QUERY_TOO_COMPLICATED").remedy
    assert "a shorter time" in problem(400, "QUERY_TIMEOUT").remedy


def test_a_session_that_is_kept_out_of_the_api_names_the_policies_before_the_scope() -> None:
    found = problem(403, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
    places = [
        found.remedy.find(name) for name in ("IP Relaxation", "High Assurance", "API Access Control", "scope api")
    ]
    assert places == sorted(places)
    assert places[0] > 0
    assert "not valid for use with the REST API" in found.cause


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("refresh_token id", "The token lacks the scope api: add the scope api"),
        ("api refresh_token", "the token has the scope api, so that is not it"),
        ("full", "the token has the scope api, so that is not it"),
        (None, "if all of them allow it, add the scope api"),
    ],
)
def test_the_scopes_of_a_token_tell_whether_its_scope_is_to_blame(scope: str | None, said: str) -> None:
    assert said in remedy_of_scope(scope)


def test_a_user_without_the_api_learns_which_permission_to_get() -> None:
    found = problem(403, "API_CURRENTLY_DISABLED", "API is disabled for this User")
    assert "API is disabled for this User" in found.cause
    assert "API Enabled" in found.remedy


def test_security_policies_that_take_too_long_have_a_remedy_of_their_own() -> None:
    found = problem(400, "TXN_SECURITY_METERING_ERROR", "We can't complete the action because ...")
    assert "Exempt from Transaction Security" in found.remedy


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "INVALID_SESSION_ID"),
        (401, "SOMETHING_NEW"),
        (400, "SOMETHING_NEW"),
        (403, "SOMETHING_NEW"),
        (503, "SOMETHING_NEW"),
        (403, "REQUEST_LIMIT_EXCEEDED"),
        (403, "API_CURRENTLY_DISABLED"),
        (403, "API_DISABLED_FOR_ORG"),
        (400, "UNABLE_TO_LOCK_ROW"),
        (500, "UNKNOWN_EXCEPTION"),
    ],
)
def test_a_text_that_nothing_explains_is_shown(status: int, code: str) -> None:
    assert (
        f"{code}: Something that nobody has seen yet"
        in problem(status, code, "Something that nobody has seen yet").cause
    )


def test_json_of_another_shape_does_not_blame_the_login_url_for_a_live_org() -> None:
    assert "login URL" not in unreadable(answer(200, {})).remedy


def test_an_error_may_be_a_single_object_too() -> None:
    assert isinstance(problem_of(answer(400, {"message": "", "errorCode": "INVALID_TYPE"})), ObjectNotFound)


def test_a_maintenance_page_is_called_one() -> None:
    found = problem_of(answer(503, b"<html>We are down for MAINTENANCE.</html>"))
    assert "a maintenance page" in str(found)


@needs_recordings
def test_every_recorded_error_is_understood() -> None:
    kinds = {
        ("ENTITY_IS_DELETED", NotFound),
        ("NOT_FOUND", NotFound),
        ("INVALID_SESSION_ID", SessionInvalid),
    }
    met: set[tuple[str, Any]] = set()
    for recorded in exchanges():
        if recorded.status < 400 or '"errorCode"' not in recorded.body:
            continue
        headers = {name.lower(): value for name, value in recorded.headers}
        found = problem_of(Response(recorded.status, headers, recorded.body.encode(), "GET", "https://x.test/"))
        met.add((json.loads(recorded.body)[0]["errorCode"], type(found)))
    assert met == kinds


@needs_recordings
def test_every_reported_error_body_gets_a_cause_and_a_remedy() -> None:
    kinds: dict[str, str] = {}
    for name, body in reported().items():
        if body["status"] and body["status"] >= 400:
            text = body["body"] if isinstance(body["body"], str) else json.dumps(body["body"])
            found = problem_of(Response(body["status"], {}, text.encode(), "GET", "https://x.test/"))
            assert found is not None
            assert found.cause
            assert found.remedy
            kinds[name] = type(found).__name__
    assert len(kinds) > 10
    assert kinds.items() >= EXPECTED_OF_REPORTED.items()


EXPECTED_OF_REPORTED = {
    "request_limit_total": "LimitReached",
    "request_limit_concurrent": "NotCarriedOut",
    "unable_to_lock_row": "NotCarriedOut",
    "query_too_complicated": "QueryRefused",
    "localised_message": "QueryRefused",
    "uri_too_long": "QueryRefused",
    "maintenance_html": "ServerProblem",
    "edge_502_html": "ServerProblem",
    "cdn_503_html": "ServerProblem",
    "envoy_no_upstream": "ServerProblem",
    "invalid_query_locator": "LocatorExpired",
    "bulk2_query_job_deleted": "NotFound",
}


@pytest.mark.parametrize(
    ("header", "reading"),
    [
        ("api-usage=69/5000000", (69, 5000000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=x)", (25, 5000)),
        ("per-app-api-usage=17/250(appName=x)", None),
        ("", None),
    ],
)
def test_the_limit_header_is_read(header: str, reading: tuple[int, int] | None) -> None:
    assert parse_limit_info({"sforce-limit-info": header}) == reading


def test_the_highest_of_the_last_readings_counts() -> None:
    usage = ApiUsage(0.8)
    usage.require_room()
    for used in (79, 75, 70):
        usage.note({"sforce-limit-info": f"api-usage={used}/100"})
    usage.require_room()
    usage.note({"sforce-limit-info": "api-usage=80/100"})
    usage.note({"sforce-limit-info": "api-usage=1/100"})
    with pytest.raises(LimitReached, match="80 of its 100 daily API requests, and orgsync may use 80%"):
        usage.require_room()


@needs_recordings
def test_the_recorded_limit_headers_are_read() -> None:
    headers = [dict(each.headers) for each in exchanges("MyOutDesk")]
    readings = [parse_limit_info({name.lower(): value for name, value in each.items()}) for each in headers]
    assert any(readings)
    assert all(limit == 5_000_000 for _, limit in filter(None, readings))


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], "62.0"),
        (["61.0", "62.0", "66.0"], "62.0"),
        (["59.0", "60.0"], "60.0"),
        (["64.0", "66.0"], "64.0"),
        (["61", "62", "100"], "62.0"),
    ],
)
def test_the_api_version_is_one_that_the_org_offers(offered: list[str], chosen: str) -> None:
    assert choose_version(offered, "62.0") == chosen
