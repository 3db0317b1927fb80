"""Every refusal has a cause, a remedy and somebody who must act."""

import pytest

from orgsync.errors import OrgsyncError, ServerProblem, SignInNeeded
from orgsync.salesforce.auth.refusal import Actor, Refusal
from orgsync.salesforce.auth.refusals import REFUSALS
from orgsync.salesforce.auth.sign_in_errors import problem, refusal

REFRESH = "refresh_token"

CASES: list[tuple[str, str, str | None, Actor, str]] = [
    ("invalid_grant", "expired access/refresh token", REFRESH, "user", "five a user and app"),
    ("invalid_grant", "inactive user", REFRESH, "admin", "deactivated or frozen"),
    ("invalid_grant", "inactive organization", REFRESH, "admin", "trial is over"),
    ("inactive_user", "", REFRESH, "admin", "deactivated or frozen"),
    ("invalid_grant", "ip restricted", REFRESH, "admin", "relax IP restrictions"),
    ("invalid_grant", "invalid login hours", REFRESH, "admin", "certain hours"),
    ("invalid_grant", "Audience validation failed", None, "developer", "Developer Edition is production"),
    ("invalid_grant", "invalid assertion", None, "developer", "certificate"),
    ("invalid_grant", "Couldn't validate jwt token", None, "developer", "this machine's clock"),
    ("invalid_grant", "user hasn't approved this consumer", None, "admin", "permission set"),
    ("invalid_app_access", "user is not admin approved to access this app", None, "admin", "permission set"),
    ("invalid_grant", "expired authorization code", "authorization_code", "user", "15 minutes"),
    ("invalid_grant", "expired authorization code", REFRESH, "nobody", "another request for the same refresh token"),
    ("invalid_grant", "token request is already being processed", REFRESH, "nobody", "is retried"),
    ("invalid_grant", "invalid authorization code", None, "user", "15 minutes"),
    ("invalid_grant", "invalid code verifier", None, "user", "another attempt"),
    ("invalid_grant", "authentication failure", None, "user", "test.salesforce.com"),
    ("invalid_grant", "authentication failure - Invalid Password", None, "user", "Developer Edition"),
    ("invalid_grant", "no client credentials user enabled", None, "developer", "Run As user"),
    ("invalid_grant", "request not supported on this domain", None, "developer", "My Domain"),
    ("invalid_grant", "something never seen", None, "user", "Login History"),
    ("invalid_grant", "", None, "user", "orgsync connect"),
    ("invalid_client", "", None, "developer", "client id or client secret"),
    ("invalid_client", "app must be installed into org", None, "admin", "since September 2025"),
    ("OAUTH_APPROVAL_ERROR_GENERIC", "", None, "admin", "September 2025"),
    (
        "OAUTH_EC_APP_NOT_FOUND",
        "External client app is not installed in this org",
        None,
        "admin",
        "external client app",
    ),
    ("OAUTH_APP_BLOCKED", "this app is blocked by admin", None, "admin", "blocked the app"),
    ("invalid_client_id", "client identifier invalid", None, "developer", "10 minutes"),
    ("invalid_client_id", "client identifier invalid", None, "developer", "Special characters in the password"),
    ("invalid_client_id", "client identifier invalid", None, "developer", "not a sandbox"),
    ("redirect_uri_mismatch", "redirect_uri must match configuration", None, "developer", "exactly the URL"),
    ("redirect_uri_missing", "", None, "developer", "exactly the URL"),
    ("invalid_scope", "", None, "developer", "scopes api and refresh_token"),
    ("unsupported_grant_type", "grant type not supported", None, "developer", "--flow"),
    ("unsupported_response_type", "", None, "developer", "--flow"),
    ("oauth_flow_disabled", "", None, "developer", "--flow"),
    ("invalid_request", "missing required parameter", None, "developer", "incomplete or malformed"),
    ("access_denied", "end-user denied authorization", None, "user", "choose Allow"),
    ("inactive_org", "", None, "admin", "trial is over"),
    ("invalid_session_level", "", None, "admin", "high-assurance"),
    ("rate_limit_exceeded", "", None, "nobody", "3,600"),
    ("invalid_grant", "login rate exceeded", None, "nobody", "3,600"),
    ("server_error", "", None, "nobody", "status.salesforce.com"),
    ("service_unavailable", "", None, "nobody", "status.salesforce.com"),
    ("system_down", "", None, "nobody", "status.salesforce.com"),
    ("unknown_error", "retry your request", None, "nobody", "status.salesforce.com"),
]


