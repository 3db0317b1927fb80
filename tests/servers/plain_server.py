"""The second org's HTTP: one connection an answer, and one call in ten that goes wrong."""

import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .plain_org import FIELDS, PlainOrg, short
from .replies import Reply, Request, serving_replies
from .soql import Row

__all__ = ["PlainServer", "serving"]

_ROOT = "/services/data/v62.0"
_BUSY = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."


@dataclass(slots=True)
class PlainServer:
    """What the server keeps beside the org: its token, pages that wait to be asked for, jobs, and how it fails."""

    org: PlainOrg
    url: str = ""
    token: str = "00D8w000000TEST!1"
    tokens: int = 1
    broken: bool = False
    pages: dict[str, tuple[list[Any], int]] = field(default_factory=dict[str, tuple[list[Any], int]])
    jobs: dict[str, list[list[str]]] = field(default_factory=dict[str, list[list[str]]])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, asked: dict[str, str], body: str, token: str) -> Reply:
        """Answer a request."""
        if path == "/services/oauth2/token":
            return self._signed_in()
        if path == "/services/oauth2/introspect":
            return _json({"active": False})
        if path == "/services/oauth2/userinfo":
            return _json({"user_id": "0058w00000UserAAA", "preferred_username": "x@example.com"})
        if path == "/services/data":
            return _json([{"label": "x", "url": _ROOT, "version": "62.0"}])
        if token != f"Bearer {self.token}":
            return Reply(
                401, "<html>Session expired</html>", {"content-type": "text/html", "www-authenticate": "Token"}
            )
        return self._data(method, path.removeprefix(_ROOT).strip("/"), asked, body)

    def _signed_in(self) -> Reply:
        self.tokens += 1
        self.token = f"00D8w000000TEST!{self.tokens}"
        known = {"access_token": self.token, "instance_url": self.url, "token_type": "Bearer"}
        return _json({**known, "id": f"{self.url}/id/00D8w000000TESTAAA/0058w00000UserAAA", "issued_at": "0"})

    def _data(self, method: str, path: str, asked: dict[str, str], body: str) -> Reply:
        answers: dict[str, Callable[[str], Reply]] = {
            r"(query|queryAll)": lambda how: self._query(asked["q"], deleted=how == "queryAll"),
            r"query/(\w+)": self._page,
            r"sobjects/(\w+)/describe": self._describe,
            r"sobjects/(\w+)/updated": lambda _: _json({"ids": [], "latestDateCovered": self._covered(asked)}),
            r"sobjects/(\w+)/deleted": lambda name: self._deleted(name, asked),
            r"(limits)": lambda _: _json({"DailyApiRequests": {"Max": 15000, "Remaining": 14976}}),
            r"(limits/recordCount)": lambda _: Reply(403, '[{"errorCode":"INSUFFICIENT_ACCESS","message":"no"}]'),
            r"(jobs/query)": lambda _: self._make_job(json.loads(body)),
            r"jobs/query/(\w+)": lambda job: self._job(method, job),
            r"jobs/query/(\w+)/results": lambda job: self._results(job, asked),
        }
        for pattern, reply in answers.items():
            if found := re.fullmatch(pattern, path):
                return reply(found.group(1))
        return _missing()

    def _query(self, soql: str, *, deleted: bool) -> Reply:
        query, rows = self.org.found(soql.replace("COUNT()", "Id"), deleted=deleted)
        if "COUNT()" in soql:
            return _json({"totalSize": len(rows), "done": True, "records": []})
        records = [self._record(query.sobject, query.paths, row) for row in rows]
        key = f"0r8{len(self.pages)}"
        self.pages[key] = (records, 0)
        return self._page(key)

    def _page(self, key: str) -> Reply:
        if key not in self.pages:
            return Reply(400, '[{"message":"gone","errorCode":"INVALID_QUERY_LOCATOR"}]')
        records, start = self.pages[key]
        end = start + self.org.quirks.page
        page: dict[str, Any] = {"totalSize": len(records), "done": end >= len(records), "records": records[start:end]}
        if not page["done"]:
            following = f"{key.partition('x')[0]}x{end}"
            self.pages[following] = (records, end)
            page["nextRecordsUrl"] = f"{_ROOT}/query/{following}"
        return _json(page)

    def _record(self, sobject: str, paths: Any, row: Row) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": sobject, "url": f"{_ROOT}/sobjects/{sobject}/{row['Id']}"}}
        for path in paths:
            parent, _, name = path.rpartition(".")
            value = _rest(self.org.value(row, path), odd=row["Id"] < "0038wV")
            if not parent:
                record[name] = value
            elif row["AccountId"] in self.org.rows["Account"]:
                record.setdefault(parent, {"attributes": {"type": parent}})[name] = value
            else:
                record[parent] = None
        return record

    def _describe(self, sobject: str) -> Reply:
        fields = [
            {"name": name, "type": kind, "calculated": False, "referenceTo": [], "relationshipName": None, "length": 0}
            | ({"referenceTo": ["Account"], "relationshipName": "Account"} if kind == "reference" else {})
            for name, kind in FIELDS.get(sobject, {}).items()
        ]
        return _json({"name": sobject, "queryable": True, "replicateable": True, "fields": fields})

    def _covered(self, asked: dict[str, str]) -> str:
        return str(_rest(min(self.org.covered, datetime.fromisoformat(asked["end"]).replace(second=0)), odd=False))

    def _deleted(self, sobject: str, asked: dict[str, str]) -> Reply:
        if not self.org.quirks.delete_log:
            return _missing()
        start, end = (datetime.fromisoformat(asked[name]).replace(second=0) for name in ("start", "end"))
        records = [
            {"id": short(key), "deletedDate": _rest(at, odd=True)}
            for name, key, at in self.org.deleted
            if name == sobject and start <= at < end
        ]
        reach = {"earliestDateAvailable": "2026-04-20T00:00:00.000Z", "latestDateCovered": self._covered(asked)}
        return _json({"deletedRecords": records, **reach})

    def _make_job(self, asked: dict[str, str]) -> Reply:
        query, rows = self.org.found(asked["query"], deleted=asked["operation"] == "queryAll")
        shuffled = self.org.dice.sample(list(rows), k=len(rows))
        job = f"750{len(self.jobs):012}AAA"
        texts = ([_csv(self.org.value(row, path)) for path in query.paths] for row in shuffled)
        self.jobs[job] = [list(query.paths), *texts]
        return _json({"id": job, "state": "UploadComplete"})

    def _job(self, method: str, job: str) -> Reply:
        if job not in self.jobs:
            return _missing()
        if method == "DELETE":
            del self.jobs[job]
            return Reply(204)
        return _json({"id": job, "state": "Aborted" if method == "PATCH" else "JobComplete", "apiVersion": 62.0})

    def _results(self, job: str, asked: dict[str, str]) -> Reply:
        if job not in self.jobs:
            return _missing()
        header, *rows = self.jobs[job]
        start = int(asked.get("locator", "0"))
        end = start + self.org.quirks.bulk_page
        text = "".join(",".join(_quoted(value) for value in row) + "\n" for row in [header, *rows[start:end]])
        headers = {"content-type": "text/csv"}
        following = str(end) if end < len(rows) else self.org.quirks.end
        if following is not None:
            headers["sforce-locator"] = following
        return Reply(200, text, headers)


