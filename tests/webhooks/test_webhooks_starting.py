"""One process with its worker: what arrives while the rest of it still loads is kept, and worked on."""

from pathlib import Path

import pytest

from app.runtime import Runtime
from tests.engines import SQLITE
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import exchange, head, pause, serving
from tests.webhooks.webhooks_shops import connect_shopify, shopify_body, shopify_delivery

_TURNS, _TURN_SECONDS = 600, 0.05


@pytest.mark.parametrize("engine", [SQLITE])
def test_what_arrives_first_is_kept_at_once_and_worked_on_once_the_worker_is_loaded(
    runtime: Runtime, tmp_path: Path
) -> None:
    store = connect_shopify(runtime)
    delivery = shopify_delivery(store.domain, "orders/create", shopify_body("orders/create"), webhook_id="1")
    inbox = Inbox(runtime, store)

    with serving(runtime.database.url, (), tmp_path) as served:
        answer = served.post(delivery.path, delivery.headers, delivery.body)
        kept = len(inbox.rows())
        forwarded = exchange(served.port, head("GET", "/metrics", [("X-Forwarded-For", "8.8.8.8")]))
        for _ in range(_TURNS):
            if inbox.states() == ["done"]:
                break
            pause(_TURN_SECONDS)
        served.process.terminate()
        ended = served.process.wait(20)

    assert answer.status == 200
    assert forwarded.status == 403
    assert kept == 1
    assert inbox.states() == ["done"]
    assert ended == 0
