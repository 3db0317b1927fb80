"""Actions that send several requests in one call. Paths are as in `org.get`: `sobjects/Contact/describe`."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, Field

from orgsync import ActionResult, Org, action

__all__ = ["composite", "composite_batch", "composite_graph"]

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


class BatchRequest(BaseModel, extra="forbid"):
    """A request that knows nothing of the others."""

    method: Method
    url: str
    body: Any = Field(None, validation_alias=AliasChoices("body", "richInput"))


class Request(BaseModel, extra="forbid"):
    """A request that others may refer to: its record's Id is `@{reference_id.id}`."""

    method: Method
    url: str
    reference_id: str = Field(validation_alias=AliasChoices("reference_id", "referenceId"))
    body: Any = None
    headers: dict[str, str] = Field({}, validation_alias=AliasChoices("headers", "httpHeaders"))


class Graph(BaseModel, extra="forbid"):
    """Requests of which all are carried out, or none."""

    id: str = Field(validation_alias=AliasChoices("id", "graphId"))
    requests: list[Request] = Field(validation_alias=AliasChoices("requests", "compositeRequest"))


class Response(BaseModel):
    """The response to one request; `reference_id` is the request's, None in a batch."""

    status: int
    body: Any
    reference_id: str | None = None


class Responses(ActionResult):
    """The responses to all requests, in their order."""

    responses: list[Response]

    @property
    def failure(self) -> str:
        """How many requests failed."""
        failed = sum(each.status >= 400 for each in self.responses)
        return f"{failed} of {len(self.responses)} requests failed."


class GraphResponse(BaseModel):
    """The responses to a graph's requests; where it did not succeed, none of them was carried out."""

    id: str
    success: bool
    responses: list[Response]


class GraphResponses(ActionResult):
    """The responses to all graphs."""

    graphs: list[GraphResponse]

    @property
    def failure(self) -> str:
        """How many graphs failed."""
        return f"{sum(not each.success for each in self.graphs)} of {len(self.graphs)} graphs were not carried out."


@action
async def composite(org: Org, requests: list[Request], all_or_none: bool = False) -> Responses:
    """Send up to 25 requests that may refer to each other; with all_or_none, all are carried out or none."""
    body: dict[str, Any] = {"allOrNone": all_or_none, "compositeRequest": [_sent(org, each) for each in requests]}
    return _responses((await org.post("composite", body))["compositeResponse"])


@action
async def composite_batch(org: Org, requests: list[BatchRequest], halt_on_error: bool = False) -> Responses:
    """Send up to 25 requests that know nothing of each other; with halt_on_error, none after one that fails."""
    sent: list[dict[str, Any]] = [
        {"method": each.method, "url": _path(org, each.url).removeprefix("/services/data/"), **_input(each)}
        for each in requests
    ]
    requested: dict[str, Any] = {"haltOnError": halt_on_error, "batchRequests": sent}
    body = await org.post("composite/batch", requested)
    found = [Response(status=each["statusCode"], body=each["result"]) for each in body["results"]]
    return Responses(success=all(each.status < 400 for each in found), responses=found)


@action
async def composite_graph(org: Org, graphs: list[Graph]) -> GraphResponses:
    """Send graphs of up to 500 requests: of each graph, all are carried out or none."""
    sent: list[Any] = [
        {"graphId": each.id, "compositeRequest": [_sent(org, one) for one in each.requests]} for each in graphs
    ]
    body = await org.post("composite/graph", {"graphs": sent})
    found = [
        GraphResponse(
            id=each["graphId"],
            success=each["isSuccessful"],
            responses=_responses(each["graphResponse"]["compositeResponse"]).responses,
        )
        for each in body["graphs"]
    ]
    return GraphResponses(success=all(each.success for each in found), graphs=found)


def _sent(org: Org, request: Request) -> dict[str, Any]:
    """Return a request as Salesforce takes it."""
    sent: dict[str, Any] = {
        "method": request.method,
        "url": _path(org, request.url),
        "referenceId": request.reference_id,
    }
    if request.body is not None:
        sent["body"] = request.body
    return {**sent, "httpHeaders": request.headers} if request.headers else sent


def _input(request: BatchRequest) -> dict[str, Any]:
    return {} if request.body is None else {"richInput": request.body}


def _path(org: Org, url: str) -> str:
    """Return a whole path."""
    return url if url.startswith("/services/") else f"/services/data/v{org.api_version}/{url.removeprefix('/')}"


def _responses(bodies: Sequence[dict[str, Any]]) -> Responses:
    found = [
        Response(status=each["httpStatusCode"], body=each["body"], reference_id=each["referenceId"]) for each in bodies
    ]
    return Responses(success=all(each.status < 400 for each in found), responses=found)
