"""The demo org as tests and `orgsync demo` hold it: start it, change it, break it, look at its requests."""

import json
import ssl
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from .administration import Administration
from .api import Api
from .assertion import private_key_pem
from .business import Business
from .changes import Changes
from .clock import Clock
from .database import Database
from .faults import Fault, FaultRule
from .oauth import Hosts
from .people import Loader
from .schema import Schema
from .server import Plan, Reply, Server
from .sessions import Sessions
from .settings import Settings, seeded_settings
from .wire import Call, Response, wire_headers, zipped
from .write_levers import WriteLevers


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered; status 0 where a fault left it unanswered.

    `counted` is whether it counts against the API limit; headers have lower-case names.
    """

    method: str
    path: str
    query: dict[str, str]
    status: int
    counted: bool
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class DemoOrg(Changes, Administration, WriteLevers, Settings):
    """A small Salesforce org on loopback, with rows in it and an app that is authorized.

    `Settings` are what a test may look at and set while the org runs; `Changes` are those of rows, `Administration`
    those of fields and permissions, `WriteLevers` what happens to writes; what is below starts, stops, breaks and
    watches it.

    Args:
        contacts: how many contacts to make. The same seed and clock start make the same rows.
        accounts: how many accounts to make.
        port: where to listen on 127.0.0.1; 0 takes a free one.
        tls: serve HTTPS with this context; `host` is then the name in the URLs.
        now: freezes the org's clock, which then moves by `advance` only.
        page_size: rows on a page of a query; real orgs give 2,000.
    """

    def __init__(
        self,
        *,
        contacts: int = 2500,
        accounts: int = 400,
        seed: int = 1,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        now: datetime | None = None,
        page_size: int = 2000,
    ) -> None:
        super().__init__(**asdict(seeded_settings(seed, page_size)))
        self._clock = Clock(now)
        schema = Schema(self._clock.stamp - timedelta(days=1))
        self._database = Database(self._clock, schema, pod="Dn0")
        Loader(self._database, seed).load(accounts=accounts, contacts=contacts)
        Business(self._database, seed, self.org_id).load()
        self.user_id = self._database.user_id
        self._hosts = Hosts()
        self._sessions = Sessions(self, self._clock)
        self._api = Api(self._database, self, self._hosts, self._sessions)
        self._port, self._tls, self._host = port, tls, host
        self._server: Server | None = None
        self._faults: list[FaultRule] = []
        self._requests: list[Request] = []
        self._unserved: list[str] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; started again after `stop`, the org is where it was."""
        server = Server(self._plan, self._tls)
        try:
            self._port = server.listen(self._port)
        except OSError:
            server.stop()
            raise
        self._server = server
        self._hosts.login_url = self._hosts.instance_url = self._url(self._port)

    def stop(self) -> None:
        """Close every port and connection; the rows stay."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _url(self, port: int) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{port}"

    @property
    def url(self) -> str:
        """Where the org signs in, e.g. `http://127.0.0.1:41234`."""
        return self._hosts.login_url

    @property
    def login_url(self) -> str:
        """The same as `url`."""
        return self._hosts.login_url

    @property
    def instance_url(self) -> str:
        """Where new tokens are good for."""
        return self._hosts.instance_url

    @property
    def private_key_pem(self) -> str:
        """The RSA key whose certificate the app trusts, for the JWT bearer grant."""
        return private_key_pem()

    @property
    def now(self) -> datetime:
        """The org's time, in UTC."""
        return self._clock.now

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the org's clock."""
        with self._database.lock:
            self._clock.advance(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def access_token(self) -> str:
        """Return an access token without a sign-in, for tests of the data API alone."""
        with self._database.lock:
            return self._sessions.open(self.instance_url, self.scope, self.refresh_token).token

    def expire_tokens(self) -> None:
        """End every access token; refresh tokens stay good."""
        with self._database.lock:
            self._sessions.end_all()

    def revoke_refresh_tokens(self) -> None:
        """End every refresh token and the access tokens derived from them."""
        with self._database.lock:
            self._sessions.revoke_refresh_tokens()

    def expire_locators(self) -> None:
        """Forget the queries that have more pages."""
        with self._database.lock:
            self._api.queries.expire()

    # Bulk jobs that go wrong; `bulk_polls`, `bulk_count_off` and the limits among the settings do more.

    def fail_bulk_jobs(self, message: str, *, times: int = 1) -> None:
        """Make the next Bulk jobs end as Failed with this errorMessage."""
        with self._database.lock:
            self._api.bulk.jobs.failures += [message] * times

    def forget_bulk_jobs(self) -> None:
        """Lose every Bulk job and its results: 404 from now on, as seven days after."""
        with self._database.lock:
            self._api.bulk.jobs.forget()
            self._api.ingest.jobs.forget()

    def shorten_bulk_pages(self, times: int = 1) -> None:
        """Make the next pages of Bulk results hold half of the rows that Sforce-NumberOfRecords counts.

        The body ends cleanly, so that only the count shows it. Pages without rows are not counted.
        """
        with self._database.lock:
            self._api.bulk.jobs.short_pages += times

    def move_instance(self, *, unreachable: bool = False) -> None:
        """Move the org to another port; access tokens end, new ones name the new `instance_url`.

        The old port answers 401; with `unreachable`, 420, or nothing at all if it is not where the org signs in.
        """
        server = self._running()
        port = server.listen()
        with self._database.lock:
            old = int(self._hosts.instance_url.rpartition(":")[2])
            self._hosts.instance_url = self._url(port)
            self._sessions.end_all()
            if unreachable:
                self._api.gone_ports.add(old)
        if unreachable and old != self._port:
            server.close(old)

    def add_fault(
        self, fault: Fault, *, match: str = "", soql: str = "", times: int | None = 1, every: int | None = None
    ) -> None:
        """Make calls fail whose path holds or, as a regular expression, matches `match`, and whose query holds `soql`.

        The first `times` of them (None: all), or one in `every`, without end unless `times` is more than 1.
        """
        endless = every is not None and times == 1
        with self._database.lock:
            self._faults.append(FaultRule(fault, match, None if endless else times, every or 1, soql))

    def clear_faults(self) -> None:
        """Undo every `add_fault`."""
        with self._database.lock:
            self._faults.clear()

    @property
    def requests(self) -> list[Request]:
        """The requests answered so far, oldest first."""
        with self._database.lock:
            return list(self._requests)

    @property
    def unserved(self) -> list[str]:
        """What was requested that Salesforce does and the demo org does not, in its own words: status 501."""
        with self._database.lock:
            return list(self._unserved)

    def clear_requests(self) -> None:
        """Forget the requests sent so far, those too whose client has left before the answer."""
        if self._server is not None:
            self._server.take_in()
        with self._database.lock:
            self._requests.clear()

    def _running(self) -> Server:
        if self._server is None:
            raise RuntimeError("The demo org is not running.")
        return self._server

    def _plan(self, call: Call) -> Plan:
        with self._database.lock:
            fault = next((rule.fault for rule in self._faults if rule.strikes(call)), None)
            if fault is not None and fault.kind == "hang":
                self._record(call, Response(0))
        return Plan(fault, lambda: self._reply(call, fault))

    def _reply(self, call: Call, fault: Fault | None) -> Reply:
        with self._database.lock:
            response = self._respond(call, fault)
            usage = f"{self.api_used}/{self.api_limit}" if response.counted else None
            self._record(call, response)
            now = self._clock.now
        zipped(call, response)
        if call.method == "HEAD":
            response.body = b""
        return Reply(response.status, wire_headers(call, response, now, usage=usage), response.body)

    def _respond(self, call: Call, fault: Fault | None) -> Response:
        if fault is None or fault.processed:
            response = self._api.respond(call)
            changed = (rule.alters(response, call) for rule in self._faults)
            return next((each for each in changed if each is not None), response)
        response = fault.response()
        self.api_used += response.counted
        return response

    def _record(self, call: Call, response: Response) -> None:
        if response.status == 501 and b"NOT_IMPLEMENTED" in response.body:
            self._unserved.append(str(json.loads(response.body)[0]["message"]))
        self._requests.append(
            Request(
                call.method, call.path, call.query, response.status, response.counted, dict(call.headers), call.body
            )
        )
