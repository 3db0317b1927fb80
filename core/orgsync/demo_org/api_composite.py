"""The resources that carry other requests: composite, composite/batch and composite/graph.

The shapes are those of recordings (a composite of queries, an error inside of one, a 304) and of the documentation.
The texts of a rollback and of a reference that names nothing are those that other clients report. The texts on too
many requests, and on ids that are missing or double, are assumed.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import cast

from .database import Database
from .references import referenced, resolved
from .refusal import Refusal
from .wire import JSON_TYPE, Call, Json, Response, json_response, read_target, refused

Item = dict[str, Json]
Dispatch = Callable[[Call], Response]
MOST_REQUESTS, MOST_QUERIES = 25, 5
MOST_GRAPHS, MOST_NODES, DEEPEST = 75, 500, 15
_ROLLED_BACK = Refusal(
    400,
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
_HALTED = Refusal(412, "BATCH_PROCESSING_HALTED", "Batch processing was halted because an earlier request failed")
_REFERENCE_ID = re.compile(r"\w+\Z", re.ASCII)
_QUERIES = re.compile(r"/services/data/v\d+\.0/(?:query|queryAll|composite/sobjects)\b")
_IN_COMPOSITE = re.compile(r"/services/data/v\d+\.0/(?:sobjects|query|queryAll|composite/sobjects|limits)\b")
_IN_GRAPH = re.compile(r"/services/data/v\d+\.0/sobjects/\w+(?:/[^/]+){0,2}/?\Z")
_BLOB = re.compile(r".*/sobjects/\w+/\w{15,18}/(?:Body|VersionData)\Z", re.IGNORECASE)


class Composite:
    """Answers composite, composite/batch and composite/graph by sending each part to the API."""

    def __init__(self, database: Database, dispatch: Dispatch) -> None:
        self._database = database
        self._dispatch = dispatch

    def run(self, call: Call, base: str) -> Response:
        """Run up to 25 requests that may refer to each other; with `allOrNone`, all of them or none."""
        content = _object(call)
        items = _requests(content, "compositeRequest", MOST_REQUESTS)
        if sum(_QUERIES.match(_url(item)) is not None for item in items) > MOST_QUERIES:
            raise _exceeded(f"{MOST_QUERIES} queries and collections")
        _require_references(items)
        responses, _ = self._together(call, items, _IN_COMPOSITE, all_or_none=content.get("allOrNone") is True)
        return json_response({"compositeResponse": [_part(item, responses[_reference(item)]) for item in items]})

    def batch(self, call: Call, base: str) -> Response:
        """Run up to 25 independent requests."""
        content = _object(call)
        results: list[Item] = []
        failed = False
        for item in _requests(content, "batchRequests", MOST_REQUESTS):
            if failed and content.get("haltOnError") is True:
                response = refused(_HALTED)
            else:
                url = f"/services/data/{_url(item).lstrip('/')}"
                response = self._send(call, {**item, "url": url, "body": item.get("richInput")}, None)
            failed = failed or response.status >= 400
            results.append({"statusCode": response.status, "result": _content(response)})
        return json_response({"hasErrors": failed, "results": results})

    def graph(self, call: Call, base: str) -> Response:
        """Run graphs of requests: each graph as a whole, in the order that its references demand."""
        graphs = _requests(_object(call), "graphs", MOST_GRAPHS)
        if len({json.dumps(graph.get("graphId")) for graph in graphs}) < len(graphs):
            raise Refusal(400, "INVALID_INPUT", "Each graph must have a graphId of its own")
        nodes = [_requests(graph, "compositeRequest", MOST_NODES) for graph in graphs]
        if sum(map(len, nodes)) > MOST_NODES:
            raise _exceeded(f"{MOST_NODES} nodes")
        return json_response({"graphs": [self._graph(call, *each) for each in zip(graphs, nodes, strict=True)]})

    def _graph(self, call: Call, graph: Item, items: list[Item]) -> Mapping[str, object]:
        _require_references(items)
        responses, whole = self._together(call, _sorted(items), _IN_GRAPH, all_or_none=True)
        parts = [_part(item, responses[_reference(item)]) for item in items]
        return {
            "graphId": graph.get("graphId"), "graphResponse": {"compositeResponse": parts}, "isSuccessful": whole,
        }  # fmt: skip

    def _together(
        self, call: Call, items: list[Item], allowed: re.Pattern[str], *, all_or_none: bool
    ) -> tuple[dict[str, Response], bool]:
        """Send each part in turn; return the responses by reference id, and whether all of them are good."""
        before = self._database.snapshot() if all_or_none else None
        responses: dict[str, Response] = {}
        results: dict[str, Json] = {}
        for item in items:
            try:
                ready = cast(Item, resolved(item, results))
                response = self._send(call, ready, allowed)
            except Refusal as refusal:
                response = refused(refusal)
            responses[_reference(item)] = response
            if response.status < 400:
                results[_reference(item)] = _content(response)
            elif before is not None:
                self._database.restore(before)
                halted = {_reference(each): refused(_ROLLED_BACK) for each in items}
                return halted | {_reference(item): response}, False
        return responses, all(response.status < 400 for response in responses.values())

    def _send(self, call: Call, item: Item, allowed: re.Pattern[str] | None) -> Response:
        """Send one part to the API."""
        path, query = read_target(_url(item))
        if (allowed is not None and not allowed.match(path)) or _BLOB.match(path):
            raise Refusal(400, "PROCESSING_HALTED", f"The resource is not supported in this request: {path}")
        body = item.get("body")
        headers = item.get("httpHeaders")
        given = {name.lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
        return self._dispatch(
            Call(
                method=str(item.get("method", "GET")).upper(), path=path, query=query,
                headers={"content-type": "application/json", **given},
                body=b"" if body is None else json.dumps(body).encode(), port=call.port,
            )
        )  # fmt: skip


def _object(call: Call) -> Item:
    content = call.json()
    if not isinstance(content, dict):
        raise Refusal(400, "JSON_PARSER_ERROR", "An object expected at [line:1, column:1]")
    return content


def _requests(content: Item, name: str, most: int) -> list[Item]:
    items = content.get(name)
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise Refusal(400, "JSON_PARSER_ERROR", f"{name} expected at [line:1, column:1]")
    if len(items) > most:
        raise _exceeded(f"{most} entries of {name}")
    return cast(list[Item], items)


def _require_references(items: list[Item]) -> None:
    """Refuse reference ids that are missing, double, or no words."""
    ids = [_reference(item) for item in items]
    if not all(map(_REFERENCE_ID.match, ids)):
        raise Refusal(400, "INVALID_INPUT", "referenceId must consist of letters, numbers and underscores")
    if len({*ids}) < len(ids):
        raise Refusal(400, "INVALID_INPUT", "Duplicate ReferenceId provided in the request.")


def _sorted(items: list[Item]) -> list[Item]:
    """Return a graph's nodes with those first that others refer to."""
    waiting, done = list(items), list[Item]()
    for _ in range(DEEPEST):
        known = {_reference(item) for item in done}
        ready = [item for item in waiting if {*referenced(item)} <= known]
        done += ready
        waiting = [item for item in waiting if item not in ready]
    if waiting:
        message = f"References go in a circle, to nowhere, or deeper than {DEEPEST} in node {_reference(waiting[0])}"
        raise Refusal(400, "INVALID_INPUT", message)
    return done


def _part(item: Item, response: Response) -> Mapping[str, object]:
    headers = {name: value for name, value in response.headers if name in {"Location", "ETag", "Last-Modified"}}
    return {
        "body": _content(response), "httpHeaders": headers, "httpStatusCode": response.status,
        "referenceId": _reference(item),
    }  # fmt: skip


def _content(response: Response) -> Json:
    return cast(Json, json.loads(response.body)) if response.body and response.content_type == JSON_TYPE else None


def _url(item: Item) -> str:
    return str(item.get("url", ""))


def _reference(item: Item) -> str:
    return str(item.get("referenceId", ""))


def _exceeded(what: str) -> Refusal:
    return Refusal(400, "LIMIT_EXCEEDED", f"The request has more than {what}")
