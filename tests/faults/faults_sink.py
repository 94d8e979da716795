"""A provider of mails that takes its time, and knows to the moment when each call to it began."""

import asyncio
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from tests.webhooks.webhooks_process import free_port

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"mid": ?"(\d+)"')
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: %b.recvd\r\nContent-Length: 0\r\n\r\n"
_FOR_EVER = 600.0


@dataclass
class SlowSink:
    """Answers after one of some waits.

    Attributes:
        waits: seconds and how often they are; None is no answer at all.
        begun: when each call for a message began to arrive, by the message's number; monotonic seconds.
    """

    waits: Sequence[tuple[float | None, float]]
    begun: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            while first := await reader.read(1):
                began_at = time.monotonic()
                head = first + await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                named = _ID.search(body)
                if named:
                    self.begun[int(named[1])].append(began_at)
                await asyncio.sleep(self._wait())
                writer.write(_ACCEPTED % (named[1] if named else b"-"))

    def _wait(self) -> float:
        seconds, weights = zip(*self.waits, strict=True)
        (found,) = self.chance.choices(seconds, weights)
        return _FOR_EVER if found is None else found


@contextmanager
def slow_sink(waits: Sequence[tuple[float | None, float]]) -> Iterator[tuple[SlowSink, str]]:
    """Such a provider for the time of a block, and its address."""
    sink, port, is_over = SlowSink(waits), free_port(), threading.Event()

    async def run() -> None:
        async with await asyncio.start_server(sink.serve, "127.0.0.1", port, backlog=1024):
            await asyncio.to_thread(is_over.wait)

    thread = threading.Thread(target=asyncio.run, args=[run()])
    thread.start()
    try:
        yield sink, f"http://127.0.0.1:{port}"
    finally:
        is_over.set()
        thread.join()
