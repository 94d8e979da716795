"""What is not kept: forged, misdirected, too large, or no delivery at all."""

import hmac
import json
import socket
from contextlib import suppress

import pytest
from sqlalchemy import func, select

from app.inbox import EVENTS
from app.models import Store
from app.runtime import Runtime
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import CLIENT_SECRET, Serving, exchange, head
from tests.webhooks.webhooks_shops import (
    connect_shopify,
    connect_woocommerce,
    shopify_body,
    shopify_delivery,
    signature,
    woo_delivery,
    woo_path,
)

ORDER = shopify_body("orders/create")
MIB = 1024 * 1024


def _rows(runtime: Runtime) -> int:
    with runtime.database.read() as session:
        return session.execute(select(func.count()).select_from(EVENTS)).scalar_one()


@pytest.mark.parametrize(
    "given",
    [
        "",
        "AAAA",
        "not base64 at all ÿ",
        signature("another secret", ORDER),
        signature("", ORDER),
        signature(CLIENT_SECRET, ORDER + b" "),
        signature(CLIENT_SECRET, json.dumps(json.loads(ORDER)).encode()),
        hmac.digest(CLIENT_SECRET.encode(), ORDER, "sha256").hex(),
    ],
    ids=["none", "short", "no-base64", "other-secret", "empty-secret", "other-body", "re-serialised", "hex"],
)
def test_a_forged_shopify_delivery_is_answered_401_and_leaves_nothing(
    served: Serving, runtime: Runtime, given: str
) -> None:
    store = connect_shopify(runtime)
    genuine = shopify_delivery(store.domain, "orders/create", ORDER, webhook_id="forged")
    headers = [(name, given if name == "X-Shopify-Hmac-Sha256" else value) for name, value in genuine.headers]
    before = _rows(runtime)

    answer = served.post(genuine.path, headers, ORDER)

    assert answer.status == 401
    assert _rows(runtime) == before


@pytest.mark.parametrize("secret", ["", "another secret"])
def test_a_forged_woocommerce_delivery_is_answered_401_and_leaves_nothing(
    served: Serving, runtime: Runtime, secret: str
) -> None:
    store = connect_woocommerce(runtime)
    forged = woo_delivery(runtime, store, "order.updated", b'{"id":1}', secret=secret)
    before = _rows(runtime)

    answer = served.post(forged.path, forged.headers, forged.body)

    assert answer.status == 401
    assert _rows(runtime) == before


def test_a_body_signed_for_one_topic_does_not_pass_under_another(served: Serving, runtime: Runtime) -> None:
    store = connect_woocommerce(runtime)
    genuine = woo_delivery(runtime, store, "order.updated", b'{"id":1}')
    headers = [
        (name, "customer.deleted" if name == "X-WC-Webhook-Topic" else value)
        for name, value in genuine.headers
    ]

    answer = served.post(genuine.path, headers, genuine.body)

    assert answer.status == 401
    assert Inbox(runtime, store).rows() == []


def test_another_shops_signature_does_not_pass_at_this_shops_address(
    served: Serving, runtime: Runtime
) -> None:
    mine, other = connect_woocommerce(runtime), connect_woocommerce(runtime)
    genuine = woo_delivery(runtime, other, "order.updated", b'{"id":1}')

    answer = served.post(woo_path(mine), genuine.headers, genuine.body)

    assert answer.status == 401
    assert Inbox(runtime, mine).rows() == []


@pytest.mark.parametrize("topic", ["app/uninstalled", "shop/redact"])
def test_a_body_that_names_its_shop_does_not_pass_under_anothers_name(
    served: Serving, runtime: Runtime, topic: str
) -> None:
    mine, other = connect_shopify(runtime), connect_shopify(runtime)
    told = {**json.loads(shopify_body(topic)), "domain": other.domain, "myshopify_domain": other.domain}
    if topic == "shop/redact":
        told["shop_domain"] = other.domain
    swapped = shopify_delivery(mine.domain, topic, json.dumps(told).encode(), webhook_id=f"swap-{topic}")

    answer = served.post(swapped.path, swapped.headers, swapped.body)
    Inbox(runtime, mine).read()

    assert answer.status == 401
    assert Inbox(runtime, mine).rows() == []
    with runtime.database.read() as session:
        assert session.get_one(Store, mine.id).state == "connected"