@pytest.mark.parametrize(("error", "description", "flow", "actor", "words"), CASES)
def test_a_refusal_is_explained(error: str, description: str, flow: str | None, actor: Actor, words: str) -> None:
    row = refusal(error, description, flow=flow)
    assert row.actor == actor
    assert words in f"{row.cause} {row.remedy}"


def test_every_row_of_the_table_is_covered_by_a_case() -> None:
    met = [refusal(error, description, flow=flow) for error, description, flow, _, _ in CASES]
    met += [refusal("invalid_client", secret_sent=sent) for sent in (True, False)]
    assert [row for row in REFUSALS if row not in met] == []


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: f"{row.error} {row.pattern}")
def test_a_row_has_two_plain_sentences(row: Refusal) -> None:
    assert row.cause.endswith(".")
    assert row.remedy.endswith(".")
    assert "\n" not in row.cause + row.remedy


@pytest.mark.parametrize(("error", "description", "flow", "actor", "words"), CASES)
def test_salesforce_refusing_is_a_sign_in_needed_and_salesforce_being_busy_is_not(
    error: str, description: str, flow: str | None, actor: Actor, words: str
) -> None:
    raised: OrgsyncError = problem(error, description, flow=flow)
    assert isinstance(raised, ServerProblem if actor == "nobody" else SignInNeeded)
    assert words in str(raised)
    assert raised.exit_code == (1 if actor == "nobody" else 3)


@pytest.mark.parametrize(
    ("sent", "cause", "part"),
    [
        (True, "does not accept the client secret that was sent", "client_secret"),
        (False, "without a client secret, and none was sent", ""),
        (None, "client id or client secret", ""),
    ],
)
def test_a_refused_secret_is_named_by_whether_one_was_sent(sent: bool | None, cause: str, part: str) -> None:
    raised = problem("invalid_client", "invalid client credentials", secret_sent=sent)
    assert isinstance(raised, SignInNeeded)
    assert cause in raised.cause
    assert "(invalid_client: invalid client credentials)" in raised.cause
    assert (raised.part, raised.reason) == (part, "app_settings")


def test_a_description_that_no_row_explains_is_shown() -> None:
    assert "(invalid_grant: something never seen)" in problem("invalid_grant", "Something never seen").cause
    assert problem("invalid_grant", "token 5Aep861rEp").cause.endswith("(invalid_grant).")


def test_too_many_sign_ins_are_not_answered_with_more_of_them() -> None:
    for raised in (problem("invalid_grant", "login rate exceeded"), problem("rate_limit_exceeded")):
        assert isinstance(raised, ServerProblem)
        assert raised.retried


def test_an_unknown_error_is_named_with_its_words() -> None:
    raised = problem("app_attest_failed", "the app cannot be attested")
    assert isinstance(raised, SignInNeeded)
    assert "(app_attest_failed: the app cannot be attested)" in raised.cause
    assert "Login History" in raised.remedy


@pytest.mark.parametrize(
    ("error", "description"),
    [("bad error <script>", "mail jane@example.org"), ("x" * 100, "token 00D5x!AQ"), ("", "see 5Aep861rEp")],
)
def test_an_unknown_error_repeats_nothing_that_may_be_a_secret_or_a_person(error: str, description: str) -> None:
    raised = problem(error, description)
    for part in ("script", "jane", "00d5x", "5aep", "xxxxx"):
        assert part not in str(raised).lower()
    assert "an error without a name" in raised.cause


def test_case_and_blanks_around_an_error_do_not_matter() -> None:
    assert refusal(" Invalid_Grant ", " Expired Access/Refresh Token ").actor == "user"
