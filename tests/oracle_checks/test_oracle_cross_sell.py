"""Cross-sell, worked out by hand."""

import pytest

from tests.oracle.catalogue import Pairs
from tests.oracle.journal import OrderFact, ProductFact, Shopper
from tests.oracle.model import StoreSettings
from tests.oracle.state import Order, Person, StoreMirror
from tests.oracle_checks.tiny import DAY, START, Tiny, at

LIVED = {"fulfilled": at("01-14 10:00"), "delivered": at("01-16 10:00")}
ONLY = ("cross_sell",)


@pytest.fixture
def buyer(tiny: Tiny) -> str:
    """Somebody who agreed to mail before the flows were switched on."""
    email = tiny.shopper(2, START - DAY, email_consent_at=START - DAY)
    tiny.read("shopify", "customers", [2], START)
    return email


def test_the_merchants_own_complement_is_offered_twice(tiny: Tiny, buyer: str) -> None:
    tiny.product(1, complements=[5])
    tiny.product(5)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert seen.steps(2) == {"X1": "sent 01-30 10:00", "X2": "sent 02-13 10:00"}
    assert seen.states(2) == {"cross_sell order:100": "completed"}
    assert seen.enrollment(2, "cross_sell", "order:100").entered_at == LIVED["delivered"]


def test_without_a_complement_it_is_over(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("01-31 00:00"), flows=ONLY)

    assert seen.steps(2) == {}
    assert seen.states(2) == {"cross_sell order:100": "completed"}


def test_a_complement_the_shop_does_not_have_is_not_offered(tiny: Tiny, buyer: str) -> None:
    tiny.product(1, complements=[5])
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert seen.steps(2) == {}


def test_shopifys_webhooks_do_not_carry_the_complements(tiny: Tiny, buyer: str) -> None:
    line = {"product_id": 1, "department": "Grocery", "category": "", "cross_sell_ids": [5]}
    tiny.fact("product.created", "shopify", START, line)
    tiny.deliver("shopify", "products/create", 1, START)
    tiny.product(5)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert seen.steps(2) == {}


@pytest.mark.parametrize(("cancelled", "is_offered"), [(None, False), (at("01-13 02:00"), True)])
def test_what_was_bought_before_is_not_offered(
    tiny: Tiny, buyer: str, cancelled: object, is_offered: bool
) -> None:
    tiny.product(1, complements=[5])
    tiny.product(5)
    tiny.order(99, 2, at("01-13 01:00"), lines=[(5, 100)], moments={"cancelled": cancelled})
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert ("X1" in seen.steps(2)) is is_offered


@pytest.mark.parametrize(
    ("placed", "state"),
    [
        ("01-16 10:00", "active"),
        ("01-16 10:01", "exited"),
        ("01-15 10:00", "active"),
    ],
)
def test_an_order_after_the_delivery_ends_it(tiny: Tiny, buyer: str, placed: str, state: str) -> None:
    tiny.product(1, complements=[5])
    tiny.product(5)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)
    tiny.order(101, 2, at(placed))

    seen = tiny.play(at("01-25 00:00"), flows=ONLY)

    assert seen.states(2) == {"cross_sell order:100": state}


def test_an_order_that_was_read_before_the_late_delivery_ends_it_too(tiny: Tiny, buyer: str) -> None:
    tiny.lost.add("fulfillments/update")
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)
    tiny.order(101, 2, at("01-16 11:00"))
    tiny.deliver("shopify", "fulfillment_events/create", 100, LIVED["delivered"], acked=at("01-16 16:00"))

    seen = tiny.play(at("01-25 00:00"), flows=ONLY)

    assert seen.states(2) == {"cross_sell order:100": "exited"}


def test_a_refund_ends_it_and_stops_what_waits(tiny: Tiny, buyer: str) -> None:
    tiny.product(1, complements=[5])
    tiny.product(5)
    moments = {"fulfilled": at("01-14 10:00"), "delivered": at("01-16 22:00"), "refunded": at("01-31 01:00")}
    tiny.order(100, 2, at("01-13 10:00"), moments=moments)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert seen.steps(2) == {"X1": "stopped trigger-false"}
    assert seen.states(2) == {"cross_sell order:100": "exited"}


