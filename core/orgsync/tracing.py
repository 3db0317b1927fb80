"""Spans by the OpenTelemetry API, where the process has set up an SDK; elsewhere nothing is imported and nothing done.

Whoever traces has imported `opentelemetry.trace`: the application that sets up the SDK, or `opentelemetry-instrument`.
"""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

from .errors import OrgsyncError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

__all__ = ["Attribute", "Note", "is_traced", "span"]

Attribute: TypeAlias = str | int | None
"""What a span says; None is left out."""

Note: TypeAlias = Callable[..., None]
"""Adds to a span what is known later: `note(**attributes)`; with `error=` the span has failed."""

_API = "opentelemetry.trace"
_CHOSEN = "OTEL_PYTHON_TRACER_PROVIDER"


def is_traced() -> bool:
    """Return whether spans are seen by anybody."""
    return _tracer() is not None


@contextmanager
def span(name: str, *, kind: Literal["internal", "client"] = "internal", **attributes: Attribute) -> Generator[Note]:
    """Trace the block as a span; in the names of attributes `__` stands for a dot.

    What the block raises is named by its code or its class alone: a message or a traceback may hold anything.
    """
    tracer = _tracer()
    if tracer is None:
        yield _nothing
        return
    from opentelemetry.trace import SpanKind

    with tracer.start_as_current_span(
        name,
        kind=SpanKind[kind.upper()],
        attributes=_named(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:

        def note(*, error: str = "", **more: Attribute) -> None:
            _note(current, error, more)

        try:
            yield note
        except BaseException as problem:
            _note(current, problem.code if isinstance(problem, OrgsyncError) else type(problem).__name__, {})
            raise


def _tracer() -> "Tracer | None":
    """Return what makes spans; None where nobody would see them."""
    if _API not in sys.modules and _CHOSEN not in os.environ:
        return None
    try:
        from opentelemetry import trace
    except ImportError:  # the variable is set, and the package is not there
        return None
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider.get_tracer("orgsync")


def _note(current: "Span", error: str, attributes: dict[str, Attribute]) -> None:
    from opentelemetry.trace import StatusCode

    current.set_attributes(_named(attributes))
    if error:
        current.set_attribute("error.type", error)
        current.set_status(StatusCode.ERROR)


def _named(attributes: dict[str, Attribute]) -> dict[str, str | int]:
    return {name.replace("__", "."): value for name, value in attributes.items() if value is not None}


def _nothing(**_: Attribute) -> None:
    """Note nothing."""
