"""Requests as bytes, several over one connection without waiting for answers."""

import socket

from tests.webhooks.webhooks_shops import Delivery


def raw(delivery: Delivery, *, body: bytes | None = None) -> bytes:
    """A delivery's request; with another body if one is given."""
    sent = delivery.body if body is None else body
    lines = [f"POST {delivery.path} HTTP/1.1", "Host: shop.test", f"Content-Length: {len(sent)}"]
    lines += [f"{name}: {value}" for name, value in delivery.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + sent


def statuses(port: int, requests: bytes, count: int) -> list[int]:
    """The statuses of all answers over one connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(requests)
        received = b""
        while received.count(b"HTTP/1.1 ") < count:
            part = connection.recv(65536)
            if not part:
                break
            received += part
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]
