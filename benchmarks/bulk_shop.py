"""The shop that a bulk history is read from: `PORT FILE LINES ORDERS`, or `PORT world HOUSEHOLDS`.

The first form answers for a file made before, so that the figure is the product's alone; the second is the
sandbox, whose work counts.
"""

import json
import sys
import tempfile
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import waitress

from connectors.sandbox.config import WorldConfig
from connectors.sandbox.server import create_app, open_world

_PIECE = 1024 * 1024


class _Feeder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    path_of_file: Path
    lines = orders = 0

    def do_POST(self) -> None:
        """Answer the four questions of a history."""
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"data": self._answer(sent["query"])}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Serve the file from the byte asked for."""
        size = self.path_of_file.stat().st_size
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        with self.path_of_file.open("rb") as file:
            file.seek(start)
            try:
                while piece := file.read(_PIECE):
                    self.wfile.write(piece)
            except ConnectionError:
                self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, query: str) -> dict[str, Any]:
        if "bulkOperationRunQuery" in query:
            return {"started": {"bulkOperation": {"id": "gid://shopify/BulkOperation/1"}, "userErrors": []}}
        if "bulkOperation(" not in query:
            return {"total": {"count": self.orders}}
        state = {
            "status": "COMPLETED",
            "errorCode": None,
            "objectCount": str(self.lines),
            "rootObjectCount": str(self.orders),
            "fileSize": str(self.path_of_file.stat().st_size),
            "url": f"http://{self.headers['Host']}/file",
        }
        return {"operation": state}


def _feed(port: int, path: str, lines: str, orders: str) -> None:
    values = {"path_of_file": Path(path), "lines": int(lines), "orders": int(orders)}
    ThreadingHTTPServer(("127.0.0.1", port), type("Feeder", (_Feeder,), values)).serve_forever()


def _emulate(port: int, households: str) -> None:
    config = WorldConfig(first_started_at=datetime.now(UTC), households=int(households), days=700)
    with tempfile.TemporaryDirectory() as folder:
        simulation, app = open_world(Path(folder), config)
        simulation.advance(simulation.world.script.span.end)
        waitress.serve(create_app(simulation, app), host="127.0.0.1", port=port, threads=4)


if __name__ == "__main__":
    _port = int(sys.argv[1])
    if sys.argv[2] == "world":
        _emulate(_port, sys.argv[3])
    else:
        _feed(_port, *sys.argv[2:5])
