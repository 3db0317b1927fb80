"""Which part of the demo org answers which path, and what every call has in common."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from .api_about import NEWEST, OLDEST, About
from .api_bulk import Bulk
from .api_collections import Collections
from .api_composite import Composite
from .api_ingest import Ingest
from .api_query import Queries
from .api_records import Records
from .api_replication import Replication
from .api_search import Searches
from .api_tree import Tree
from .authorize import authorize
from .clock import Clock
from .database import Database
from .invocable import Actions
from .oauth import Hosts, OAuth
from .quick_actions import QuickActions
from .refusal import OAuthRefusal, Refusal, not_found, not_implemented
from .sessions import Sessions
from .settings import Settings
from .unserved import unserved_resource, unserved_service
from .wire import LONGEST_URI, Call, Response, bad_message, html_response, refused
from .writer import Writer

_OBJECT, _REST = r"([A-Za-z]\w*)", r"([^/]+)"
_KEY = r"(?![a-z]\w{14}(?:\w{3})?/)([A-Za-z]\w*)"  # a field; what begins so in lower case is the id of a custom object
_GONE = "<html><head><title>420</title></head><body><h1>No route for this host</h1></body></html>"
Handler = Callable[..., Response]


class Api:
    """The demo org's HTTP surface, as a function from calls to responses."""

    def __init__(self, database: Database, settings: Settings, hosts: Hosts, sessions: Sessions) -> None:
        self.queries = Queries(database, settings, database.clock)
        self.bulk = Bulk(database, settings)
        self.writer = Writer(database)
        self.ingest = Ingest(database, settings, self.writer, self.bulk.jobs)
        self.gone_ports: set[int] = set()
        self._clock: Clock = database.clock
        self._settings = settings
        self._oauth = OAuth(settings, database.clock, hosts, sessions)
        self._about = About(database, settings, hosts)
        records = Records(database, self.writer)
        self.actions = Actions(database)
        self.quick_actions = QuickActions(database, records, self.writer)
        self._routes = [
            *_about_routes(self._about),
            *_action_routes(self.actions, self.quick_actions),
            *_search_routes(Searches(database)),
            *_routes(self.queries, records, Collections(database, records, self.writer), Replication(database)),
            *_bulk_routes(self.bulk),
            *_ingest_routes(self.ingest),
            *_composite_routes(Composite(database, self._part), Tree(database, records, self.writer)),
        ]

    def respond(self, call: Call) -> Response:
        """Answer one call; refusals become error responses."""
        try:
            return self._sized(call) or self._respond(call)
        except (Refusal, OAuthRefusal) as refusal:
            return refused(refusal)

    def _sized(self, call: Call) -> Response | None:
        if call.uri_length > LONGEST_URI:
            return bad_message(414, "URI Too Long")
        if call.uri_length + sum(len(name) + len(value) + 4 for name, value in call.headers.items()) > LONGEST_URI:
            return bad_message(431, "Request Header Fields Too Large")
        return None

    def _respond(self, call: Call) -> Response:
        # Salesforce's own command line joins paths to an instance URL that ends in a slash, so hosts must take `//`.
        path = "/" + call.path.strip("/")
        unserved = unserved_service(path)
        if unserved is not None:
            raise unserved
        if path.startswith("/services/oauth2/"):
            return self._sign_in(call, path.removeprefix("/services/oauth2/"))
        if path.startswith("/id/"):
            return self._oauth.identity(call)
        if call.port in self.gone_ports:
            return html_response(420, _GONE)
        if path == "/services/data":
            return self._about.versions()
        return self._data(call, path)

    def _sign_in(self, call: Call, name: str) -> Response:
        if name == "authorize":
            return authorize(call, self._settings, self._clock, self._oauth)
        endpoints: dict[str, Callable[[Call], Response]] = {
            "token": self._oauth.token,
            "introspect": self._oauth.introspect,
            "revoke": self._oauth.revoke,
            "userinfo": self._oauth.userinfo,
        }
        if name not in endpoints:
            raise not_found()
        return endpoints[name](call)

    def _data(self, call: Call, path: str) -> Response:
        """Serve the data API: the session first, then the limit, then the version, then the resource."""
        self._oauth.session(call)
        if self._settings.api_used >= self._settings.api_limit:
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self._settings.api_used += 1
        try:
            if path.endswith(".xml") or _wants_xml(call):
                raise not_implemented("answer in XML")
            response = self._versioned(call, path)
        except Refusal as refusal:
            response = refused(refusal)
        response.counted = True
        return response

    def _part(self, call: Call) -> Response:
        """Answer a request that another one carries; it costs no call of its own."""
        try:
            return self._versioned(call, "/" + call.path.strip("/"))
        except Refusal as refusal:
            return refused(refusal)

    def _versioned(self, call: Call, path: str) -> Response:
        version = re.match(r"/services/data/v(\d+)\.0(/.*)?\Z", path)
        if version is None or not int(version[1]) <= NEWEST:
            raise not_found()
        if int(version[1]) < OLDEST:
            raise Refusal(410, "GONE", f"The requested resource is no longer available: v{version[1]}.0")
        base, resource = f"/services/data/v{version[1]}.0", version[2] or "/"
        requested = "GET" if call.method == "HEAD" else call.method
        if requested == "POST":
            requested = call.query.get("_HttpMethod", requested).upper()  # for clients that cannot send PATCH
        allowed: list[str] = []
        for method, pattern, handler in self._routes:
            match = re.fullmatch(pattern, resource)
            if match and method == requested:
                return handler(call, base, *map(unquote, match.groups()))
            if match:
                allowed.append(method)
        if not allowed:
            raise unserved_resource(resource) or not_found()
        text = f"HTTP Method '{call.method}' not allowed. Allowed are {','.join(allowed)}"
        response = refused(Refusal(405, "METHOD_NOT_ALLOWED", text))
        response.headers.append(("Allow", ",".join(allowed)))
        return response


