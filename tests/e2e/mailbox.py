"""A mailbox on a socket: takes SendGrid's calls, keeps every body, and says yes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@dataclass
class Mailbox:
    """What came, one entry a mail."""

    url: str
    mails: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def opened() -> Iterator[Mailbox]:
    """A mailbox for the time of a block."""
    mailbox = Mailbox("")

    class _Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            mailbox.mails.append(json.loads(body))
            self.send_response(202)
            self.send_header("X-Message-Id", f"m{len(mailbox.mails)}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's own name)
            """Nothing."""

    server = _Server(("127.0.0.1", 0), _Desk)
    mailbox.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield mailbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
