"""Which of orgsync's own code asks for what was recorded, and why the rest is left out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from . import asking
from .asking import Ask, Check
from .exchange import Exchange

__all__ = ["KINDS", "LEFT_OUT", "Kind", "LeftOut", "accounts_of", "kind_of"]

_DATA = r"/services/data/v[\d.]+"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: how it looks, what of orgsync sends it, and what must have been read of the answer."""

    name: str
    looks: str
    ask: Ask
    check: Check


class LeftOut(NamedTuple):
    """Exchanges that orgsync's client never has, and why."""

    looks: str
    why: str


KINDS = (
    Kind("token", r"POST /services/oauth2/token", asking.token, asking.token_is),
    Kind("identity", r"GET /services/oauth2/userinfo", asking.who, asking.who_is),
    Kind("describe", rf"GET {_DATA}/sobjects/\w+/describe", asking.described, asking.description_is),
    Kind("query", rf"GET {_DATA}/query/?", asking.queried, asking.rows_are),
    Kind("query's next page", rf"GET {_DATA}/query/[\w-]+", asking.paged, asking.rows_are),
    Kind("record count", rf"GET {_DATA}/limits/recordCount", asking.counted, asking.count_is),
    Kind("limits", rf"GET {_DATA}/limits", asking.limits, asking.limits_are),
    Kind("versions", r"GET /services/data", asking.versions, asking.versions_are),
    Kind("getUpdated", rf"GET {_DATA}/sobjects/\w+/updated/", asking.updated, asking.covered_is),
    Kind("getDeleted", rf"GET {_DATA}/sobjects/\w+/deleted/", asking.deletions, asking.deletions_are),
    Kind("query job, made", rf"POST {_DATA}/jobs/query", asking.job_made, asking.job_is),
    Kind("query job", rf"GET {_DATA}/jobs/query/\w+", asking.job_watched, asking.job_is),
    Kind("query job's result", rf"GET {_DATA}/jobs/query/\w+/results", asking.results_read, asking.results_are),
    Kind(
        "ctx.get",
        rf"GET ({_DATA}/(sobjects(/\w+(/\w+){{0,3}})?/?|search|parameterizedSearch|recent|tooling/.*)?|/id/\w+/\w+)",
        asking.got,
        asking.body_is,
    ),
    Kind("ctx.post", rf"POST {_DATA}/(sobjects/\w+/?|composite(/sobjects)?)", asking.posted, asking.body_is),
    Kind(
        "ctx.patch", rf"PATCH {_DATA}/(sobjects/\w+/.+|composite/sobjects(/\w+/\w+)?)", asking.patched, asking.body_is
    ),
    Kind("ctx.delete", rf"DELETE {_DATA}/(sobjects/\w+/.+|composite/sobjects)", asking.deleted, asking.body_is),
)
"""What orgsync asks; the first that looks so counts."""

LEFT_OUT = (
    LeftOut(r".* /{1,2}services/async/.*", "Bulk API 1.0, which speaks XML: orgsync reads through Bulk API 2.0"),
    LeftOut(r".*/ManualEdit_test_describe_to_sql\.yaml 0 .*", "edited by hand: its request is no JSON any more"),
    LeftOut(r".*SalesforcePhp/tests/fixtures/responses/(bulk|job)/.*", "an ingest job: orgsync loads nothing in bulk"),
    LeftOut(r".*/test/bulk/(write|delete)/.*|.*/partial-failure\.csv", "an ingest job: orgsync loads nothing in bulk"),
    LeftOut(r".*/payload\.json|.*/fixtures/accounts\.csv", "what was sent, not what was answered"),
    LeftOut(r".*/error-codes-extracted\.json", "a list of error codes, no answer"),
    LeftOut(
        r".*bodies\.json#bulk2_results_page[12]",
        "shortened by the documentation: it shows 3 of the 50,000 rows it tells of",
    ),
    LeftOut(r".*bodies\.json#bulk2_ingest_create_docs_locator_stability", "a text about locators, no answer"),
    LeftOut(r".*bodies\.json#double_slash_404", "the address of a request that went wrong, no answer"),
    LeftOut(r".*bodies\.json#sort_hint_query_cursor", "fragments of messages, no answer"),
)
"""What orgsync does not ask, by file and request."""


def accounts_of(exchange: Exchange) -> Sequence[Kind | LeftOut]:
    """Name the rules that say what becomes of an exchange: why it is left out, or else what asks for it."""
    request = f"{exchange.method} {exchange.path}"
    whole = f"{exchange.file} {exchange.n} {request}" if exchange.method else exchange.file
    left_out = [each for each in LEFT_OUT if re.fullmatch(each.looks, whole)]
    return left_out or [kind for kind in KINDS if re.fullmatch(kind.looks, request)][:1]


def kind_of(exchange: Exchange) -> Kind | None:
    """Tell what of orgsync asks for an exchange; None where nothing does."""
    return next((each for each in accounts_of(exchange) if isinstance(each, Kind)), None)