def _wants_xml(call: Call) -> bool:
    accepted = [kind.partition(";")[0].strip() for kind in call.headers.get("accept", "").split(",")]
    return any(kind.endswith("/xml") for kind in accepted) and not {"*/*", "application/json"} & {*accepted}


def _about_routes(about: About) -> list[tuple[str, str, Handler]]:
    return [
        ("GET", "/", about.resources),
        ("GET", "/composite", about.composite),
        ("GET", "/jobs", about.jobs),
        ("GET", "/recent", about.recent),
        ("GET", "/limits", about.limits),
        ("GET", "/limits/recordCount", about.record_count),
        ("GET", "/sobjects", about.global_describe),
        ("GET", f"/sobjects/{_OBJECT}", about.basic),
        ("GET", f"/sobjects/{_OBJECT}/describe", about.describe),
        ("GET", f"/sobjects/{_OBJECT}/describe/layouts", about.layouts),
        ("GET", f"/sobjects/{_OBJECT}/describe/layouts/{_REST}", about.layout),
        ("GET", f"/sobjects/{_OBJECT}/describe/compactLayouts", about.compact_layouts),
        ("GET", f"/sobjects/{_OBJECT}/describe/compactLayouts/{_REST}", about.compact_layout),
        ("GET", f"/sobjects/{_OBJECT}/describe/approvalLayouts", about.approval_layouts),
        ("GET", f"/sobjects/{_OBJECT}/listviews", about.list_views),
    ]


