"""Consent and birthday: only by the merchant's mapping, from orders and from accounts."""

from datetime import UTC, datetime

import pytest

from connectors.base import ConsentRecord, ConsentState, CustomerRecord, OrderRecord
from connectors.storefronts.woocommerce.meta import PRESETS, MetaMapping
from connectors.storefronts.woocommerce.records import records
from tests.connectors.woocommerce.woo_wire import Deliveries, Delivery, buyer, only

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
BLOCK = MetaMapping(
    email_consent_key="_wc_other/localtest/marketing-opt-in, marketing_opt_in",
    birthday_key="_wc_other/localtest/birthday,birthday",
)


def order_with(captured: Delivery, mapping: MetaMapping, **meta: object) -> OrderRecord:
    rows = [{"id": 1, "key": key, "value": value} for key, value in meta.items()]
    return only(records(captured.topic, captured.payload(meta_data=rows), mapping, AT), OrderRecord)


def test_without_a_mapping_nobody_consents(each_delivery: Delivery) -> None:
    for record in records(each_delivery.topic, each_delivery.body, MetaMapping(), AT):
        person = getattr(record, "customer", None) or record
        assert getattr(person, "consents", ()) == ()
        assert getattr(person, "birth_month", None) is None


def test_a_box_ticked_at_checkout_is_consent_from_that_moment(delivery: Deliveries) -> None:
    ticked = delivery("storecheckoutacct_003_order_updated")

    order = only(records(ticked.topic, ticked.body, BLOCK, AT), OrderRecord)

    expected = ConsentRecord(
        "email",
        ConsentState.SUBSCRIBED,
        "consent",
        datetime(2026, 11, 22, 1, 57, 14, tzinfo=UTC),
        "order-meta:_wc_other/localtest/marketing-opt-in",
    )
    assert buyer(order).consents == (expected,)
    assert (buyer(order).birth_year, buyer(order).birth_month, buyer(order).birth_day) == (1990, 3, 4)


def test_the_moment_of_consent_does_not_move_with_the_order(delivery: Deliveries) -> None:
    ticked = delivery("storecheckoutacct_003_order_updated")
    later = ticked.payload(date_modified_gmt="2026-12-24T00:00:00")

    order = only(records("order.updated", later, BLOCK, AT), OrderRecord)

    assert buyer(order).consents[0].occurred_at == order.placed_at


@pytest.mark.parametrize("value", ["0", "", "no", None, [], {"yes": 1}, False])
def test_an_empty_box_at_checkout_withdraws_nothing(delivery: Deliveries, value: object) -> None:
    mapping = MetaMapping(email_consent_key="opt")

    order = order_with(delivery("hpos_014_order_updated"), mapping, opt=value)

    assert buyer(order).consents == ()


@pytest.mark.parametrize("value", ["1", 1, True, "yes", " YES ", "on", "true"])
def test_yes_is_said_in_many_ways(delivery: Deliveries, value: object) -> None:
    mapping = MetaMapping(sms_consent_key="opt")

    order = order_with(delivery("hpos_014_order_updated"), mapping, opt=value)

    assert [(found.channel, found.state) for found in buyer(order).consents] == [
        ("sms", ConsentState.SUBSCRIBED)
    ]


def test_a_draft_has_not_submitted_its_box(delivery: Deliveries) -> None:
    ticked = delivery("storecheckoutacct_003_order_updated")

    found = records("order.updated", ticked.payload(status="checkout-draft"), BLOCK, AT)
    order = only(found[-1:], OrderRecord)

    assert buyer(order).consents == ()


def test_an_account_says_yes_and_no(delivery: Deliveries) -> None:
    created, edited = delivery("hpos_006_customer_created"), delivery("hpos_010_customer_updated")

    agreed = only(records(created.topic, created.body, BLOCK, AT), CustomerRecord)
    withdrew = only(records(edited.topic, edited.body, BLOCK, AT), CustomerRecord)

    assert [(found.state, found.basis) for found in agreed.consents] == [(ConsentState.SUBSCRIBED, "consent")]
    assert [(found.state, found.basis) for found in withdrew.consents] == [(ConsentState.UNSUBSCRIBED, None)]
    assert withdrew.consents[0].occurred_at == withdrew.updated_at
    assert withdrew.consents[0].source == "customer-meta:marketing_opt_in"


