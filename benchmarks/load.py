"""Load for P1 and clicks: requests over kept-open connections from one thread, and what was answered.

`python load.py '{"port": 8000, …}'` prints one line of JSON. A process of its own, so that its share of the
machine is known. Every delivery has a webhook id of its own; the body, and so its signature, is the same.
"""

import json
import selectors
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """What to send: `request` makes each by its number, `most` of them at the most."""

    port: int
    connections: int
    seconds: float
    request: Callable[[int], bytes]
    most: float = float("inf")


@dataclass(slots=True)
class Tally:
    """What came back."""

    statuses: dict[str, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    sent: int = 0


class Lane:
    """One connection with one request under way at a time."""

    def __init__(self, job: Job) -> None:
        self.socket = socket.create_connection(("127.0.0.1", job.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun = 0.0
        self._job = job
        self._answer = b""

    def send(self, number: int) -> None:
        """Send one request."""
        self.begun = time.perf_counter()
        self.socket.sendall(self._job.request(number))

    def receive(self) -> str | None:
        """The status once the whole answer is there, else None."""
        self._answer += self.socket.recv(65536)
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return None
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        if len(body) < length:
            return None
        self._answer = b""
        return lines[0][9:12].decode()


def run(job: Job) -> Tally:
    """Send for so many seconds, then wait for what is under way."""
    tally, selector = Tally(), selectors.DefaultSelector()
    end = time.perf_counter() + job.seconds
    for _ in range(job.connections):
        lane = Lane(job)
        selector.register(lane.socket, selectors.EVENT_READ, lane)
        lane.send(tally.sent)
        tally.sent += 1
    open_lanes = job.connections
    while open_lanes:
        for key, _ in selector.select():
            lane = key.data
            status = lane.receive()
            if status is None:
                continue
            now = time.perf_counter()
            tally.waits.append(now - lane.begun)
            tally.statuses[status] = tally.statuses.get(status, 0) + 1
            if now < end and tally.sent < job.most:
                lane.send(tally.sent)
                tally.sent += 1
            else:
                selector.unregister(lane.socket)
                lane.socket.close()
                open_lanes -= 1
    return tally


def main() -> None:
    """Do what the argument says, print what came of it."""
    told = json.loads(sys.argv[1])
    job = _visits(told) if "paths" in told else _deliveries(told)
    begun, cpu = time.perf_counter(), time.process_time()
    tally = run(job)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    waits = sorted(tally.waits)
    print(
        json.dumps(
            {
                "statuses": tally.statuses,
                "seconds": seconds,
                "cpu": cpu,
                "p50_ms": waits[len(waits) // 2] * 1000,
                "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
            }
        )
    )


def _deliveries(told: dict[str, Any]) -> Job:
    body = Path(told["body"]).read_bytes()
    head = "\r\n".join(
        [
            f"POST {told['path']} HTTP/1.1",
            "Host: x",
            *told["headers"],
            f"{told['id_header']}: {told['prefix']}-",
        ]
    ).encode()
    tail = f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    return Job(
        told["port"], told["connections"], told["seconds"], lambda number: b"%b%d%b" % (head, number, tail)
    )


def _visits(told: dict[str, Any]) -> Job:
    """A GET of each path in a file, each once."""
    tail = "\r\n".join([" HTTP/1.1", "Host: x", *told["headers"], "\r\n"])
    requests = [f"GET {path}{tail}".encode() for path in Path(told["paths"]).read_text().split()]
    return Job(told["port"], told["connections"], told["seconds"], requests.__getitem__, len(requests))


if __name__ == "__main__":
    main()
