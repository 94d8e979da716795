"""The fifteen facts of real stores, each brought about in the emulated one and met by the connector."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from urllib.parse import urljoin

import requests

from connectors.base import CustomerRecord, Deletion, OrderRecord, Resource, Unauthorized
from connectors.sandbox import woo_acts, woo_checkouts, woo_coupons, woo_events
from connectors.sandbox.woo_acts import COUPONS, CUSTOMERS, ORDERS, PRODUCTS
from connectors.sandbox.woo_meta import write_meta
from connectors.sandbox.woo_rest import Call
from connectors.sandbox.woo_traits import POSTS
from connectors.storefronts.woocommerce.auth import authorize_url, read_callback
from connectors.storefronts.woocommerce.records import OwnerDemoted
from connectors.storefronts.woocommerce.webhook import verify
from tests.woo_matrix.shop import SIGNING, Shop, revive_key
from tests.woo_matrix.wire import Got

LONG = timedelta(days=900)


def delivery_id_repeats(shop: Shop) -> None:
    """1: one Delivery-ID for two products; the connector tells them apart."""
    woo_acts.change(shop.world, PRODUCTS, 601)
    woo_acts.change(shop.world, PRODUCTS, 602)
    got = shop.deliver()

    envelopes = [verify(one.headers, one.body, SIGNING) for one in got]
    assert len(got) == 2
    assert len({one.headers["X-Wc-Webhook-Delivery-Id"] for one in got}) == 1
    assert len({envelope.dedupe_key for envelope in envelopes}) == 2
    assert {envelope.shop for envelope in envelopes} == {shop.traits.home.lower()}


def failure_is_final(shop: Shop) -> None:
    """2: a delivery that failed is never repeated; the poll finds what it told."""
    with _answering(shop, 500):
        woo_acts.change(shop.world, ORDERS, 1000)
        tried = shop.deliver()
    again = shop.deliver()

    order = shop.world.orders[1000]
    since = order.updated_at(shop.world.now) - timedelta(seconds=1)
    page = shop.storefront.page(Resource.ORDERS, cursor=None, updated_since=since)
    assert (_topics(tried), again) == (["order.updated"], [])
    assert "1000" in {one.external_id for one in page.records if isinstance(one, OrderRecord)}


def seventh_failure_disables(shop: Shop) -> None:
    """3: the 7th failure in a row disables a webhook; one that is made anew counts from 0."""
    with _answering(shop, 503):
        for _ in range(6):
            woo_acts.change(shop.world, CUSTOMERS, 1)
            shop.deliver()
        after_six = shop.is_hook_active("customer.updated")
        woo_acts.change(shop.world, CUSTOMERS, 1)
        shop.deliver()
    after_seven = shop.is_hook_active("customer.updated")

    shop.subscribe("customer.updated")
    assert (after_six, after_seven) == (True, False)
    assert (shop.is_hook_active("customer.updated"), shop.failures("customer.updated")) == (True, 0)


def redirect_counts_as_success(shop: Shop) -> None:
    """4: 301 is a success that nobody follows, 303 a failure; so our URL is given to the letter."""
    counts = []
    for status in (301, 303):
        with _answering(shop, status):
            woo_acts.change(shop.world, PRODUCTS, 601)
            [got] = shop.deliver()
        counts.append(shop.failures("product.updated"))
        assert got.path == "/hooks/7/product.updated"

    woo_acts.change(shop.world, PRODUCTS, 601)
    shop.deliver()
    assert (counts, shop.failures("product.updated")) == ([0, 1], 0)


def ping_is_unsigned(shop: Shop) -> None:
    """5: the ping has no signature, and comes again with every delivery until it is answered with 200."""
    with _answering(shop, 204):
        shop.subscribe("order.restored")
        pings = shop.line.receiver.take()
        woo_acts.remove(shop.world, ORDERS, 1006, is_forced=False)
        woo_acts.restore(shop.world, ORDERS, 1006)
        shop.deliver()
    counts = [_count_pings(shop, 1006), _count_pings(shop, 1006)]

    assert [verify(ping.headers, ping.body, SIGNING).is_ping for ping in pings] == [True]
    assert not any(name.startswith("X-Wc-") for ping in pings for name in ping.headers)
    assert counts == [1, 0]


def store_calls_back_first(shop: Shop) -> None:
    """6: the ping comes before the store answers who made the webhook."""
    shop.line.receiver.take()
    shop.subscribe("product.created")
    [ping] = shop.line.receiver.take()

    assert int(ping.body.partition(b"=")[2]) not in ping.known
    assert shop.is_hook_active("product.created")


def body_may_be_an_error(shop: Shop) -> None:
    """7: a signed body may say that the resource is gone, or that its owner may not see it any more."""
    woo_acts.change(shop.world, CUSTOMERS, 5)
    woo_acts.remove(shop.world, CUSTOMERS, 5, is_forced=True)
    gone = [one for one in shop.deliver() if one.path.endswith("customer.updated")]
    role = shop.traits.role
    shop.become(role="subscriber")
    woo_acts.change(shop.world, ORDERS, 1001)
    [demoted] = shop.deliver()
    shop.become(role=role)

    assert [json.loads(one.body)["data"]["status"] for one in gone] == [404]
    assert [shop.read(one) for one in gone] == [[]]
    assert _raises(OwnerDemoted, lambda: shop.read(demoted))


def deletions_lie(shop: Shop) -> None:
    """8: trashing one thing tells of others before 11.x; a look-up says what is true."""
    voucher = {"code": "matrix-1", "amount": "5.00", "discount_type": "fixed_cart"}
    coupon = _sent_coupon(shop, voucher)
    told = {}
    for resource, number in ((ORDERS, 1002), (PRODUCTS, 602), (COUPONS, coupon)):
        woo_acts.remove(shop.world, resource, number, is_forced=False)
        got = [one for one in shop.deliver() if one.path.endswith(".deleted")]
        told[resource] = sorted(_topics(got))
        _check_deletions(shop, got)

    lies = shop.traits.lies_of_deletions
    on_posts = lies and shop.traits.storage == POSTS
    both = ["coupon.deleted", "product.deleted"]
    assert told[ORDERS] == sorted(["order.deleted", *(both if on_posts else [])])
    assert told[PRODUCTS] == (both if lies else ["product.deleted"])
    assert told[COUPONS] == (both if lies else ["coupon.deleted"])
    assert shop.storefront.fetch(Resource.ORDERS, "1002") is None
    assert shop.storefront.fetch(Resource.PRODUCTS, "601") is not None


def deletion_for_good_is_silent(shop: Shop) -> None:
    """9: what is deleted for good sends nothing; the ids that are listed show it."""
    woo_acts.remove(shop.world, ORDERS, 1003, is_forced=True)
    woo_acts.remove(shop.world, PRODUCTS, 603, is_forced=True)

    assert shop.deliver() == []
    assert shop.storefront.present(Resource.ORDERS, ["1003", "1004"]) == {"1004"}
    assert shop.storefront.present(Resource.PRODUCTS, ["603", "604"]) == {"604"}
    assert shop.storefront.fetch(Resource.ORDERS, "1003") is None


def updated_comes_first(shop: Shop) -> None:
    """10: a checkout sends the change before the creation, and both show the order as it is."""
    woo_acts.check_out(shop.world, 1004, woo_checkouts.PLACED)
    got = shop.deliver()

    assert _topics(got) == ["order.updated", "order.created"]
    assert shop.read(got[0]) == shop.read(got[1])
    assert [one.is_paid for one in shop.read(got[0]) if isinstance(one, OrderRecord)] == [True]


def drafts_are_no_orders(shop: Shop) -> None:
    """11: an open checkout is told and listed as an order; the connector calls it a draft."""
    found = []
    for step in (woo_checkouts.OPENED, woo_checkouts.TYPED):
        woo_acts.check_out(shop.world, 1005, step)
        [got] = shop.deliver()
        found += [one for one in shop.read(got) if isinstance(one, OrderRecord)]
    listed = shop.storefront.fetch(Resource.ORDERS, "1005")
    woo_acts.check_out(shop.world, 1005, woo_checkouts.PLACED)
    shop.deliver()

    assert [(one.status, one.is_paid, one.customer is None) for one in found] == [
        ("draft", False, True),
        ("draft", False, False),
    ]
    assert isinstance(listed, OrderRecord)
    assert listed.status == "draft"


def callback_names_no_store(shop: Shop) -> None:
    """12: the approval posts keys without the store's address; our own word comes back unchanged."""
    state, callback = "nonce-1.AbC_~9", f"http://{shop.line.here}/hooks/callback"
    asked = authorize_url(
        shop.url, app_name="Ritorno", user_id=state, return_url=callback, callback_url=callback
    )
    trusted = str(shop.line.certificate)
    page = requests.get(asked, verify=trusted, timeout=10)
    link = re.search(r'href="([^"]+)" class="[^"]*wc-auth-approve', page.text)
    assert link is not None
    approve = urljoin(asked, unescape(link.group(1)))
    requests.get(approve, verify=trusted, timeout=10, allow_redirects=False)
    [posted] = shop.line.receiver.take()

    pair = read_callback(posted.body)
    assert (pair.state, pair.permissions) == (state, "read_write")
    assert shop.line.here.encode() not in posted.body


