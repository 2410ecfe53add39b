"""Traces from a provider's notice to the webhook, with OpenTelemetry's API: nothing happens without an exporter.

An operator who installs an OpenTelemetry SDK (`opentelemetry-instrument postroom serve`) gets spans `notice`, `pull`,
`deliver`; the context travels with the events of the feed, as a W3C traceparent.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_tracer = trace.get_tracer("postroom")
_propagator = TraceContextTextMapPropagator()
_HEADER = "traceparent"


@contextmanager
def span(name: str, parent: str | None = None, **attributes: str | int) -> Iterator[Span]:
    """A span around the block; `parent` is the traceparent of the work that this follows from."""
    context = _propagator.extract({_HEADER: parent}) if parent else None
    with _tracer.start_as_current_span(name, context=context, attributes=attributes) as made:
        yield made


def traceparent() -> str | None:
    """The context of the current span; None when nobody records."""
    if not trace.get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(_HEADER)
