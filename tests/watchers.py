"""Who watches an operator's processes: a collector of spans and a Sentry, both a server on the loopback."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

OTLP, ENVELOPES = "/v1/traces", "/envelope/"


@dataclass(frozen=True)
class ToldSpan:
    """A span as it arrived. `parent` is empty where a trace begins; `is_failed` as its status says."""

    name: str
    trace: str
    id: str
    parent: str
    is_failed: bool
    facts: dict[str, Any]


@dataclass
class Watchers:
    """What was posted to the server, whoever it is for."""

    port: int
    bodies: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def collector(self) -> str:
        """Where spans are told, as the setting has it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        """Where surprises are told."""
        return f"http://a-public-key@127.0.0.1:{self.port}/7"

    def raw(self) -> bytes:
        """All that was told, in one."""
        return b"\n".join(body for _, body in self.bodies)

    def spans(self) -> list[ToldSpan]:
        """The spans, in the order in which they came."""
        requests = [ExportTraceServiceRequest.FromString(body) for path, body in self.bodies if path == OTLP]
        return [
            ToldSpan(
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                span.status.code == span.status.STATUS_CODE_ERROR,
                {fact.key: _value(fact.value) for fact in span.attributes},
            )
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def surprises(self) -> list[dict[str, Any]]:
        """The events, as Sentry gets them."""
        posted = [body for path, body in self.bodies if path.endswith(ENVELOPES)]
        return [json.loads(body.splitlines()[2]) for body in posted]


@contextmanager
def watchers() -> Iterator[Watchers]:
    """Listen for the time of a block."""
    server = _Server(("127.0.0.1", 0), _Listener)
    found = server.found = Watchers(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    found: Watchers


class _Listener(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.found.bodies.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Say nothing."""


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
