"""The names of what webhooks tell, each with what it says: the one place where an event is added."""

from collections.abc import Mapping

__all__ = ["EVENTS", "TEST_EVENT"]

EVENTS: Mapping[str, str] = {
    "run.finished": "A run of a sync or an action has ended, done, failed or stopped.",
    "records.changed": "A run has changed rows of a table: read them from the change feed.",
    "connection.added": "A connection was made.",
    "connection.renamed": "A connection has another name, in its rows too.",
    "connection.removed": "A connection was removed.",
    "connection.needs_sign_in": "Salesforce refuses a connection: somebody has to sign in again.",
    "connection.ready": "A connection that needed a sign-in is ready again.",
    "schema.changed": "Fields of an object that syncs read are new, gone or of another type.",
    "alert.raised": "Something needs attention: a sync lags or fails, a sign-in, the API limit, a changed schema.",
    "alert.cleared": "What an alert was raised for is over.",
    "connect_session.finished": "A customer has connected an org by the link of a connect session.",
    "connect_session.failed": "A customer's attempt to connect an org by such a link has failed.",
}
"""Every event that an endpoint can choose. Whoever adds one writes its messages by `store.messages.tell`."""

TEST_EVENT = "webhook.test"
"""The type of the message that `orgsync webhooks test` sends; it cannot be chosen."""
