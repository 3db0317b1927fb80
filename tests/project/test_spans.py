"""Spans as an application that has set up OpenTelemetry's SDK sees them."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from orgsync import Batches, Context, Record, sync
from orgsync.demo_org import DemoOrg
from orgsync.tracing import span
from tests.projects import project_at


class Contact(Record, table=True):
    last_name: str


@sync
def contacts(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact, where="LastName != 'Smith'")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What is exported; a process has one provider for good, so that this one's is put in its place for a test."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def attributes(of: ReadableSpan) -> Mapping[str, Any]:
    return dict(of.attributes or {})


async def test_a_run_is_a_span_above_those_of_its_requests(
    tmp_path: Path, org: DemoOrg, spans: InMemorySpanExporter
) -> None:
    async with project_at(tmp_path, org) as sample:
        spans.clear()
        run = await sample.run(contacts)
    *requests, whole = spans.get_finished_spans()
    assert (whole.name, whole.kind, whole.status.status_code) == ("sync contacts", SpanKind.INTERNAL, StatusCode.UNSET)
    assert attributes(whole) == {
        "orgsync.kind": "sync",
        "orgsync.name": "contacts",
        "orgsync.connection": "acme",
        "orgsync.run": run.id,
        "orgsync.outcome": "done",
        "orgsync.rows": run.added,
        "orgsync.api_calls": run.api_calls,
    }
    assert whole.context is not None
    assert {each.parent.span_id for each in requests if each.parent} == {whole.context.span_id}
    calls = [each for each in requests if attributes(each)["http.request.method"] == "GET"]
    assert len(calls) == run.api_calls
    assert {(each.name, each.kind) for each in calls} == {("GET", SpanKind.CLIENT)}
    host = org.login_url.partition("://")[2]
    for each in calls:
        said = attributes(each)
        assert said == {"http.request.method": "GET", "server.address": host, "http.response.status_code": 200}
    shown = "".join(each.to_json() for each in spans.get_finished_spans())
    assert "Smith" not in shown
    assert "Bearer" not in shown
    assert "/services" not in shown


async def test_a_run_that_fails_and_a_request_that_is_refused_say_so_by_a_code(
    tmp_path: Path, org: DemoOrg, spans: InMemorySpanExporter
) -> None:
    async with project_at(tmp_path, org) as sample:
        org.hide_object("Contact")
        outcome = await sample.outcome(contacts)
    assert outcome.problem is not None
    *requests, whole = spans.get_finished_spans()
    assert whole.status.status_code is StatusCode.ERROR
    assert (attributes(whole)["error.type"], attributes(whole)["orgsync.outcome"]) == (outcome.problem.code, "failed")
    assert [attributes(each).get("error.type") for each in requests][-1] == "404"
    assert not [each.events for each in (*requests, whole) if each.events]


def test_what_a_block_raises_is_named_by_its_class_alone(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="s3cret"), span("whole"):
        raise ValueError("s3cret")
    [found] = spans.get_finished_spans()
    assert attributes(found) == {"error.type": "ValueError"}
    assert "s3cret" not in found.to_json()


def test_where_nobody_has_set_up_an_sdk_nothing_is_imported() -> None:
    program = """
import sys
from orgsync.tracing import span
with span("whole", a="b") as note:
    note(c=1)
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_with_the_api_alone_no_span_is_begun() -> None:
    assert not trace.get_current_span().get_span_context().is_valid
    with span("whole"):
        assert not trace.get_current_span().get_span_context().is_valid