def revoked_key_goes_on_sending(shop: Shop) -> None:
    """13: a revoked key does not stop webhooks; the next call is turned away."""
    revive_key(shop.world, is_revoked=True)
    woo_acts.change(shop.world, ORDERS, 1001)
    got = shop.deliver()
    is_refused = _raises(Unauthorized, lambda: shop.storefront.count(Resource.ORDERS))
    revive_key(shop.world)

    assert _topics(got) == ["order.updated"]
    assert is_refused
    assert shop.storefront.count(Resource.ORDERS)


def customers_are_read_whole(shop: Shop) -> None:
    """14: customers know no "modified after", and are listed as a whole."""
    later = shop.world.now + LONG
    page = shop.storefront.page(Resource.CUSTOMERS, cursor=None, updated_since=later)

    assert {"1", "3"} <= {one.external_id for one in page.records if isinstance(one, CustomerRecord)}


def hidden_meta(shop: Shop) -> None:
    """15: keys that begin with "_" show on orders and never on customers."""
    born = [{"key": "_billing_birthdate", "value": "1988-11-22"}]
    write_meta(shop.world, ORDERS, 1000, born)
    write_meta(shop.world, CUSTOMERS, 1, born)
    order = shop.storefront.fetch(Resource.ORDERS, "1000")
    customer = shop.storefront.fetch(Resource.CUSTOMERS, "1")

    assert isinstance(order, OrderRecord)
    assert order.customer is not None
    assert (order.customer.birth_month, order.customer.birth_day) == (11, 22)
    assert isinstance(customer, CustomerRecord)
    assert customer.birth_month is None