def test_x2_goes_only_if_x1_left(tiny: Tiny) -> None:
    tiny.shopper(2, START - DAY, email_consent_at=at("02-01 10:00"))
    tiny.product(1, complements=[5])
    tiny.product(5)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert seen.steps(2) == {"X1": "stopped no-legal-basis"}
    assert seen.states(2) == {"cross_sell order:100": "completed"}


@pytest.mark.parametrize(("times", "is_offered"), [(20, True), (19, False)])
def test_twenty_common_orders_make_a_complement(tiny: Tiny, buyer: str, times: int, is_offered: bool) -> None:
    tiny.product(1)
    tiny.product(5)
    tiny.shopper(4, START - DAY)
    for number in range(times):
        tiny.order(200 + number, 4, at("01-13 10:00"), lines=[(1, 100), (5, 100)])
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert ("X1" in seen.steps(2)) is is_offered


def test_orders_that_do_not_count_or_come_after_the_slot_make_no_pair(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    tiny.product(5)
    tiny.shopper(4, START - DAY)
    for number in range(19):
        tiny.order(200 + number, 4, at("01-13 10:00"), lines=[(1, 100), (5, 100)])
    tiny.order(
        300, 4, at("01-13 10:00"), lines=[(1, 100), (5, 100)], moments={"cancelled": at("01-13 11:00")}
    )
    # X1 is due on 30 January at 10:00; the slot that adds this one runs on the 31st at 02:00.
    tiny.order(301, 4, at("01-30 03:00"), lines=[(1, 100), (5, 100)])
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert "X1" not in seen.steps(2)


def test_only_the_twelve_dearest_of_an_order_are_paired(tiny: Tiny, buyer: str) -> None:
    others = [(product, 500) for product in range(20, 31)]
    for product in (1, 19, *(product for product, _ in others)):
        tiny.product(product)
    tiny.shopper(4, START - DAY)
    for number in range(20):
        tiny.order(200 + number, 4, at("01-13 10:00"), lines=[(1, 900), *others, (19, 100)])
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-20 00:00"), flows=ONLY)

    assert seen.message(2, "X1").about == ("20",)


@pytest.mark.parametrize(("owns", "offered"), [([], "7"), ([7], "5"), ([5, 7], "6"), ([5, 6, 7], None)])
def test_what_most_buyers_of_what_is_owned_bought_wins(owns: list[int], offered: str | None) -> None:
    # Of the 60 who bought 1, 20 bought 5, 6 and 7 each; of the 20 who bought 2, all bought 7.
    mirror = StoreMirror(StoreSettings("shopify", "aurora.example"))
    pairs = Pairs(mirror)
    baskets = [[1, 5]] * 20 + [[5]] * 20 + [[1, 6]] * 20 + [[1, 2, 7]] * 20
    for number, products in enumerate(baskets):
        order = known_order(number, products)
        mirror.unpaired[number] = order
    mirror.products = {str(product): ProductFact(str(product), "", ()) for product in range(1, 10)}
    pairs.add_new()
    person = Person(SHOPPER, orders=[known_order(900, [1, 2]), known_order(901, owns)])

    found = pairs.complement(person.orders[0], person)

    assert found == offered


def test_equal_shares_go_to_the_lower_id_as_text() -> None:
    mirror = StoreMirror(StoreSettings("shopify", "aurora.example"))
    pairs = Pairs(mirror)
    for number in range(20):
        mirror.unpaired[number] = known_order(number, [1, 9, 10])
    mirror.products = {str(product): ProductFact(str(product), "", ()) for product in (1, 9, 10)}
    pairs.add_new()
    person = Person(SHOPPER, orders=[known_order(900, [1])])

    assert pairs.complement(person.orders[0], person) == "10"


SHOPPER = Shopper(
    household=2,
    platform="shopify",
    key="2",
    email="p2@example.com",
    phone="",
    country="IT",
    region="RM",
    birth=None,
    is_guest=False,
    registered_at=0,
    email_consent_at=None,
    withdrawn_at=None,
    sms_consent_at=None,
)


def known_order(basket: int, products: list[int]) -> Order:
    """A paid order of one piece each."""
    lines = [(str(product), 100) for product in products]
    fact = OrderFact(basket, "shopify", 2, 0, 100 * len(lines), 0, lines, None, paid_at=60)
    return Order(fact, is_known=True, placed_at=0, paid_at=60)
