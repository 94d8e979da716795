"""Deliveries without end, each sent until it is acknowledged, as a platform does it."""

import http.client
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from tests.webhooks.webhooks_process import pause
from tests.webhooks.webhooks_shops import Delivery, shopify_body, shopify_delivery

_RETRY_SECONDS = 0.02


class Load:
    """A few senders, each with one delivery under way, over kept-open connections.

    Attributes:
        acknowledged: the webhook ids that were answered 200.
        refused: other statuses that were seen.
    """

    def __init__(self, port: int, domain: str, senders: int, first: int = 0) -> None:
        self._port = port
        self._domain = domain
        self._body = shopify_body("orders/create")
        self._numbers = count(first)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(senders)]
        self.acknowledged: set[str] = set()
        self.refused: set[int] = set()

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more, once everything under way is acknowledged."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._stopping.is_set():
            webhook_id = f"load-{next(self._numbers)}"
            delivery = shopify_delivery(self._domain, "orders/create", self._body, webhook_id=webhook_id)
            while (status := _post(connection, delivery)) != 200:
                self.refused |= {status} - {0}
                pause(_RETRY_SECONDS)
            self.acknowledged.add(webhook_id)
        connection.close()


def _post(connection: http.client.HTTPConnection, delivery: Delivery) -> int:
    """The status, 0 when no answer came."""
    try:
        connection.request("POST", delivery.path, delivery.body, dict(delivery.headers))
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        with suppress(OSError):
            connection.close()
        return 0
    return answer.status


def repeated(keys: Sequence[str]) -> set[str]:
    """What stands there more than once."""
    seen: set[str] = set()
    return {key for key in keys if key in seen or seen.add(key)}  # type: ignore[func-returns-value]