def _json(body: Any) -> Reply:
    text = re.sub(r'"E@(.+?)@"', r"\1", json.dumps(body))
    return Reply(200, text, {"content-type": "application/json;charset=UTF-8"})


def _missing() -> Reply:
    body = '[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]'
    return Reply(404, body, {"content-type": "application/json;charset=UTF-8"})


def _rest(value: Any, *, odd: bool) -> Any:
    """Write a value as REST bodies do; numbers with a point in E-notation."""
    if isinstance(value, datetime):
        return f"{value.isoformat()[:19]}.000{'Z' if odd else '+0000'}"
    return f"E@{value:.6E}@" if isinstance(value, float) else value


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _csv(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.isoformat()[:19]}.000Z"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


_FAULTS: tuple[Reply | None, ...] = (
    None,  # the connection ends without an answer
    Reply(503, "<html>We are down for maintenance.</html>", {"content-type": "text/html"}),
    Reply(502, "upstream connect error", {"content-type": "text/plain"}),
    Reply(403, json.dumps([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": _BUSY}])),
    Reply(400, '[{"message":"unable to obtain exclusive access","errorCode":"UNABLE_TO_LOCK_ROW"}]'),
    Reply(200, '{"cut short":', {"content-type": "application/json", "content-length": "999"}),
)


@contextmanager
def serving(org: PlainOrg) -> Generator[PlainServer]:
    """Serve an org on a free port of this machine."""
    plain = PlainServer(org)

    def answer(request: Request) -> Reply | None:
        parts = urlsplit(request.target)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with plain.lock:
            reply: Reply | None = plain.answer(
                request.method, parts.path, asked, request.body.decode(), request.headers.get("authorization", "")
            )
            if plain.broken and org.dice.random() < 0.1 and parts.path.startswith(_ROOT):
                reply = org.dice.choice(_FAULTS)
        return reply

    with serving_replies(answer) as plain.url:
        yield plain
