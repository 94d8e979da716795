"""Senders that mean harm: five hundred that never come to an end, and bodies without one."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.bars.sizes import Note, asked
from tests.engines import SQLITE
from tests.faults.faults_books import tell
from tests.webhooks.webhooks_process import (
    EMBEDDED,
    HOSTED,
    Serving,
    exchange,
    head,
    pause,
    serving,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
MIB = 1024 * 1024
SLOW, ASKED = 500, asked(100, quick=20)
both_servers = pytest.mark.parametrize("arguments", [EMBEDDED, HOSTED], ids=["embedded", "hosted"])


@pytest.mark.parametrize("engine", [SQLITE])
@both_servers
def test_five_hundred_slow_senders_keep_nobody_waiting(
    database_url: str, tmp_path: Path, arguments: tuple[str, ...], record_property: Note
) -> None:
    with serving(database_url, arguments, tmp_path) as served:
        _answered(served)
        before = _memory(served)
        with _slow_senders(served.port, SLOW):
            times = sorted(_answered(served) for _ in range(ASKED))
            grown = _memory(served) - before

    p99 = times[ASKED * 99 // 100 - 1]
    figures = f"{ASKED} answers, p99 {p99 * 1000:.0f} ms, +{grown / MIB:.0f} MiB"
    tell(f"{SLOW} slow senders, {arguments[0]}: {figures}")
    record_property("slow senders", SLOW)
    record_property("p99 of others, ms", round(p99 * 1000))
    record_property("memory grown by, MiB", round(grown / MIB))
    # A bar of the product, not a timing: a server with a thread for each of them never answers.
    assert p99 < 1.0
    assert grown < 50 * MIB


@pytest.mark.parametrize("engine", [SQLITE])
@pytest.mark.parametrize("length", ["announced", "chunked"])
@both_servers
def test_two_hundred_mebibytes_are_cut_and_cost_no_memory(
    database_url: str, tmp_path: Path, arguments: tuple[str, ...], length: str, record_property: Note
) -> None:
    announced = (
        ("Content-Length", str(200 * MIB)) if length == "announced" else ("Transfer-Encoding", "chunked")
    )
    with serving(database_url, arguments, tmp_path) as served:
        _answered(served)
        before = _memory(served)
        taken = [_taken(served.port, head("POST", "/webhooks/shopify", [announced])) for _ in range(4)]
        grown = _memory(served) - before
        _answered(served)

    tell(f"200 MiB {length}, {arguments[0]}: {max(taken) / MIB:.1f} MiB taken, +{grown / MIB:.1f} MiB")
    record_property("of 200 MiB sent until cut off, MiB", round(max(taken) / MIB, 1))
    record_property("memory grown by, MiB", round(grown / MIB))
    # Besides the cap of 2 MiB only what the sockets' buffers hold on both sides.
    assert max(taken) < 16 * MIB
    assert grown < 50 * MIB


@contextmanager
def _slow_senders(port: int, count: int) -> Iterator[None]:
    """Half of them stop in their headers, half in their body; all send a byte now and then."""
    ended = threading.Event()
    with ExitStack() as open_ones:
        slow = [
            open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            for _ in range(count)
        ]
        for number, one in enumerate(slow):
            whole = head("POST", "/webhooks/shopify", [("Content-Length", "5000")])
            one.sendall(whole[:-2] if number % 2 else whole + b"{")
        dripping = threading.Thread(target=_drip, args=(slow, ended))
        dripping.start()
        # What they began is in the server's hands before anybody else asks.
        pause(1.0)
        yield
        ended.set()
        dripping.join()


def _drip(slow: list[socket.socket], ended: threading.Event) -> None:
    while not ended.wait(1.0):
        for number, one in enumerate(slow):
            # A server may have lost its patience with some of them, which is its right.
            with suppress(OSError):
                one.sendall(b"X-A: b\r\n" if number % 2 else b" ")


def _answered(served: Serving) -> float:
    begun = time.monotonic()
    assert exchange(served.port, head("GET", "/healthz", [])).status == 200
    return time.monotonic() - begun


def _taken(port: int, request: bytes) -> int:
    """How many bytes of an endless body the server lets itself be sent."""
    part = b"%x\r\n%b\r\n" % (65536, b"x" * 65536)
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        with suppress(OSError):
            while sent < 200 * MIB:
                connection.sendall(part)
                sent += len(part)
    return sent


def _memory(served: Serving) -> int:
    """Bytes that the process and all that it started hold."""
    pids, total = [served.process.pid], 0
    while pids:
        pid = pids.pop()
        pids += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    return total
