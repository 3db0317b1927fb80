"""Recordings that kept an answer alone, each with the request that it answers, as orgsync asks it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from .exchange import FOLDER, Exchange
from .formats import lines

__all__ = ["kept_alone", "texts"]

_JSON = [("Content-Type", "application/json;charset=UTF-8")]
_LAST_PAGE = [("Content-Type", "text/csv"), ("Sforce-Locator", "null")]

_OUTDESK = {
    "organization/api_versions": "GET ",
    "organization/limits": "GET limits",
    "report/report_not_found": "GET query",
    "search/create_test_account": "POST sobjects/Account",
    "search/find_record": "GET query",
    "search/find_record_empty": "GET query",
    "search/query_where_properties": "GET query",
    "search/search_all": "GET search",
    "search/search_in_account": "GET parameterizedSearch",
    "search/search_in_account_fields": "GET parameterizedSearch",
    "sobject/describe_object": "GET sobjects/Account/describe",
    "sobject/list_objects": "GET sobjects",
    "sobject/not_found": "GET sobjects/Account/TestNotExisting/1",
    "standard/create_for_batch_delete": "POST composite/sobjects",
    "standard/create_for_delete": "POST sobjects/Account",
    "standard/create_record": "POST sobjects/Account",
    "standard/create_records": "POST composite/sobjects",
    "standard/delete_record": "DELETE sobjects/Account/001cb00000fZDLHAA4",
    "standard/delete_records": "DELETE composite/sobjects",
    "tooling/apex_classes": "GET tooling/sobjects/ApexClass",
    "tooling/apex_logs": "GET tooling/query",
    "tooling/execute_anonymous": "GET tooling/executeAnonymous",
}
"""MyOutDesk's files, of which exchanges.jsonl has status and headers as well."""

_AMP = "amp-labs+connectors/providers/salesforce/test/"
_GEM = "restforce+restforce/spec/fixtures/"
_CSV = "onyx-dot-app+onyx/backend/tests/unit/onyx/connectors/salesforce/test_account.csv"