def test_a_signed_delivery_for_a_shop_that_we_do_not_know_is_kept_and_ignored(
    served: Serving, runtime: Runtime
) -> None:
    stranger = shopify_delivery(
        "nobody.myshopify.com", "orders/create", ORDER, webhook_id=f"n-{_rows(runtime)}"
    )

    answer = served.post(stranger.path, stranger.headers, stranger.body)

    with runtime.database.read() as session:
        row = session.execute(select(EVENTS).order_by(EVENTS.c.id.desc()).limit(1)).one()
    assert answer.status == 200
    assert (row.store_id, row.status) == (0, "ignored")


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/woocommerce/1/wrong-path",
        "/webhooks/woocommerce/99999999/x",
        "/webhooks/woocommerce/١/x",
        "/webhooks/woocommerce/",
        "/webhooks/shopify/more",
        "/webhooks/",
    ],
)
def test_an_address_that_is_nobodys_is_answered_404(served: Serving, path: str) -> None:
    answer = exchange(
        served.port, head("POST", path.replace("١", "%D9%A1"), [("Content-Length", "2")]) + b"{}"
    )

    assert answer.status == 404


def test_deliveries_are_posted(served: Serving) -> None:
    answer = exchange(served.port, head("GET", "/webhooks/shopify", []))

    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


def test_a_body_of_two_mebibytes_is_kept(served: Serving, runtime: Runtime) -> None:
    store = connect_shopify(runtime)
    body = ORDER + b" " * (2 * MIB - len(ORDER))
    large = shopify_delivery(store.domain, "orders/create", body, webhook_id="large")

    answer = served.post(large.path, large.headers, body)

    assert answer.status == 200
    assert [len(row.body) for row in Inbox(runtime, store).rows()] == [2 * MIB]


@pytest.mark.parametrize("more", [1, 100 * MIB], ids=["a-byte", "100-mib"])
def test_a_longer_body_is_refused_by_its_announced_length(
    served: Serving, runtime: Runtime, more: int
) -> None:
    store = connect_shopify(runtime)
    body = ORDER + b" " * (2 * MIB + 1 - len(ORDER))
    large = shopify_delivery(store.domain, "orders/create", body, webhook_id="large")
    request = head("POST", large.path, [("Content-Length", str(2 * MIB + more)), *large.headers])

    answer = exchange(served.port, request + body)

    assert answer.status == 413
    assert Inbox(runtime, store).rows() == []


def test_a_longer_body_without_an_announced_length_is_cut_while_it_is_read(
    served: Serving, runtime: Runtime
) -> None:
    store = connect_shopify(runtime)
    body = ORDER + b" " * (2 * MIB + 1 - len(ORDER))
    large = shopify_delivery(store.domain, "orders/create", body, webhook_id="large")
    request = head("POST", large.path, [("Transfer-Encoding", "chunked"), *large.headers])
    parts = (body[start : start + 65536] for start in range(0, len(body), 65536))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)

    answer = exchange(served.port, request + chunks + b"0\r\n\r\n")

    assert answer.status == 413
    assert Inbox(runtime, store).rows() == []


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
@pytest.mark.parametrize(
    ("path", "language", "told"),
    [
        ("/app/lists", "it", "Troppo grande"),
        ("/app/flows/welcome/deactivate", "en", "Too large"),
        ("/u/anything", "it", "Troppo grande"),
        ("/api/v1/events", "it", '"status": 413'),
    ],
)
def test_who_posts_too_much_to_a_page_is_told_so_in_their_language(
    served: Serving, *, path: str, language: str, told: str, announced: bool
) -> None:
    body = b"x" * (2 * MIB + 1)
    length = ("Content-Length", str(len(body))) if announced else ("Transfer-Encoding", "chunked")
    request = head("POST", path, [length, ("Accept-Language", language)])
    sent = body if announced else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    answer = exchange(served.port, request + sent)

    assert answer.status == 413
    assert told in answer.body.decode()


