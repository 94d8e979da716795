"""Surprises by Sentry; loaded by `app.watching` alone. Its SDK reads SENTRY_ENVIRONMENT itself.

An event is made anew of what may leave: the kind of the error, its way through the code, and the ids that
log lines name, too. An error's text stays here, for it may name somebody; so do variables and requests.
"""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import sentry_sdk
from sentry_sdk.transport import Transport
from structlog.contextvars import get_contextvars

_ENDS_SECONDS = 5.0
_OF_EVENT = ("event_id", "timestamp", "level", "platform", "environment", "release", "sdk", "tags")
_OF_ERROR = ("type", "module", "mechanism")
_OF_FRAME = ("filename", "function", "module", "lineno", "in_app", "context_line")
_IDS = ("request", "store", "inbound", "trace")
"""What of the log's context is told as tags: ids of ours."""


class Watch:
    """Tells Sentry of errors.

    Args:
        place: its DSN.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, place: str, transport: type[Transport] | None = None) -> None:
        sentry_sdk.init(
            dsn=place,
            release=f"ritorno@{version('ritorno')}",
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            send_client_reports=False,
            auto_session_tracking=False,
            before_send=_made_anew,
            transport=transport,
        )

    def report(self, error: Exception) -> None:
        """Send it, from a thread of Sentry's."""
        with sentry_sdk.new_scope() as scope:
            said = get_contextvars()
            for name in _IDS:
                if name in said:
                    scope.set_tag(name, str(said[name]))
            scope.capture_exception(error)

    def close(self) -> None:
        """Send what is not sent yet."""
        sentry_sdk.flush(timeout=_ENDS_SECONDS)
        sentry_sdk.get_client().close(timeout=0)


def _made_anew(event: Any, _hint: Any) -> Any:
    errors = event.get("exception", {}).get("values", ())
    return {**_only(event, _OF_EVENT), "exception": {"values": [_without_text(error) for error in errors]}}


def _without_text(error: dict[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", ())
    return {
        **_only(error, _OF_ERROR),
        "stacktrace": {"frames": [_only(frame, _OF_FRAME) for frame in frames]},
    }


def _only(told: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: told[name] for name in names if name in told}
