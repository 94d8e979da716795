"""A provider for P5: takes mails over kept-open connections, waits as long as it is told, and counts them.

`python sink.py PORT LATENCY_MS` answers 202 as SendGrid does; `GET /counts` tells how many came, and how many
of them it had seen before, by the id that travels with the mail.
"""

import asyncio
import re
import sys

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"mid": ?"([^"]+)"')
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: %b.recvd\r\nContent-Length: 0\r\n\r\n"


class Sink:
    """Counts what comes."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency = latency_seconds
        self._seen: set[bytes] = set()
        self._again = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                body = await reader.readexactly(int(found[1])) if found else b""
                writer.write(await self._answer(head, body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET"):
            told = b"%d %d" % (len(self._seen), self._again)
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told)
        found = _ID.search(body)
        mid = found[1] if found else b""
        self._again += mid in self._seen
        self._seen.add(mid)
        if self._latency:
            await asyncio.sleep(self._latency)
        return _ACCEPTED % mid


async def main(port: int, latency_ms: float) -> None:
    """Serve until ended."""
    server = await asyncio.start_server(Sink(latency_ms / 1000).serve, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
