"""Checkouts as Shopify tells them: webhooks carry no id, and the Admin API carries no token."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import CheckoutLineRecord, CheckoutRecord, Deletion, Resource, UnreadablePayload
from connectors.storefronts.shopify.checkouts import checkout_node, token_in
from connectors.storefronts.shopify.records import records

AT = datetime(2026, 10, 2, 7, 31, 5, tzinfo=UTC)
BEGUN = datetime(2022, 1, 1, tzinfo=UTC)
NUMBER = "981820079255243537"
LINK = "https://checkout.local/548380009/checkouts/123123123/recover?key=example-secret-token"
NODE: dict[str, Any] = {
    "id": "gid://shopify/AbandonedCheckout/981820079255243537",
    "name": "#981820079255243537",
    "createdAt": "2022-01-01T00:00:00Z",
    "updatedAt": "2022-01-01T00:00:00Z",
    "completedAt": None,
    "abandonedCheckoutUrl": LINK,
    "totalPriceSet": {"shopMoney": {"amount": "421.88", "currencyCode": "USD"}},
    "customer": {"id": "gid://shopify/Customer/603851970716743400", "locale": "en"},
    "lineItems": {
        "nodes": [
            {
                "title": "IPod Nano - 8GB",
                "quantity": 1,
                "product": {"id": "gid://shopify/Product/632910392"},
                "variant": None,
                "discountedTotalPriceSet": {"shopMoney": {"amount": "199.00", "currencyCode": "USD"}},
            }
        ]
    },
}

PayloadOf = Callable[[str], dict[str, Any]]


def read(payload: dict[str, Any], topic: str = "checkouts/update") -> list[Any]:
    return list(records(topic, json.dumps(payload).encode(), AT))


def test_a_checkout_is_read_whole(payload_of: PayloadOf) -> None:
    (found,) = read(payload_of("checkouts/create"))

    line = CheckoutLineRecord("632910392", "808950810", "IPod Nano - 8GB", 1, "199.00")
    assert found == CheckoutRecord(
        external_id=NUMBER,
        token="123123123",
        started_at=BEGUN,
        updated_at=BEGUN,
        currency="USD",
        total="421.88",
        lines=(line, line),
        customer_external_id="603851970716743400",
        email="example@email.com",
        recovery_url=LINK,
        accepts_email=False,
        accepts_sms=False,
    )


def test_the_admin_api_tells_of_the_same_checkout(payload_of: PayloadOf) -> None:
    (told,) = read(payload_of("checkouts/create"))

    node = checkout_node(NODE)

    same = ("external_id", "token", "started_at", "total", "currency", "customer_external_id", "recovery_url")
    assert [getattr(node, name) for name in same] == [getattr(told, name) for name in same]
    assert node.lines == (CheckoutLineRecord("632910392", None, "IPod Nano - 8GB", 1, "199.00"),)
    assert (node.email, node.accepts_email) == (None, None)


def test_who_finished_and_what_was_ticked_is_told(payload_of: PayloadOf) -> None:
    (found,) = read(payload_of("checkouts/update"))

    assert found.completed_at == datetime(2022, 1, 1, 0, 20, tzinfo=UTC)
    assert (found.email, found.phone, found.locale) == ("bob@example.com", "+16135550123", "en-CA")
    assert (found.customer_external_id, found.accepts_email) == (None, True)


def test_a_checkout_without_any_address_is_no_news(payload_of: PayloadOf) -> None:
    nobody = {"email": None, "phone": None, "customer": None}

    assert read(payload_of("checkouts/create") | nobody) == []


def test_a_checkout_without_a_name_is_known_by_its_token(payload_of: PayloadOf) -> None:
    (found,) = read(payload_of("checkouts/create") | {"name": None})

    assert found.external_id == "123123123"


def test_an_orders_body_is_no_checkout(payload_of: PayloadOf) -> None:
    with pytest.raises(UnreadablePayload):
        read(payload_of("orders/create"))


def test_a_deletion_names_the_checkout_by_its_number(payload_of: PayloadOf) -> None:
    assert read(payload_of("checkouts/delete"), "checkouts/delete") == [
        Deletion(Resource.CHECKOUTS, NUMBER, AT)
    ]


def test_an_order_names_the_checkout_that_it_completes(payload_of: PayloadOf) -> None:
    (order,) = read(payload_of("orders/create") | {"checkout_token": "123123123"}, "orders/create")

    assert order.checkout_token == "123123123"


@pytest.mark.parametrize(
    ("url", "token"),
    [
        (LINK, "123123123"),
        ("https://a.example/548/checkouts/ac/Z2NwLXVzLWNlbnRyYWwx/recover?key=x", "Z2NwLXVzLWNlbnRyYWwx"),
        ("https://a.example/cart", None),
        ("https://a.example/recover", None),
        ("https://[", None),
        (f"https://a.example/checkouts/{'x' * 129}/recover", None),
    ],
)
def test_a_link_that_restores_a_checkout_holds_its_token(url: str, token: str | None) -> None:
    assert token_in(url) == token
