"""Consent and birthday: only by the merchant's mapping, from orders and from accounts."""

from datetime import UTC, datetime

import pytest

from connectors.base import ConsentRecord, ConsentState
from connectors.storefronts.woocommerce.meta import PRESETS, MetaMapping
from connectors.storefronts.woocommerce.records import records

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
BLOCK = MetaMapping(
    email_consent_key="_wc_other/localtest/marketing-opt-in, marketing_opt_in",
    birthday_key="_wc_other/localtest/birthday,birthday",
)


def read_one(captured, mapping):
    [record] = records(captured.topic, captured.body, mapping, AT)
    return record


def with_meta(captured, mapping, **meta):
    rows = [{"id": 1, "key": key, "value": value} for key, value in meta.items()]
    [record] = records(captured.topic, captured.payload(meta_data=rows), mapping, AT)
    return record


def test_without_a_mapping_nobody_consents(each_delivery):
    for record in records(each_delivery.topic, each_delivery.body, MetaMapping(), AT):
        person = getattr(record, "customer", None) or record
        assert getattr(person, "consents", ()) == ()
        assert getattr(person, "birth_month", None) is None


def test_a_box_ticked_at_checkout_is_consent_from_that_moment(delivery):
    order = read_one(delivery("storecheckoutacct_003_order_updated"), BLOCK)

    expected = ConsentRecord(
        "email",
        ConsentState.SUBSCRIBED,
        "consent",
        datetime(2026, 11, 22, 1, 57, 14, tzinfo=UTC),
        "order-meta:_wc_other/localtest/marketing-opt-in",
    )
    assert order.customer.consents == (expected,)
    assert (order.customer.birth_year, order.customer.birth_month, order.customer.birth_day) == (1990, 3, 4)


def test_the_moment_of_consent_does_not_move_with_the_order(delivery):
    ticked = delivery("storecheckoutacct_003_order_updated")
    later = ticked.payload(date_modified_gmt="2026-12-24T00:00:00")

    [order] = records("order.updated", later, BLOCK, AT)

    assert order.customer.consents[0].occurred_at == order.placed_at


@pytest.mark.parametrize("value", ["0", "", "no", None, [], {"yes": 1}, False])
def test_an_empty_box_at_checkout_withdraws_nothing(delivery, value):
    mapping = MetaMapping(email_consent_key="opt")

    order = with_meta(delivery("hpos_014_order_updated"), mapping, opt=value)

    assert order.customer.consents == ()


@pytest.mark.parametrize("value", ["1", 1, True, "yes", " YES ", "on", "true"])
def test_yes_is_said_in_many_ways(delivery, value):
    mapping = MetaMapping(sms_consent_key="opt")

    order = with_meta(delivery("hpos_014_order_updated"), mapping, opt=value)

    assert [(found.channel, found.state) for found in order.customer.consents] == [
        ("sms", ConsentState.SUBSCRIBED)
    ]


def test_a_draft_has_not_submitted_its_box(delivery):
    ticked = delivery("storecheckoutacct_003_order_updated")

    [order] = records("order.updated", ticked.payload(status="checkout-draft"), BLOCK, AT)

    assert order.customer.consents == ()


def test_an_account_says_yes_and_no(delivery):
    agreed = read_one(delivery("hpos_006_customer_created"), BLOCK)
    withdrew = read_one(delivery("hpos_010_customer_updated"), BLOCK)

    assert [(found.state, found.basis) for found in agreed.consents] == [(ConsentState.SUBSCRIBED, "consent")]
    assert [(found.state, found.basis) for found in withdrew.consents] == [(ConsentState.UNSUBSCRIBED, None)]
    assert withdrew.consents[0].occurred_at == withdrew.updated_at
    assert withdrew.consents[0].source == "customer-meta:marketing_opt_in"


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
def test_birthdays_are_read_in_the_merchants_format(delivery, written, form, expected):
    mapping = MetaMapping(birthday_key="born", birthday_format=form)

    order = with_meta(delivery("hpos_014_order_updated"), mapping, born=written)

    person = order.customer
    assert (person.birth_year, person.birth_month, person.birth_day) == expected


def test_a_format_that_reads_nothing_is_refused():
    with pytest.raises(ValueError, match="birthday format"):
        MetaMapping(birthday_format="Y-m-d")


def test_the_presets_read_what_their_plugins_write(delivery):
    paid = delivery("hpos_014_order_updated")

    brevo = with_meta(paid, PRESETS["brevo"], **{"_wc_other/SendinblueWoocommerce/newsletter_opt_in": "1"})
    omnisend = with_meta(paid, PRESETS["omnisend"], marketing_opt_in_consent="checkout")
    brazil = with_meta(paid, PRESETS["brazil-checkout-fields"], _billing_birthdate="22/11/1988")

    assert len(brevo.customer.consents) == len(omnisend.customer.consents) == 1
    assert brazil.customer.birth_day == 22