def test_an_endless_body_is_cut_off_soon_after_the_cap(served: Serving) -> None:
    request = head("POST", "/webhooks/shopify", [("Transfer-Encoding", "chunked")])

    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(request)
        sent = _send_until_cut(connection, 200 * MIB)

    # Besides the cap only what the sockets' buffers hold on both sides is taken.
    assert sent < 16 * MIB


def test_a_body_without_an_announced_length_is_kept_as_it_is(served: Serving, runtime: Runtime) -> None:
    store = connect_shopify(runtime)
    delivery = shopify_delivery(store.domain, "orders/create", ORDER, webhook_id="chunked")
    request = head("POST", delivery.path, [("Transfer-Encoding", "chunked"), *delivery.headers])

    answer = exchange(served.port, request + b"%x\r\n%b\r\n0\r\n\r\n" % (len(ORDER), ORDER))

    assert answer.status == 200
    assert [row.body for row in Inbox(runtime, store).rows()] == [ORDER]


def test_what_follows_a_request_of_two_lengths_is_not_heard(served: Serving, runtime: Runtime) -> None:
    """Who stands before us may have gone by the other length: to it, the rest was another's request."""
    store = connect_shopify(runtime)
    first, second = (
        shopify_delivery(store.domain, "orders/create", ORDER, webhook_id=name)
        for name in ("first", "second")
    )
    lengths = [("Content-Length", "5"), ("Transfer-Encoding", "chunked")]
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ORDER), ORDER)
    hidden = head("POST", second.path, [("Content-Length", str(len(ORDER))), *second.headers]) + ORDER
    lasting = head("POST", first.path, [*lengths, *first.headers]).replace(b"Connection: close\r\n", b"")

    answer = exchange(served.port, lasting + chunked + hidden)

    assert answer.status == 200
    assert b"HTTP/1.1" not in answer.body
    assert [row.dedupe_key for row in Inbox(runtime, store).rows()] == ["first"]


def test_headers_with_underscores_do_not_pass_for_those_with_dashes(
    served: Serving, runtime: Runtime
) -> None:
    store = connect_shopify(runtime)
    delivery = shopify_delivery(store.domain, "orders/create", ORDER, webhook_id="underscores")
    headers = [(name.replace("-Hmac-", "_Hmac_"), value) for name, value in delivery.headers]

    answer = served.post(delivery.path, headers, ORDER)

    assert answer.status == 401
    assert Inbox(runtime, store).rows() == []


@pytest.mark.parametrize("name", ["X-Shopify-Shop-Domain", "X-Shopify-Topic", "X-Shopify-Hmac-Sha256"])
def test_a_header_that_is_there_twice_passes_for_neither(
    served: Serving, runtime: Runtime, name: str
) -> None:
    store, other = connect_shopify(runtime), connect_shopify(runtime)
    delivery = shopify_delivery(store.domain, "orders/create", ORDER, webhook_id="twice")
    again = {"X-Shopify-Shop-Domain": other.domain, "X-Shopify-Topic": "app/uninstalled"}

    answer = served.post(delivery.path, [*delivery.headers, (name, again.get(name, "AAAA"))], ORDER)

    assert answer.status == 401
    assert [*Inbox(runtime, store).rows(), *Inbox(runtime, other).rows()] == []


def _send_until_cut(connection: socket.socket, most: int) -> int:
    part = b"%x\r\n%b\r\n" % (65536, b"x" * 65536)
    sent = 0
    with suppress(BrokenPipeError, ConnectionResetError):
        while sent < most:
            connection.sendall(part)
            sent += 65536
    return sent
