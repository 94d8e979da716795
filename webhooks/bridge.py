"""What is no delivery, under an ASGI server: Flask answers it on a thread, its body read before."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from app.errors import Busy
from webhooks.answers import TOO_LARGE, Answer, too_busy
from webhooks.bodies import Bodies, BodyRefused, Receive, Scope
from webhooks.door import MAX_BODY_BYTES, WsgiApp
from webhooks.front import Send


@dataclass(slots=True)
class _Reply:
    """What the WSGI app answers."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def start(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        """WSGI's start_response."""
        self.status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._write

    def _write(self, part: bytes) -> None:
        self.body += part


class WsgiBridge:
    """An ASGI app that answers by a WSGI app. Answers are collected: our pages are small."""

    def __init__(self, app: WsgiApp, threads: Executor) -> None:
        self._app = app
        self._threads = threads
        self._bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is no HTTP request is left alone."""
        if scope["type"] != "http":
            return
        reply = await self._reply(scope, receive)
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(self, scope: Scope, receive: Receive) -> _Reply:
        try:
            body = await self._bodies.read(scope, receive)
        except BodyRefused as refused:
            if refused.answer is TOO_LARGE:
                # The app goes by the announced length, reads nothing, and tells it in the reader's language.
                return await self._answer(scope, b"", MAX_BODY_BYTES + 1)
            return _told(refused.answer)
        except Busy as busy:
            return _told(too_busy(busy))
        try:
            return await self._answer(scope, body, len(body))
        finally:
            self._bodies.let_go(body)

    async def _answer(self, scope: Scope, body: bytes, length: int) -> _Reply:
        environ = environ_of(scope, body) | {"CONTENT_LENGTH": str(length)}
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._call, environ)

    def _call(self, environ: dict[str, Any]) -> _Reply:
        reply = _Reply()
        parts: Iterable[bytes] = self._app(environ, reply.start)
        try:
            reply.body += b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        return reply


def environ_of(scope: Scope, body: bytes) -> dict[str, Any]:
    """The WSGI environment of an ASGI request. Headers whose names hold an underscore are dropped."""
    server, client = scope.get("server") or ("", None), scope.get("client") or ("", None)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0] or "127.0.0.1",
        "SERVER_PORT": str(server[1] or 80),
        "REMOTE_ADDR": client[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    return environ | _header_variables(scope["headers"])


_OF_THE_BODY = frozenset({"content-length", "transfer-encoding"})
"""How a body came. It is whole by then: who hears that it comes in chunks reads none of it."""


def _header_variables(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """`HTTP_…` variables; a header given twice is joined, cookies by a semicolon."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "content-type":
            found["CONTENT_TYPE"] = value
        elif name not in _OF_THE_BODY and "_" not in name:
            key = "HTTP_" + name.upper().replace("-", "_")
            joint = "; " if name == "cookie" else ","
            found[key] = f"{found[key]}{joint}{value}" if key in found else value
    return found


def _told(answer: Answer) -> _Reply:
    return _Reply(answer.code, answer.raw_headers, answer.body)