_FILES: dict[str, list[tuple[str, str, int]]] = {
    "a describe within a composite answer": [
        (_AMP + "metadata/read/organization-sampled.json", "POST composite", 200),
        (_AMP + "metadata/read/accounts-sampled.json", "POST composite", 200),
        (_AMP + "metadata/read/custom-object-with-custom-fields.json", "POST composite", 200),
    ],
    "the identity": [(_AMP + "metadata/write/user-info.json", "GET /services/oauth2/userinfo", 200)],
    "queries with addresses and child rows": [
        (_AMP + "read-list-leads.json", "GET query", 200),
        (_AMP + "read-list-contacts.json", "GET query", 200),
        (_AMP + "read-opportunity-with-account.json", "GET query", 200),
        (_AMP + "read-opportunity-with-contacts.json", "GET query", 200),
    ],
    "rows that are written": [
        (_AMP + "create-ok.json", "POST sobjects/Account", 201),
        (_AMP + "success-with-errors.json", "PATCH sobjects/Account/001RM000003oLruYAE", 200),
        (_AMP + "batch/create/contacts/success.json", "POST composite/sobjects", 200),
        (_AMP + "batch/create/contacts/partial-but-allOrNone.json", "POST composite/sobjects", 200),
        (_AMP + "batch/update/contacts/success.json", "PATCH composite/sobjects", 200),
        (_AMP + "batch/update/contacts/partial-but-allOrNone.json", "PATCH composite/sobjects", 200),
        (_AMP + "batch/update/contacts/err-each-no-ids.json", "PATCH composite/sobjects", 200),
    ],
    "writes that are refused": [
        (_AMP + "batch/create/contacts/err-bad-request.json", "POST composite/sobjects", 400),
        (_AMP + "invalid-field-upsert.json", "PATCH sobjects/Account/Id__c/1", 400),
        (_AMP + "unknown-field.json", "POST sobjects/Account", 400),
        (_AMP + "crm/delete/not-found.json", "DELETE sobjects/Account/001", 404),
    ],
    "a query of an unknown object": [(_AMP + "unknown-object.json", "GET query", 400)],
    "a query job from its making to its result": [
        (_AMP + "bulk/read-launch-job-account.json", "POST jobs/query", 200),
        (_AMP + "bulk/info/in-progress.json", "GET jobs/query/750ak000009AVi5AAG", 200),
        (_AMP + "bulk/info/success.json", "GET jobs/query/750ak000009AVi5AAG", 200),
        (_CSV, "GET jobs/query/750ak000009AVi5AAG/results", 200),
    ],
    "a job of which rows failed": [(_AMP + "bulk/info/partial-failure.json", "GET jobs/query/750", 200)],
    "a job that failed": [(_AMP + "bulk/info/complete-failure.json", "GET jobs/query/750", 200)],
    "a sign-in with a wrong password": [(_GEM + "auth_error_response.json", "POST /services/oauth2/token", 400)],
    "an expired session, renewed": [
        (_GEM + "auth_success_response.json", "POST /services/oauth2/token", 200),
        (_GEM + "expired_session_response.json", "GET query", 401),
        (_GEM + "refresh_success_response.json", "POST /services/oauth2/token", 200),
        (_GEM + "sobject/query_success_response.json", "GET query", 200),
        (_GEM + "expired_session_response.json", "GET query", 401),
        (_GEM + "reauth_success_response.json", "POST /services/oauth2/token", 200),
        (_GEM + "sobject/query_empty_response.json", "GET query", 200),
    ],
    "an expired session whose refresh token is dead": [
        (_GEM + "expired_session_response.json", "GET query", 401),
        (_GEM + "refresh_error_response.json", "POST /services/oauth2/token", 400),
    ],
    "the versions": [(_GEM + "services_data_success_response.json", "GET /services/data", 200)],
    "pages of a query": [
        (_GEM + "sobject/query_paginated_first_page_response.json", "GET query", 200),
        (_GEM + "sobject/query_paginated_last_page_response.json", "GET /services/data/v26.0/query/01gD", 200),
        (_GEM + "sobject/query_aggregate_success_response.json", "GET query", 200),
        (_GEM + "sobject/org_query_response.json", "GET query", 200),
    ],
    "what changed and what was deleted": [
        (_GEM + "sobject/get_updated_success_response.json", "GET sobjects/Whizbang/updated/", 200),
        (_GEM + "sobject/get_deleted_success_response.json", "GET sobjects/Whizbang/deleted/", 200),
    ],
    "objects and rows as the gem keeps them": [
        (_GEM + "sobject/describe_sobjects_success_response.json", "GET sobjects", 200),
        (_GEM + "sobject/list_sobjects_success_response.json", "GET sobjects", 200),
        (_GEM + "sobject/sobject_describe_success_response.json", "GET sobjects/Whizbang/describe", 200),
        (_GEM + "sobject/list_view_results_success_response.json", "GET sobjects/Account/listviews/00B/results", 200),
        (_GEM + "sobject/recent_success_response.json", "GET recent", 200),
        (_GEM + "sobject/search_success_response.json", "GET search", 200),
        (_GEM + "sobject/sobject_find_success_response.json", "GET sobjects/Whizbang/23foo", 200),
        (_GEM + "sobject/sobject_select_success_response.json", "GET sobjects/Whizbang/23foo", 200),
        (_GEM + "sobject/create_success_response.json", "POST sobjects/Whizbang", 201),
        (_GEM + "sobject/upsert_created_success_response.json", "PATCH sobjects/Whizbang/Id__c/1", 201),
        (_GEM + "sobject/upsert_updated_success_response.json", "PATCH sobjects/Whizbang/Id__c/1", 204),
        (_GEM + "sobject/upsert_multiple_error_response.json", "GET sobjects/Whizbang/Id__c/1", 300),
    ],
    "refusals as the gem keeps them": [
        (_GEM + "sobject/delete_error_response.json", "DELETE sobjects/Whizbang/Id__c/1", 404),
        (_GEM + "sobject/query_error_response.json", "GET query", 400),
        (_GEM + "sobject/search_error_response.json", "GET search", 400),
        (_GEM + "sobject/sobject_describe_error_response.json", "GET sobjects/Whizbang/describe", 404),
        (_GEM + "sobject/sobject_find_error_response.json", "GET sobjects/Whizbang/23foo/1", 404),
        (_GEM + "sobject/upsert_error_response.json", "PATCH sobjects/Whizbang/Namez/1", 404),
        (_GEM + "sobject/write_error_response.json", "POST sobjects/Whizbang", 400),
    ],
}
"""Files that hold an answer's body, in the order in which their requests would come."""

