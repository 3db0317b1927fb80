"""A plain HTTP client of the demo org's data API, for tests that look at the wire."""

import ssl
from types import TracebackType
from typing import Any, Self

import httpx
import trustme

from orgsync.demo_org import DemoOrg
from tests.plain_http import NOBODY

BASE = "/services/data/v66.0"


class Caller:
    """Calls one org with a token that `org.access_token` gave."""

    def __init__(self, org: DemoOrg) -> None:
        self.org = org
        self.http = httpx.Client(verify=NOBODY, base_url=org.url, timeout=60)
        self.sign_in()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def sign_in(self) -> None:
        self.http.base_url = httpx.URL(self.org.instance_url)
        self.http.headers["Authorization"] = f"Bearer {self.org.access_token()}"

    def get(self, path: str, *, headers: dict[str, str] | None = None, **params: str) -> httpx.Response:
        return self.fetch(path, params, headers)

    def fetch(self, path: str, params: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
        whole = path if path.startswith("/services") else BASE + path
        return self.http.get(whole, params=params or None, headers=headers)  # {} would empty the query of the path

    def send(self, method: str, path: str, json: object = None, **params: str) -> httpx.Response:
        return self.http.request(method, BASE + path, json=json, params=params)

    def query(self, soql: str, *, deleted: bool = False) -> list[Any]:
        """Return the records of every page."""
        answer = self.get("/queryAll" if deleted else "/query", q=soql)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        records = list(page["records"])
        while not page["done"]:
            page = self.get(page["nextRecordsUrl"]).json()
            records += page["records"]
        assert len(records) == page["totalSize"] or not records
        return records

    def column(self, soql: str, name: str = "Id", *, deleted: bool = False) -> list[Any]:
        return [record[name] for record in self.query(soql, deleted=deleted)]

    def refusal(self, soql: str) -> tuple[str, str]:
        """Return errorCode and the last line of the message that a query is refused with."""
        answer = self.get("/query", q=soql)
        assert answer.status_code == 400, answer.text
        (error,) = answer.json()
        return error["errorCode"], error["message"].rpartition("\n")[2]


def certified(host: str) -> tuple[ssl.SSLContext, trustme.CA]:
    """Return a context that serves TLS as this host, and the authority that vouches for it."""
    authority, serving = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(serving)  # pyright: ignore[reportUnknownMemberType] # an optional pyOpenSSL type
    return serving, authority
