"""The script of a world: the same for the same seed, and true to the shares it was asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.sandbox.config import Rates
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE, Shopper
from connectors.sandbox.script import Kind, Script, write_script
from connectors.sandbox.shoppers import Span, invent_shoppers
from tests.connectors.sandbox.sandbox_stage import CALM, config, write_data

START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
DAY = 86400
SPAN = Span(START, START + 365 * DAY)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path)


def many_shoppers(rates: Rates, count: int = 2400) -> list[Shopper]:
    households = range(1, count + 1)
    first_orders = {household: START + (household % 300 + 1) * DAY for household in households}
    return list(
        invent_shoppers(households, seed=3, rates=rates, span=SPAN, first_orders=first_orders).values()
    )


def all_facts(script: Script) -> list[tuple[int, Kind, str, int]]:
    return list(script.facts(None, script.span.end + 60 * DAY))


def test_two_scripts_of_one_configuration_are_equal(data: Path) -> None:
    first, second = write_script(config(), data), write_script(config(), data)

    assert all_facts(first) == all_facts(second)
    assert first.shoppers == second.shoppers
    assert first.products == second.products
    assert [first.book.order(index) for index in range(80)] == [
        second.book.order(index) for index in range(80)
    ]


def test_another_seed_makes_other_people(data: Path) -> None:
    first, second = write_script(config(), data), write_script(config(seed=8), data)

    assert first.shoppers != second.shoppers


def test_even_households_shop_at_shopify(data: Path) -> None:
    script = write_script(config(), data)

    platforms = {household: shopper.platform for household, shopper in script.shoppers.items()}

    assert platforms == {n: WOOCOMMERCE if n % 2 else SHOPIFY for n in range(1, 9)}


def test_an_order_keeps_the_ids_and_the_total_of_its_basket(data: Path) -> None:
    script = write_script(config(), data)

    order = script.book.order(script.book.index_of(2003) or 0)

    assert (order.basket, order.household, order.platform) == (2003, 2, SHOPIFY)
    assert (order.total_minor, order.discount_minor) == (650 + 250, 50)
    assert [(line.product_id, line.quantity, line.total_minor) for line in order.lines] == [
        (12, 2, 650),
        (23, 1, 250),
    ]


def test_every_order_lives_the_life_of_its_platform(data: Path) -> None:
    script = write_script(config(), data)

    for order in (script.book.order(index) for index in range(len(script.book))):
        assert order.paid_at == order.placed_at + timedelta(minutes=1)
        assert order.fulfilled_at is not None
        if order.platform == SHOPIFY:
            assert order.delivered_at is not None
            assert timedelta(hours=6) <= order.fulfilled_at - order.placed_at <= timedelta(hours=30)
            assert timedelta(days=1) <= order.delivered_at - order.fulfilled_at <= timedelta(days=4)
        else:
            assert order.delivered_at is None
            assert timedelta(days=1) <= order.fulfilled_at - order.placed_at <= timedelta(days=4)


def test_a_cancelled_order_is_never_fulfilled_and_given_back_in_full(data: Path) -> None:
    script = write_script(config(rates=replace(CALM, cancelled=1.0)), data)

    for order in (script.book.order(index) for index in range(len(script.book))):
        assert (order.fulfilled_at, order.delivered_at) == (None, None)
        assert order.cancelled_at == order.refunded_at
        assert order.refunded_minor == order.total_minor


def test_refunds_are_of_the_whole_order_or_of_one_line(data: Path) -> None:
    script = write_script(config(rates=replace(CALM, refunded=1.0)), data)

    orders = [script.book.order(index) for index in range(len(script.book))]

    assert {len(order.refunded_lines) for order in orders} == {1, 2}
    for order in orders:
        given_back = [line.total_minor for line in order.lines if line.line_id in order.refunded_lines]
        assert order.refunded_minor == sum(given_back)


def test_the_world_starts_before_its_first_order_and_ends_after_the_last_of_the_data(data: Path) -> None:
    script = write_script(config(), data)

    assert script.span.start % 3600 == script.span.end % 3600 == 0
    assert script.span.start + 3600 <= min(script.book.placed)
    assert max(script.book.placed) <= script.span.end < max(script.book.placed) + 3600


def test_everyone_registers_before_the_first_order(data: Path) -> None:
    script = write_script(config(rates=Rates()), data)

    for index, household in enumerate(script.book.baskets.household):
        assert script.shoppers[household].registered_at.timestamp() <= script.book.placed[index]


def test_titles_are_readable_and_complements_are_of_another_category(data: Path) -> None:
    script = write_script(config(), data)

    assert script.products[11].title == "Frzn Pie/desserts, 14 oz (own brand)"
    assert script.products[10 + 10].title == "Frzn Pie/desserts"
    with_complements = [product for product in script.products.values() if product.cross_sell_ids]
    assert with_complements
    for product in with_complements:
        others = [script.products[number] for number in product.cross_sell_ids]
        assert all(other.category != product.category for other in others)
        assert all(other.platform in {product.platform, "both"} for other in others)


def test_shares_of_the_shoppers_are_those_asked_for() -> None:
    people = many_shoppers(Rates())

    def share(chosen: list[bool]) -> float:
        return sum(chosen) / len(chosen)

    woo = [person for person in people if person.platform == WOOCOMMERCE]
    assert share([person.email_consent_at is not None for person in people]) == 0.65
    assert share([person.sms_consent_at is not None for person in people]) == pytest.approx(0.25, abs=0.03)
    consenting = [person for person in people if person.email_consent_at]
    assert share([person.tracking_consent_at is not None for person in consenting]) == pytest.approx(
        0.6, abs=0.04
    )
    assert share([person.birth is not None for person in people]) == pytest.approx(0.60, abs=0.03)
    assert share([person.is_guest for person in woo]) == pytest.approx(0.15, abs=0.03)
    assert share([person.is_preregistered for person in people]) == pytest.approx(0.2, abs=0.04)
    assert share([person.consent_at_checkout for person in people]) == pytest.approx(0.29, abs=0.05)


def test_who_lets_clicks_be_followed_says_so_with_the_consent_to_mails() -> None:
    tracked = [person for person in many_shoppers(Rates()) if person.tracking_consent_at]

    assert {person.platform for person in tracked} == {SHOPIFY, WOOCOMMERCE}
    assert all(person.tracking_consent_at == person.email_consent_at for person in tracked)


def test_addresses_and_phones_are_unique() -> None:
    people = many_shoppers(Rates())
    phones = [person.phone for person in people if person.phone]

    assert len({person.email for person in people}) == len(people)
    assert len(set(phones)) == len(phones)
    assert all(person.email.isascii() and person.email == person.email.lower() for person in people)


def test_some_birthdays_fall_on_leap_day_some_lack_a_year_and_a_few_are_of_minors() -> None:
    births = [person.birth for person in many_shoppers(Rates()) if person.birth]

    assert any((birth.month, birth.day) == (2, 29) for birth in births)
    assert any(birth.year is None for birth in births)
    assert any(birth.year is not None and 2026 - birth.year < 18 for birth in births)
    assert all(
        birth.year is None or birth.year % 4 == 0 for birth in births if birth.day == 29 and birth.month == 2
    )


def test_guests_only_shop_at_woocommerce_and_never_withdraw() -> None:
    people = many_shoppers(replace(Rates(), withdrawn=1.0))

    assert {person.platform for person in people if person.is_guest} == {WOOCOMMERCE}
    assert all(person.withdrawn_at is None for person in people if person.is_guest)
    withdrawn = [person for person in people if person.withdrawn_at]
    assert withdrawn
    assert all(
        p.email_consent_at and p.withdrawn_at and p.email_consent_at < p.withdrawn_at for p in withdrawn
    )


def test_a_household_without_orders_in_the_world_was_there_before() -> None:
    (person,) = invent_shoppers([5], seed=1, rates=Rates(), span=SPAN, first_orders={}).values()

    assert person.is_preregistered
    assert person.registered_at.timestamp() < START
