"""What an operator may have watched besides the logs: spans by OpenTelemetry, surprises by Sentry.

Both are off, and neither package is loaded, until a setting names where to tell of them. What is told holds
names of ours, numbers and ids: never an address, a path or a text that came from outside.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, Protocol

from app.errors import AppError

Fact = str | int | bool


class Span(Protocol):
    """Something that is under way, and may be told more of."""

    def note(self, **facts: Fact) -> None:
        """Say more of it."""

    def rest(self) -> None:
        """It came to nothing: tell nobody of it."""


class Watch(Protocol):
    """One way of being watched."""

    def close(self) -> None:
        """Tell what is not told yet."""


class SpanWatch(Watch, Protocol):
    """Tells of spans."""

    def open(self, name: str, facts: Mapping[str, Fact]) -> AbstractContextManager[Span]:
        """Something begins, within whatever is under way here."""


class SurpriseWatch(Watch, Protocol):
    """Tells of surprises."""

    def report(self, error: Exception) -> None:
        """Something went wrong that no code of ours foresaw."""


class _Unwatched:
    def note(self, **facts: Fact) -> None:
        pass

    def rest(self) -> None:
        pass


_NOTHING = nullcontext(_Unwatched())
_spans: SpanWatch | None = None
_surprises: SurpriseWatch | None = None
_REPORTED = "ritorno_reported"


def begin(*, spans_to: str, surprises_to: str) -> None:
    """Watch this process from here on; call it after any fork.

    Args:
        spans_to: where a collector takes OTLP over HTTP, without `/v1/traces`; none if empty.
        surprises_to: Sentry's DSN; none if empty.

    Raises:
        AppError: a setting asks for what is not installed.
        ValueError: the DSN is none.
    """
    global _spans, _surprises
    _spans = _opened("app.spans", spans_to, "OTEL_EXPORTER_OTLP_ENDPOINT needs the extra `otel`")
    _surprises = _opened("app.surprises", surprises_to, "SENTRY_DSN needs the extra `sentry`")


def end() -> None:
    """Tell what is not told yet, and watch no longer; a few seconds at most."""
    global _spans, _surprises
    for watch in (_spans, _surprises):
        if watch is not None:
            watch.close()
    _spans = _surprises = None


def tells_spans() -> bool:
    """Whether anybody watches spans."""
    return _spans is not None


def span(name: str, **facts: Fact) -> AbstractContextManager[Span]:
    """A block of work as a span, if anybody watches; its log lines name its trace then."""
    return _NOTHING if _spans is None else _spans.open(name, facts)


def report(error: Exception) -> None:
    """Tell once of an error that nobody foresaw."""
    if _surprises is not None and _REPORTED not in vars(error):
        vars(error)[_REPORTED] = True
        _surprises.report(error)


def _opened(module: str, place: str, needed: str) -> Any:
    if not place:
        return None
    try:
        watch = import_module(module)
    except ModuleNotFoundError as error:
        raise AppError(f"{needed}: pip install -r requirements/watched.lock") from error
    return watch.Watch(place)
