"""The errors of Salesforce's API that callers tell apart, beside those of `orgsync.errors`.

AccessRefused
└── SessionUnfit           the session is live, but is not let into the API
QueryRefused
├── NotServed              a demo org does not do what Salesforce does
├── NotFound               a row or resource is absent
├── NotReplicateable       getUpdated and getDeleted do not cover the object
└── FilterRequired         the object is queried under a filter of a certain form alone
ServerProblem
├── NotCarriedOut          nothing happened yet, so even a write may be sent again
│   └── InstanceMoved        the host redirects to another: the org has moved
├── NoRoute                Salesforce's edge does not know the host (420)
├── QueryTimedOut          the query takes too long as it is: ask for less at once
├── QueryIncomplete        the query ended with fewer rows than it found
└── LocatorExpired         the rest of a query's pages is gone
    └── LocatorBusy          or not to be had just now
"""

from orgsync.errors import AccessRefused, OperatorProblem, QueryRefused, ServerProblem

__all__ = [
    "FilterRequired",
    "InstanceMoved",
    "LocatorBusy",
    "LocatorExpired",
    "NoRoute",
    "NotCarriedOut",
    "NotFound",
    "NotReplicateable",
    "NotServed",
    "QueryIncomplete",
    "QueryTimedOut",
    "SessionInvalid",
    "SessionUnfit",
]


class SessionInvalid(OperatorProblem):
    """The access token is dead, or is used on a host that the org has left: sign in again and repeat the request."""

    exit_code = 3


class SessionUnfit(AccessRefused):
    """The session is live, but a policy of the org or the token's scope keeps it out of the API: renewing is no use."""


class NotCarriedOut(ServerProblem):
    """Salesforce says that it did nothing, for now: even a write may be sent again."""


class InstanceMoved(NotCarriedOut):
    """The host redirects to another one of Salesforce's: a new token tells where the org is."""


class NoRoute(ServerProblem):
    """Salesforce's edge knows no way to the host: an org that is moving, or a sandbox or scratch org that is gone."""


class QueryTimedOut(ServerProblem):
    """The query runs longer than Salesforce allows (2 minutes to find its rows); the same query would do so again."""


class QueryIncomplete(ServerProblem):
    """A query ended with fewer rows than Salesforce says it found."""


class LocatorExpired(ServerProblem):
    """The rest of a query's pages is gone; a query from the last row read gets them."""


class LocatorBusy(LocatorExpired):
    """The rest of a query's pages cannot be had just now, and may be gone."""


class NotFound(QueryRefused):
    """The addressed row or resource does not exist, or the user may not see it."""


class NotServed(QueryRefused):
    """A demo org does not do what Salesforce does, and says so in its own words."""


class NotReplicateable(QueryRefused):
    """getUpdated and getDeleted do not cover the object, by Salesforce's own words."""


class FilterRequired(QueryRefused):
    """The object can be queried under a filter of a certain form alone, such as one parent's Id."""