def _routes(
    queries: Queries, records: Records, collections: Collections, replication: Replication
) -> list[tuple[str, str, Handler]]:
    return [
        ("GET", "/query", queries.query),
        ("GET", "/queryAll", queries.query_all),
        ("GET", f"/(?:query|queryAll)/{_REST}", queries.more),
        ("POST", f"/sobjects/{_OBJECT}", records.create),
        ("GET", f"/sobjects/{_OBJECT}/updated", replication.updated),
        ("GET", f"/sobjects/{_OBJECT}/deleted", replication.deleted),
        ("GET", f"/sobjects/{_OBJECT}/{_REST}", records.read),
        ("GET", rf"/sobjects/{_OBJECT}/(\w{{15}}(?:\w{{3}})?)/(Body|VersionData)", records.download),
        ("PATCH", f"/sobjects/{_OBJECT}/{_REST}", records.change),
        ("DELETE", f"/sobjects/{_OBJECT}/{_REST}", records.remove),
        ("GET", f"/sobjects/{_OBJECT}/{_KEY}/{_REST}", records.read_by),
        ("PATCH", f"/sobjects/{_OBJECT}/{_KEY}/{_REST}", records.upsert),
        ("DELETE", f"/sobjects/{_OBJECT}/{_KEY}/{_REST}", records.remove_by),
        ("POST", "/composite/sobjects", collections.create),
        ("PATCH", "/composite/sobjects", collections.change),
        ("DELETE", "/composite/sobjects", collections.remove),
        ("PATCH", f"/composite/sobjects/{_OBJECT}/{_OBJECT}", collections.upsert),
        ("GET", f"/composite/sobjects/{_OBJECT}", collections.retrieve),
        ("POST", f"/composite/sobjects/{_OBJECT}", collections.retrieve),
    ]


def _bulk_routes(bulk: Bulk) -> list[tuple[str, str, Handler]]:
    job = f"/jobs/query/{_REST}"
    return [
        ("POST", "/jobs/query", bulk.create),
        ("GET", "/jobs/query", bulk.every),
        ("GET", job, bulk.information),
        ("PATCH", job, bulk.change),
        ("DELETE", job, bulk.remove),
        ("GET", f"{job}/results", bulk.results),
        ("GET", f"{job}/result[Pp]ages", bulk.result_pages),
    ]


def _ingest_routes(ingest: Ingest) -> list[tuple[str, str, Handler]]:
    job = f"/jobs/ingest/{_REST}"
    return [
        ("POST", "/jobs/ingest", ingest.create),
        ("GET", "/jobs/ingest", ingest.every),
        ("GET", job, ingest.information),
        ("PATCH", job, ingest.change),
        ("DELETE", job, ingest.remove),
        ("PUT", f"{job}/batches", ingest.upload),
        ("GET", f"{job}/successfulResults", ingest.successful),
        ("GET", f"{job}/failedResults", ingest.failed),
        ("GET", f"{job}/unprocessed[rR]ecords", ingest.unprocessed),
    ]


def _composite_routes(composite: Composite, tree: Tree) -> list[tuple[str, str, Handler]]:
    return [
        ("POST", "/composite", composite.run),
        ("POST", "/composite/batch", composite.batch),
        ("POST", "/composite/graph", composite.graph),
        ("POST", f"/composite/tree/{_OBJECT}", tree.create),
    ]


def _search_routes(searches: Searches) -> list[tuple[str, str, Handler]]:
    return [
        ("GET", "/search", searches.search),
        ("GET", "/parameterizedSearch", searches.parameterized_get),
        ("POST", "/parameterizedSearch", searches.parameterized_post),
    ]


def _action_routes(actions: Actions, quick: QuickActions) -> list[tuple[str, str, Handler]]:
    kind, of_object = "/actions/custom/(apex|flow)", f"/sobjects/{_OBJECT}/quickActions"
    return [
        ("GET", "/actions", actions.kinds),
        ("GET", "/actions/custom", actions.custom),
        ("GET", kind, actions.every),
        ("GET", f"{kind}/{_REST}", actions.describe),
        ("POST", f"{kind}/{_REST}", actions.run),
        ("GET", "/quickActions", quick.everywhere),
        ("GET", of_object, quick.of_object),
        *(
            (method, f"{own}/{_REST}{rest}", handler)
            for own in ("/quickActions", of_object)
            for method, rest, handler in (
                ("GET", "", quick.one),
                ("POST", "", quick.run),
                ("GET", "/describe", quick.describe),
                ("GET", "/defaultValues", quick.default_values),
                ("GET", f"/defaultValues/{_REST}", quick.default_values),
            )
        ),
    ]