_TEXTS = {
    "bulk2_query_job_complete": "GET jobs/query/750R0000000zlh9IAA",
    "bulk2_query_job_deleted": "GET jobs/query/750R0000000zlh9IAA",
    "bulk2_bad_body": "POST jobs/query",
    "get_deleted": "GET sobjects/Merchandise__c/deleted/",
    "get_updated_user_comment": "GET sobjects/Account/updated/",
    "request_limit_total": "GET query",
    "request_limit_concurrent": "GET query",
    "unable_to_lock_row": "PATCH sobjects/Account/001",
    "query_too_complicated": "GET query",
    "localised_message": "GET query",
    "uri_too_long": "GET query",
    "bad_message_400": "GET query",
    "maintenance_html": "GET query",
    "edge_502_html": "GET query",
    "cdn_503_html": "GET query",
    "envoy_no_upstream": "GET query",
    "expired_org_html": "GET query",
    "invalid_query_locator": "GET query/01gD-2000",
}
"""Bodies of Salesforce's documentation and of issue reports."""


def kept_alone() -> Iterator[tuple[str, list[Exchange]]]:
    """Give the answers that were kept alone as exchanges, in units that one client goes through."""
    for each in lines(FOLDER / "exchanges.jsonl"):
        name = each.file.partition("/responses/")[2].removesuffix(".json")
        if each.method is None:
            yield each.file, [_asked(each, _OUTDESK[name]) if name in _OUTDESK else each]
    for name, files in _FILES.items():
        yield name, [_asked(_of_file(file, status), request) for file, request, status in files]
    for each in texts():
        request = _TEXTS.get(each.file.partition("#")[2])
        yield each.file, [_asked(each, request) if request else each]


def texts() -> Iterator[Exchange]:
    """Give the bodies of Salesforce's documentation and of issue reports; one that was no answer has status 0."""
    file = "documented-and-reported/bodies.json"
    for each in json.loads((FOLDER / file).read_text(encoding="utf-8"))["bodies"]:
        headers = [("Content-Type", each["content_type"]), *each["headers"].items()] if each["content_type"] else []
        yield _answer(f"{file}#{each['id']}", each["status"] or (200 if each["body"] else 0), headers, each["body"])


def _of_file(file: str, status: int) -> Exchange:
    headers = _LAST_PAGE if file.endswith(".csv") else _JSON
    return _answer(file, status, headers, (FOLDER / file).read_text(encoding="utf-8"))


def _answer(file: str, status: int, headers: list[tuple[str, str]], body: Any) -> Exchange:
    text = body if isinstance(body, str) else json.dumps(body) if body else ""
    return Exchange(file.partition("/")[0], file, 0, None, None, "", "", status, headers, text)


def _asked(answer: Exchange, request: str) -> Exchange:
    """Add to an answer the request that it answers; paths are below the version, unless they begin with a slash."""
    method, _, target = request.partition(" ")
    parts = urlsplit(target if target.startswith("/") else f"/services/data/v62.0/{target}")
    return replace(answer, method=method, path=parts.path, query=parts.query)
