"""Every way Salesforce refuses a sign-in: what it means, who must act, and what they do.

Salesforce says several different things under one `error`, so a row is found by the error and a pattern in the
description, lower-cased; the first row that fits wins. For an unknown refusal the line can still be
searched for.
"""

from .refusal import Refusal

__all__ = ["REFUSALS"]

_AGAIN = "Sign in again: orgsync connect NAME."
_WRONG_HOST = (
    "Check the login URL: a sandbox signs in at test.salesforce.com, production at login.salesforce.com, and a "
    "Developer Edition is production, not a sandbox."
)
_INACTIVE_USER = "The user of this connection is deactivated or frozen."
_ACTIVATE_USER = "Have the org's administrator activate the user, or sign in as another one."
_INACTIVE_ORG = "The org is locked, suspended or closed, or its trial is over."
_RESTORE_ORG = "Have its administrator restore it with Salesforce, or connect another org."
_INSTALL = (
    "Have the administrator install it under Connected Apps OAuth Usage, or give the user the permission Approve "
    "Uninstalled Connected Apps; then sign in again."
)
_LATER = "It passes by itself and is retried; if it persists, see status.salesforce.com."

REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        ".*",
        "login rate exceeded|rate limit",
        "nobody",
        "This user has signed in more than 3,600 times within an hour.",
        "Wait up to an hour; share one connection instead of signing in for each run.",
        retried=False,  # each further try would count as well
    ),
    Refusal(
        ".*",
        "already being processed",
        "nobody",
        "Salesforce is still answering another request for the same refresh token.",
        "It is retried; give every copy of orgsync its own connection, or one database.",
    ),
    Refusal(
        "invalid_grant",
        "expired authorization code",
        "nobody",
        "Salesforce is still answering another request for the same refresh token, and calls that an expired code.",
        "It is retried; give every copy of orgsync its own connection, or one database.",
        flow="refresh_token",
    ),
    Refusal(
        "invalid_grant",
        "expired access/refresh token|expired (access|refresh) token|token.*(expired|revoked)",
        "user",
        "Salesforce does not accept the refresh token: it may have been revoked, have expired by the app's policy, "
        "have been replaced or pushed out by newer sign-ins (Salesforce keeps five a user and app), or never have been "
        "one of this app's at this login URL.",
        f"{_AGAIN} If it happens again, give each installation a user of its own, and check the app's refresh token "
        "policy and the login URL.",
        part="refresh_token",
    ),
    Refusal(
        ".*", "inactive organi[sz]ation|inactive org\\b", "admin", _INACTIVE_ORG, _RESTORE_ORG, reason="org_inactive"
    ),
    Refusal(
        "invalid_grant",
        "inactive user|user.*(frozen|deactivated)",
        "admin",
        _INACTIVE_USER,
        _ACTIVATE_USER,
        reason="user_inactive",
    ),
    Refusal("inactive_user", "", "admin", _INACTIVE_USER, _ACTIVATE_USER, reason="user_inactive"),
    Refusal(
        "invalid_grant",
        "ip restricted|ip address|login hours|restricted (ip|domain|time)",
        "admin",
        "The org allows this user's sign-in only from certain addresses or at certain hours.",
        "Have the administrator relax IP restrictions in the app's policies, or allow this machine's address and the "
        "hour.",
        reason="ip_restricted",
    ),
    Refusal(
        "invalid_grant",
        "audience|invalid assertion|jwt|assertion.*(expired|invalid)",
        "developer",
        "Salesforce does not accept the signed assertion: the audience, the app's certificate or the clock is wrong.",
        f"{_WRONG_HOST} Then check that the app holds this private key's certificate, and this machine's clock.",
    ),
    Refusal(
        "invalid_grant|invalid_app_access",
        "hasn't approved|not admin approved|not approved|isn't approved",
        "admin",
        "The user has not been given this app.",
        "Have the administrator assign the app to the user's profile or permission set, or let the user approve it "
        "once in the browser.",
        reason="app_not_approved",
    ),
    Refusal(
        "invalid_grant",
        "authorization code",
        "user",
        "The authorization code is older than 15 minutes, or was used before.",
        "Start the sign-in again, and open the callback only once.",
        reason="code_expired",
    ),
    Refusal(
        "invalid_grant|invalid_request",
        "code verifier|code challenge",
        "user",
        "The sign-in was finished by another attempt than the one that began it (the code verifier differs).",
        "Start the sign-in again, in one browser window.",
        reason="code_expired",
    ),
    Refusal(
        "invalid_grant",
        "authentication failure|invalid password|password",
        "user",
        "Salesforce does not accept these credentials at this host.",
        f"{_WRONG_HOST} Sign in by browser or JWT: most orgs block passwords.",
    ),
    Refusal(
        "invalid_grant|invalid_client",
        "no client credentials user|run.as",
        "developer",
        "The app has no user to run as in the client credentials flow.",
        "Choose a Run As user in the app's OAuth policies.",
    ),
    Refusal(
        ".*",
        "not supported on this domain",
        "developer",
        "The client credentials flow works at the org's own My Domain only.",
        "Use the login URL https://NAME.my.salesforce.com instead of login or test.salesforce.com.",
    ),
    Refusal(
        "invalid_client",
        "must be installed|not installed",
        "admin",
        "The app is not installed in this org, and since September 2025 users cannot authorize such apps.",
        _INSTALL,
        reason="app_not_installed",
    ),
    Refusal(
        "oauth_approval_error_generic",
        "",
        "admin",
        "Salesforce does not let the user approve the app; most often it is not installed in this org, which is "
        "required since September 2025.",
        _INSTALL,
        reason="app_not_installed",
    ),
    Refusal(
        "oauth_ec_app_not_found|ecapp_policy_not_found|app_not_found",
        "",
        "admin",
        "The external client app is not installed in this org.",
        f"Have the administrator install its package, or use the app's home org. {_WRONG_HOST}",
        reason="app_not_installed",
    ),
    Refusal(
        "oauth_app_blocked|app_blocked|fail_close_app_blocked",
        "",
        "admin",
        "The org's administrator has blocked the app.",
        "Have the administrator unblock it under Connected Apps OAuth Usage, or allow it in API Access Control.",
        reason="app_blocked",
    ),
    Refusal(
        "invalid_grant",
        "",
        "user",
        "Salesforce does not accept what this connection signs in with.",
        f"{_AGAIN} The user's Login History in Setup shows the reason.",
    ),
    Refusal(
        "invalid_client",
        "",
        "developer",
        "Salesforce does not accept the client secret that was sent with the client id.",
        "Set ORGSYNC_CLIENT_SECRET to the app's consumer secret, whole and without blanks, then sign in again: "
        "orgsync connect NAME. A secret that was rotated ends every older sign-in.",
        part="client_secret",
        secret_sent=True,
    ),
    Refusal(
        "invalid_client",
        "",
        "developer",
        "Salesforce does not accept the app's client id without a client secret, and none was sent.",
        "Set ORGSYNC_CLIENT_SECRET to the app's consumer secret, then sign in again: orgsync connect NAME.",
        missing="client_secret",
        secret_sent=False,
    ),
    Refusal(
        "invalid_client",
        "",
        "developer",
        "Salesforce does not accept the app's client id or client secret.",
        "Check both against the app in Salesforce, then sign in again: orgsync connect NAME.",
    ),
    Refusal(
        "invalid_client_id",
        "",
        "developer",
        "No app with this client id is known at this login host.",
        f"Check the id; wait up to 10 minutes if the app is new or was changed. {_WRONG_HOST} Special characters in "
        "the password of the developer who made the app have caused this too: change it.",
        part="client_id",
    ),
    Refusal(
        "redirect_uri_mismatch|redirect_uri_missing",
        "",
        "developer",
        "The callback URL is not one of the app's.",
        "Add exactly the URL that orgsync printed to the app's callback URLs: scheme, port, case and slashes count. "
        "Changes take up to 10 minutes.",
    ),
    Refusal(
        "invalid_scope",
        "",
        "developer",
        "The app does not have a scope that the sign-in requests.",
        "Add the scopes api and refresh_token (offline_access) to the app; changes take up to 10 minutes.",
    ),
    Refusal(
        "unsupported_grant_type|unsupported_response_type|oauth_flow_disabled",
        "",
        "developer",
        "This way of signing in is switched off for the app or the org.",
        "Switch the flow on in the app's OAuth settings, or choose another one with --flow.",
    ),
    Refusal(
        "invalid_request",
        "",
        "developer",
        "Salesforce finds the sign-in request incomplete or malformed.",
        "Check the client id, the login URL and the app's settings (a secret may be required).",
    ),
    Refusal(
        "access_denied",
        "",
        "user",
        "The sign-in was refused in the browser.",
        "Start it again and choose Allow.",
        reason="denied",
    ),
    Refusal("inactive_org", "", "admin", _INACTIVE_ORG, _RESTORE_ORG, reason="org_inactive"),
    Refusal(
        "invalid_session_level",
        "",
        "admin",
        "The org requires a high-assurance session, and this sign-in does not create one.",
        "Have the administrator relax the app's session level policy, or sign in by browser with a second factor.",
        reason="session_level",
    ),
    Refusal(
        "rate_limit_exceeded",
        "",
        "nobody",
        "This user has signed in more than 3,600 times within an hour.",
        "Wait up to an hour; share one connection instead of signing in for each run.",
        retried=False,  # each further try would count as well
    ),
    Refusal(
        "server_error|service_unavailable|system_down|unknown_error|temporarily_unavailable",
        "",
        "nobody",
        "Salesforce could not judge the sign-in just now.",
        _LATER,
    ),
)