def test_what_an_account_says_is_standing_and_what_an_order_says_is_dated(delivery: Deliveries) -> None:
    created, placed = delivery("hpos_006_customer_created"), delivery("storecheckoutacct_003_order_updated")

    account = only(records(created.topic, created.body, BLOCK, AT), CustomerRecord)
    order = only(records(placed.topic, placed.body, BLOCK, AT), OrderRecord)

    assert [found.is_standing for found in account.consents] == [True]
    assert [found.is_standing for found in buyer(order).consents] == [False]


def test_clicks_may_be_followed_where_the_mapped_box_says_so(delivery: Deliveries) -> None:
    mapping = MetaMapping(tracking_consent_key="stats", tracking_consent_yes=("ok",))
    created = delivery("hpos_006_customer_created")
    rows = [{"id": 1, "key": "stats", "value": "no"}]

    order = order_with(delivery("hpos_014_order_updated"), mapping, stats="OK")
    account = only(records("customer.updated", created.payload(meta_data=rows), mapping, AT), CustomerRecord)

    assert buyer(order).consents == (
        ConsentRecord("tracking", ConsentState.SUBSCRIBED, "consent", order.placed_at, "order-meta:stats"),
    )
    assert [(found.channel, found.state) for found in account.consents] == [
        ("tracking", ConsentState.UNSUBSCRIBED)
    ]


@pytest.mark.parametrize(
    ("written", "form", "expected"),
    [
        ("1988-11-22", "YYYY-MM-DD", (1988, 11, 22)),
        ("--11-22", "YYYY-MM-DD", (None, 11, 22)),
        ("22/11/1988", "DD/MM/YYYY", (1988, 11, 22)),
        ("11/22/1988", "MM/DD/YYYY", (1988, 11, 22)),
        ("22.11.1988", "DD.MM.YYYY", (1988, 11, 22)),
        ("22-11-1988", "DD-MM-YYYY", (1988, 11, 22)),
        ("19881122", "YYYYMMDD", (1988, 11, 22)),
        ("02-29", "MM-DD", (None, 2, 29)),
        ("29/2", "DD/MM", (None, 2, 29)),
        ("22/11/1988", "MM/DD/YYYY", (None, None, None)),
        ("1987-02-29", "YYYY-MM-DD", (None, None, None)),
        ("", "YYYY-MM-DD", (None, None, None)),
        ("0000-00-00", "YYYY-MM-DD", (None, None, None)),
        (["1988-11-22"], "YYYY-MM-DD", (None, None, None)),
    ],
)
def test_birthdays_are_read_in_the_merchants_format(
    delivery: Deliveries, written: object, form: str, expected: tuple[int | None, ...]
) -> None:
    mapping = MetaMapping(birthday_key="born", birthday_format=form)

    order = order_with(delivery("hpos_014_order_updated"), mapping, born=written)

    person = buyer(order)
    assert (person.birth_year, person.birth_month, person.birth_day) == expected


def test_a_format_that_reads_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="birthday format"):
        MetaMapping(birthday_format="Y-m-d")


def test_the_presets_read_what_their_plugins_write(delivery: Deliveries) -> None:
    paid = delivery("hpos_014_order_updated")

    brevo = order_with(paid, PRESETS["brevo"], **{"_wc_other/SendinblueWoocommerce/newsletter_opt_in": "1"})
    omnisend = order_with(paid, PRESETS["omnisend"], marketing_opt_in_consent="checkout")
    brazil = order_with(paid, PRESETS["brazil-checkout-fields"], _billing_birthdate="22/11/1988")

    assert len(buyer(brevo).consents) == len(buyer(omnisend).consents) == 1
    assert buyer(brazil).birth_day == 22
