"""Spans by OpenTelemetry, told to a collector by OTLP over HTTP; loaded by `app.watching` alone.

The SDK reads its other standard settings itself: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and their kin.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, StatusCode
from structlog.contextvars import bound_contextvars

_ENDS_SECONDS = 5
_OURS = "ritorno."
_IDLE = "ritorno.idle"


class Watch:
    """Tells a collector of spans.

    Args:
        place: the collector's address, without `/v1/traces`.
    """

    def __init__(self, place: str) -> None:
        ours = Resource({"service.name": "ritorno", "service.version": version("ritorno")})
        self._provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
        exporter = OTLPSpanExporter(f"{place.rstrip('/')}/v1/traces", timeout=_ENDS_SECONDS)
        self._provider.add_span_processor(_OfWork(exporter))
        self._tracer = self._provider.get_tracer("ritorno")

    @contextmanager
    def open(self, name: str, facts: Mapping[str, str | int | bool]) -> Iterator["_Noted"]:
        """A span within the one that is under way here; what fails in it is told by its kind alone."""
        begun = self._tracer.start_as_current_span(
            name, attributes=_named(facts), record_exception=False, set_status_on_exception=False
        )
        with begun as span, ExitStack() as stack:
            stack.push(partial(_note_failure, span))
            trace = f"{span.get_span_context().trace_id:032x}"
            stack.enter_context(bound_contextvars(trace=trace))
            yield _Noted(span)

    def close(self) -> None:
        """Tell of what has ended; a collector that is away is not waited for."""
        self._provider.shutdown()


class _Noted:
    def __init__(self, span: Span) -> None:
        self._span = span

    def note(self, **facts: str | int | bool) -> None:
        self._span.set_attributes(_named(facts))

    def rest(self) -> None:
        self._span.set_attribute(_IDLE, value=True)


class _OfWork(BatchSpanProcessor):
    """A worker looks for work every second: of what it did not find nobody needs to hear."""

    def on_end(self, span: ReadableSpan) -> None:
        if not (span.attributes or {}).get(_IDLE):
            super().on_end(span)


def _note_failure(span: Span, kind: type[BaseException] | None, *_: object) -> None:
    if kind is not None:
        span.set_status(StatusCode.ERROR, kind.__name__)


def _named(facts: Mapping[str, str | int | bool]) -> dict[str, str | int | bool]:
    """`store` is a word of ours, `http.route` one of OpenTelemetry's."""
    return {name if "." in name else _OURS + name: value for name, value in facts.items()}
