"""What a product asks for with a connect session, and a session as JSON."""

from typing import Any, Literal, TypeAlias, TypedDict, cast, get_args

from orgsync.store.connect_session_table import ConnectSessionRow

from .views import instant

__all__ = ["ENVIRONMENTS", "ConnectEnvironment", "ConnectSessionView", "SessionOptions", "session_view"]

ConnectEnvironment: TypeAlias = Literal["production", "sandbox", "my_domain"]
"""Where a customer may sign in: the two hosts that all orgs share, and the host of the org itself."""

ENVIRONMENTS: tuple[ConnectEnvironment, ...] = get_args(ConnectEnvironment)


class SessionOptions(TypedDict):
    """What the product asked for, as it is stored."""

    app_name: str
    account_name: str | None
    environments: list[ConnectEnvironment]
    return_url: str | None
    metadata: dict[str, Any] | None
    tags: list[str] | None


class ConnectSessionView(TypedDict):
    """A connect session as JSON, without its link.

    `state` is waiting, connected, failed, expired or cancelled; `code`, `cause` and `remedy` are those of the last
    attempt that failed, in words for the customer.
    """

    id: str
    connection: str
    state: str
    code: str | None
    cause: str | None
    remedy: str | None
    attempts: int
    app_name: str
    account_name: str | None
    environments: list[str]
    return_url: str | None
    created_at: str | None
    expires_at: str | None
    ended_at: str | None


def session_view(row: ConnectSessionRow, *, is_over: bool) -> ConnectSessionView:
    """Return a connect session as JSON; one that waits when its time is over has expired."""
    options = cast("SessionOptions", row.options)
    return {
        "id": row.id,
        "connection": row.connection,
        "state": "expired" if is_over and row.state == "waiting" else row.state,
        "code": row.code,
        "cause": row.cause,
        "remedy": row.remedy,
        "attempts": row.attempts,
        "app_name": options["app_name"],
        "account_name": options["account_name"],
        "environments": [*options["environments"]],
        "return_url": options["return_url"],
        "created_at": instant(row.created_at),
        "expires_at": instant(row.expires_at),
        "ended_at": instant(row.ended_at),
    }
