"""The WooCommerce that a history is read from: `PORT FILE`, or `PORT world HOUSEHOLDS`.

The first form answers pages of a file made before, so that the figure is the product's alone; the second is
the sandbox, whose work counts.
"""

import sys
import tempfile
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import waitress

from benchmarks.bodies import WOO_KEY, WOO_SECRET
from connectors.sandbox.config import Rates, WorldConfig
from connectors.sandbox.server import create_app, open_world


class _Feeder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    path_of_file: Path
    starts: tuple[int, ...] = ()

    def do_GET(self) -> None:
        """One page of the listing, or how long it is."""
        query = parse_qs(urlsplit(self.path).query)
        size, page = int(query["per_page"][0]), int(query.get("page", ["1"])[0])
        orders = len(self.starts) - 1
        body = b"[" + self._lines((page - 1) * size, min(page * size, orders)) + b"]"
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("X-WP-Total", str(orders))
        self.send_header("X-WP-TotalPages", str(-(-orders // size)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _lines(self, first: int, end: int) -> bytes:
        if first >= end:
            return b""
        with self.path_of_file.open("rb") as file:
            file.seek(self.starts[first])
            return file.read(self.starts[end] - self.starts[first]).rstrip(b"\n").replace(b"\n", b",")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _feed(port: int, path: Path) -> None:
    starts = [0]
    with path.open("rb") as file:
        for line in file:
            starts.append(starts[-1] + len(line))
    values = {"path_of_file": path, "starts": tuple(starts)}
    ThreadingHTTPServer(("127.0.0.1", port), type("Feeder", (_Feeder,), values)).serve_forever()


def _emulate(port: int, households: str) -> None:
    # Nobody leaves a checkout: a shop counts its drafts among its orders, and nobody mirrors them there.
    rates = Rates(abandoned=0)
    config = WorldConfig(
        first_started_at=datetime.now(UTC), households=int(households), days=700, rates=rates
    )
    with tempfile.TemporaryDirectory() as folder:
        simulation, app = open_world(Path(folder), config)
        simulation.advance(simulation.world.script.span.end)
        key = {
            "key_id": 1,
            "consumer_key": WOO_KEY,
            "consumer_secret": WOO_SECRET,
            "permissions": "read_write",
        }
        simulation.world.remember("woo_key", key)
        waitress.serve(create_app(simulation, app), host="127.0.0.1", port=port, threads=4)


if __name__ == "__main__":
    _port = int(sys.argv[1])
    if sys.argv[2] == "world":
        _emulate(_port, sys.argv[3])
    else:
        _feed(_port, Path(sys.argv[2]))