FACTS: Sequence[Callable[[Shop], None]] = (
    delivery_id_repeats,
    failure_is_final,
    seventh_failure_disables,
    redirect_counts_as_success,
    ping_is_unsigned,
    store_calls_back_first,
    body_may_be_an_error,
    deletions_lie,
    deletion_for_good_is_silent,
    updated_comes_first,
    drafts_are_no_orders,
    callback_names_no_store,
    revoked_key_goes_on_sending,
    customers_are_read_whole,
    hidden_meta,
)


@contextmanager
def _answering(shop: Shop, status: int) -> Iterator[None]:
    """The app's side answers so for a while."""
    shop.line.receiver.status = status
    try:
        yield
    finally:
        shop.line.receiver.status = 200


def _topics(got: Sequence[Got]) -> list[str]:
    return [one.headers["X-Wc-Webhook-Topic"] for one in got]


def _count_pings(shop: Shop, basket: int) -> int:
    """How many pings come with one delivery of a restored order."""
    woo_acts.restore(shop.world, ORDERS, basket)
    woo_events.run_queue(shop.world)
    return sum(one.body.startswith(b"webhook_id=") for one in shop.line.receiver.take())


def _sent_coupon(shop: Shop, voucher: dict[str, str]) -> int:
    call = Call(shop.world, "/coupons", {}, voucher)
    return int(woo_coupons.create_coupon(call).body["id"])


def _check_deletions(shop: Shop, got: Sequence[Got]) -> None:
    """Coupons' deletions are passed over; any other is only a doubt, which a look-up settles."""
    for one in got:
        found = shop.read(one)
        if one.path.endswith("coupon.deleted"):
            assert found == []
            continue
        [deletion] = found
        assert isinstance(deletion, Deletion)
        assert shop.storefront.fetch(deletion.resource, deletion.external_id) is None


def _raises(kind: type[Exception], act: Callable[[], object]) -> bool:
    try:
        act()
    except kind:
        return True
    return False
