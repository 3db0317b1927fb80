"""The HTTP API does what its OpenAPI document says: operations are called with what fits and with what does not."""

from collections.abc import Generator, Mapping
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from uuid import uuid4

import httpx
import hypothesis
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import strategies as st

from orgsync.demo_org import DemoOrg
from orgsync.server import create_app
from tests.postgres_server import lasting_database
from tests.projects import credentials_for
from tests.raw_database import on_postgres
from tests.webhooks.receiver import receiving

from .connecting import connecting
from .serving import Served, contacts
from .test_new_connections import with_refresh_token

EXAMPLES = 10
DOCUMENT = create_app().openapi()


def can_be_wrong(operation: Mapping[str, Any]) -> bool:
    """Return whether there is a body or a parameter that not every text fits."""
    texts = [each["in"] == "path" and each["schema"]["type"] == "string" for each in operation.get("parameters", ())]
    return "requestBody" in operation or not all(texts)


OPERATIONS = [
    (method, path, fits)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    for fits in (True, False)
    if fits or can_be_wrong(operation)
]
NAMES = [f"{method} {path} {'fitting' if fits else 'unfitting'}" for method, path, fits in OPERATIONS]


@dataclass(frozen=True, slots=True)
class Api:
    """A served project: `there` is what is in it, by the parameters that mean it, `spare` what may be removed."""

    url: str
    token: str
    there: Mapping[str, Any]
    spare: Mapping[str, Any]
    bodies: Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Generator[Api]:
    """A served project with rows, a run, a job, webhooks and two connections."""
    folder = tmp_path_factory.mktemp("contract")
    with (
        lasting_database(f"contract_{uuid4().hex}") if on_postgres() else nullcontext("") as database,
        DemoOrg(contacts=25, accounts=5) as org,
        receiving() as receiver,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            connecting(folder, org, database_url=database, webhook_allow_private=["127.0.0.0/8"])
        ) as served,
    ):
        yield portal.call(prepared, served, receiver.url)


async def prepared(served: Served, receiver: str) -> Api:
    """Fill a project, and return what is in it."""
    await served.project.connections.connect("spare", credentials_for(served.sample.org))
    webhook, _ = await served.project.webhooks.add(receiver)
    spare, _ = await served.project.webhooks.add(receiver)
    run = await served.sample.run(contacts)
    job = {"name": "contacts", "connection": "acme"}
    async with await served.caller("run", name="runner") as caller:
        [posted] = (await caller.post("/api/v1/jobs?wait=30", json=job)).json()["jobs"]
    session, spare_session = [
        (await served.project.connect_sessions.create("globex", app_name="Acme CRM"))[0] for _ in range(2)
    ]
    [delivery] = await served.project.webhooks.deliveries(webhook.id, limit=1)
    return Api(
        served.url,
        await served.token("admin"),
        there={
            "name": "acme",
            "table": "contact",
            "path": "services/data/v62.0/limits",
            "run_id": run.id,
            "job_id": posted["id"],
            "webhook": webhook.id,
            "delivery": delivery.id,
            "session": session.id,
        },
        spare={"name": "spare", "webhook": spare.id, "session": spare_session.id},
        bodies={
            "/api/v1/jobs": job,
            "/api/v1/webhooks": {"url": receiver},
            "/api/v1/connections": with_refresh_token(served.sample.org),
            "/api/v1/connect-sessions": {"connection": "globex", "app_name": "Acme CRM"},
        },
    )


@pytest.mark.parametrize(("method", "path", "fits"), OPERATIONS, ids=NAMES)
def test_an_operation_answers_as_the_document_says(api: Api, method: str, path: str, fits: bool) -> None:
    answered: set[int] = set()

    @hypothesis.seed(13)  # the same calls each time
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[each for each in hypothesis.HealthCheck if isinstance(each, hypothesis.HealthCheck)],
    )
    @hypothesis.given(calls_of(api, method, path, fits=fits))
    def is_as_documented(case: Any) -> None:
        response = case.call(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"}, timeout=30)
        answered.add(response.status_code)
        case.validate_response(response, checks=what_is_checked())

    is_as_documented()
    if fits and ("/proxy/" not in path or method == "get"):  # what is there to be read is not there to be written
        assert min(answered) < 300, "no call was one that is carried out"


@cache
def described() -> Any:
    """Return the document as schemathesis reads it, without security: every call shows the token."""
    import schemathesis  # a second of CPU time, which collecting the tests does not need

    document = deepcopy(DOCUMENT)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    return schemathesis.openapi.from_dict(document)


@cache
def what_is_checked() -> list[Any]:
    """Return what is checked of each response."""
    import schemathesis.checks
    import schemathesis.specs.openapi.checks

    of_document: Any = schemathesis.specs.openapi.checks
    general: Any = schemathesis.checks
    return [
        general.not_a_server_error,
        of_document.status_code_conformance,
        of_document.content_type_conformance,
        of_document.response_headers_conformance,
        of_document.response_schema_conformance,
        of_document.negative_data_rejection,
    ]


def calls_of(api: Api, method: str, path: str, *, fits: bool) -> st.SearchStrategy[Any]:
    """Return calls of an operation: for anything, and for what there is; deletions and changes for what is spare."""
    from schemathesis.generation import GenerationMode

    operation, mode = described()[path][method], GenerationMode.POSITIVE if fits else GenerationMode.NEGATIVE
    there = {**api.there, **(api.spare if method in ("delete", "patch") else {})}
    here = {name: value for name, value in there.items() if f"{{{name}}}" in path}
    calls = [operation.as_strategy(mode)]
    if here:
        calls.append(operation.as_strategy(mode, path_parameters=here).map(without_a_new_name))
    if fits and method == "post" and path in api.bodies:
        calls.append(operation.as_strategy(mode, body=api.bodies[path]))
    return st.one_of(calls)


def without_a_new_name(case: Any) -> Any:
    """Keep the name of the spare connection, by which later calls find it."""
    body = cast("object", case.body)
    if case.method == "PATCH" and isinstance(body, dict):
        cast("dict[str, Any]", body).pop("name", None)
    return case


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("runs", "conection=acme", "there is no such parameter; did you mean connection?"),
        ("runs", "connection=acme&connection=globex", "it is one value, and came twice"),
        ("runs", "x=1", "there is no such parameter; there are: sync, action, connection, limit"),
        ("runs/1", "x=1", "there is no such parameter; this call takes none"),
    ],
)
def test_a_parameter_that_is_not_read_is_refused(api: Api, path: str, query: str, says: str) -> None:
    answer = httpx.get(f"{api.url}/api/v1/{path}?{query}", headers={"Authorization": f"Bearer {api.token}"})
    assert (answer.status_code, answer.json()["fields"][0]["message"]) == (422, says)
    assert answer.json()["fields"][0]["location"] == f"query.{query.partition('=')[0]}"
