"""Codes: minted in the shop before the message leaves, outside any transaction, once whatever happens."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.crypto import Signer
from app.db import table_of, to_micros
from app.messaging import claim, receipts
from app.messaging.vouchers import code_for
from app.models import ConsentState, Customer, Enrollment, Store, Voucher
from app.runtime import Runtime
from app.stores import credentials
from app.stores.accounts import NO_ACCOUNTS
from app.stores.credentials import Credentials
from connectors.base import SendResult
from jobs.outbox import run
from tests import seeds
from tests.conftest import NOW
from tests.messaging.coupons import Coupons, open_coupons
from tests.messaging.outbox_seed import MESSAGES, Post, Shop, open_shop

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ACCESS = {"key": "ck_1", "secret": "cs_1", "mode": "basic", "signing_url": "https://bottega.example"}


@pytest.fixture
def coupons() -> Iterator[Coupons]:
    """The shop's side."""
    with open_coupons() as opened:
        yield opened


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that we hold a key of."""
    opened = open_shop(runtime)
    with runtime.database.write() as session:
        store = session.get_one(Store, opened.id)
        store.credentials = credentials.seal(runtime.vault, Credentials(dict(ACCESS)))
    return opened


def promised(shop: Shop, **values: Any) -> int:
    """A W1 with a code of 10 %, due now; its id."""
    with shop.database.write() as session:
        anna = seeds.add_customer(session, shop.id)
        journey = seeds.add_enrollment(session, shop.id, anna.id)
    _agree(shop, anna.id)
    return shop.add_message(anna.id, **_w1(journey.id) | values)


def _w1(journey_id: int) -> dict[str, Any]:
    terms = {
        "name": "welcome",
        "kind": "percentage",
        "setting": "welcome.percentage",
        "ends_at": to_micros(NOW + 10 * DAY),
    }
    context = {"content": "welcome/W1", "only_if": [], "voucher": terms}
    return {
        "step": "W1",
        "purpose": "answer",
        "priority": 1,
        "expires_at": NOW + DAY,
        "enrollment_id": journey_id,
        "context": context,
    }


def _agree(shop: Shop, customer_id: int) -> None:
    with shop.database.write() as session:
        session.add(
            ConsentState(
                store_id=shop.id,
                customer_id=customer_id,
                channel="email",
                state="subscribed",
                basis="consent",
                occurred_at=NOW,
            )
        )


def _noted(batches: list[int], answers: Sequence[SendResult]) -> Sequence[SendResult]:
    batches.append(len(answers))
    return answers


def vouchers(shop: Shop, *names: str) -> list[Any]:
    return seeds.rows_of(shop.database, Voucher, *(names or ("code", "external_id", "minted_at")))


def test_a_message_leaves_with_the_code_that_the_shop_has(shop: Shop, coupons: Coupons) -> None:
    message_id, post = promised(shop), Post()

    run(shop.kit(post), NOW)

    ((code, external_id, minted_at),) = vouchers(shop)
    assert post.sent_ids == [message_id]
    assert code in post.sent[0].text
    assert (external_id, minted_at) == ("1", NOW)
    made = coupons.made[code.lower()]
    assert (made["discount_type"], made["amount"], made["usage_limit"]) == ("percent", "10", 1)
    assert made["date_expires"] == "2026-11-12T10:00:00"


def test_what_waited_for_its_code_leaves_with_the_others_in_one_call(
    shop: Shop, coupons: Coupons, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_id, promised_id, post = shop.add_message(), promised(shop), Post()
    batches: list[int] = []
    monkeypatch.setattr(post, "send", lambda messages, lets: _noted(batches, Post.send(post, messages, lets)))

    run(shop.kit(post), NOW)

    assert post.sent_ids == [plain_id, promised_id]
    assert batches == [2]
    assert shop.statuses() == ["sent", "sent"]


def test_what_needs_no_code_leaves_although_those_that_waited_for_one_cannot_be_decided(
    shop: Shop, coupons: Coupons, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_id, promised_id, post = shop.add_message(), promised(shop), Post()
    claims = iter([claim.claim])

    def claim_once(*given: Any, **named: Any) -> claim.Claimed:
        return next(claims)(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(claim, "claim", claim_once)
        run(shop.kit(post), NOW)
    at_first, waiting = post.sent_ids, shop.message(promised_id)

    run(shop.kit(post), waiting.next_at)

    assert (at_first, waiting.status) == ([plain_id], "queued")
    assert post.sent_ids == [plain_id, promised_id]
    assert len(coupons.made) == 1


def test_a_code_whose_answer_was_lost_is_not_made_twice(shop: Shop, coupons: Coupons) -> None:
    message_id, post = promised(shop), Post()
    coupons.loses_answers = True
    run(shop.kit(post), NOW)
    waiting, sent_without = shop.message(message_id), post.sent_ids

    coupons.loses_answers = False
    run(shop.kit(post), waiting.next_at)

    ((code, external_id, _),) = vouchers(shop)
    assert (waiting.status, waiting.lease_token, sent_without) == ("queued", None, [])
    assert waiting.next_at > NOW
    assert list(coupons.made) == [code.lower()]
    assert external_id == "1"
    assert post.sent_ids == [message_id]


def test_a_worker_that_died_after_minting_makes_no_second_code(shop: Shop, coupons: Coupons) -> None:
    message_id, post = promised(shop), Post()
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        claimed = claim.claim(session, shop.kit(post).letters, store, accounts=NO_ACCOUNTS, now=NOW, limit=10)
    coupons.made[claimed.wanted[0].spec.code.lower()] = {"code": claimed.wanted[0].spec.code, "id": 7}
    _end_leases(shop)

    run(shop.kit(post), NOW + HOUR)

    assert len(coupons.made) == 1
    assert vouchers(shop, "external_id") == [("7",)]
    assert post.sent_ids == [message_id]


def test_a_code_is_the_same_whenever_it_is_asked_for_and_no_other_is_like_it() -> None:
    places = [(1, 7, "welcome"), (2, 7, "welcome"), (1, 8, "welcome"), (1, 7, "shipping")]

    codes = [code_for(Signer("key"), *place) for place in places]
    again = [code_for(Signer("key"), *place) for place in places]

    assert codes == again
    assert len({*codes, code_for(Signer("another key"), *places[0])}) == 5
    assert all(re.fullmatch("[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}", code) for code in codes)


def test_messages_of_one_journey_share_its_code(shop: Shop, coupons: Coupons) -> None:
    message_id, post = promised(shop), Post()
    run(shop.kit(post), NOW)
    first = shop.message(message_id)

    shop.add_message(
        first.customer_id, **_w1(first.enrollment_id) | {"due_at": NOW + DAY, "expires_at": NOW + 2 * DAY}
    )
    run(shop.kit(post), NOW + DAY)

    assert len(coupons.made) == 1
    assert len(post.sent) == 2
    assert all(vouchers(shop, "code")[0][0] in message.text for message in post.sent)


def test_a_code_that_was_used_ends_its_own_journey_s_reminders_alone(shop: Shop, coupons: Coupons) -> None:
    first, post = [shop.message(promised(shop)) for _ in range(2)], Post()
    run(shop.kit(post), NOW)
    with shop.database.write() as session:
        used = update(Voucher).where(Voucher.enrollment_id == first[0].enrollment_id)
        session.execute(used.values(redeemed_at=NOW))
    later = {"due_at": NOW + DAY, "expires_at": NOW + 2 * DAY}
    reminders = []
    for row in first:
        told = _w1(row.enrollment_id) | later
        told["context"]["only_if"] = ["code-unused:welcome"]
        reminders.append(shop.add_message(row.customer_id, **told))

    run(shop.kit(post), NOW + DAY)

    assert [shop.message(id_).reason for id_ in reminders] == ["trigger-false", None]
    assert post.sent_ids[2:] == reminders[1:]


def test_no_code_is_made_for_a_message_that_stays_home(shop: Shop, coupons: Coupons) -> None:
    message_id = promised(shop, context={**_w1(1)["context"], "only_if": ["enrollment-alive"]})
    _stop_journeys(shop)

    run(shop.kit(Post()), NOW)

    assert shop.message(message_id).reason == "trigger-false"
    assert (coupons.asked, vouchers(shop)) == (0, [])


def test_who_unsubscribes_while_the_code_is_made_gets_nothing(shop: Shop, coupons: Coupons) -> None:
    message_id, post = promised(shop), Post()

    def unsubscribe() -> None:
        with shop.database.write() as session:
            receipts.record_unsubscribe(
                session,
                shop.runtime.signer,
                store_id=shop.id,
                message_id=message_id,
                occurred_at=NOW,
                source="unsubscribe-link",
            )

    coupons.on_making = unsubscribe

    run(shop.kit(post), NOW)

    assert post.sent == []
    assert (shop.message(message_id).status, shop.message(message_id).reason) == ("stopped", "suppressed")


def test_a_code_that_the_shop_refuses_stops_its_own_message_alone(shop: Shop, coupons: Coupons) -> None:
    first, second, third = (promised(shop) for _ in range(3))
    post = Post()
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        letters = shop.kit(post).letters
        wanted = claim.claim(session, letters, store, accounts=NO_ACCOUNTS, now=NOW, limit=10).wanted
        coupons.refused = {wanted[0].spec.code.lower()}
    _end_leases(shop)

    run(shop.kit(post), NOW + MINUTE)

    assert sorted(post.sent_ids) == [second, third]
    assert (shop.message(first).status, vouchers(shop, "minted_at")[0][0]) == ("queued", None)


def test_a_shop_that_fails_at_one_code_does_not_keep_the_others_for_ever(
    shop: Shop, coupons: Coupons
) -> None:
    messages, post = [promised(shop) for _ in range(3)], Post()
    coupons.status = 503
    run(shop.kit(post), NOW)
    waits = [shop.message(message_id).next_at - NOW for message_id in messages]

    coupons.status = 0
    run(shop.kit(post), NOW + MINUTE)

    assert waits == [5 * MINUTE, MINUTE, MINUTE]
    assert sorted(post.sent_ids) == messages[1:]


def test_a_message_whose_code_could_not_be_made_expires_unsent(shop: Shop, coupons: Coupons) -> None:
    message_id, post = promised(shop), Post()
    coupons.status = 503
    run(shop.kit(post), NOW)

    run(shop.kit(post), NOW + DAY)

    assert post.sent == []
    assert shop.message(message_id).status == "expired"


def test_a_shop_that_refuses_our_key_is_to_be_reconnected(shop: Shop, coupons: Coupons) -> None:
    message_id, post = promised(shop), Post()
    coupons.status = 401
    for tries in range(13):
        run(shop.kit(post), NOW + tries * 5 * MINUTE)

    run(shop.kit(post), NOW + 65 * MINUTE)

    assert seeds.values_of(shop.database, Store, "state") == ["needs_reconnect"]
    assert (post.sent, shop.message(message_id).reason) == ([], "sender-paused")


@pytest.mark.parametrize(
    ("bought", "kind", "amount", "ships_free"),
    [
        ({"orders_count": 0}, "percent", "10", False),
        ({"orders_count": 3, "last_paid_at": NOW - 90 * DAY}, "fixed_cart", "10", False),
        ({"orders_count": 3, "last_paid_at": NOW - 91 * DAY}, "percent", "10", False),
        ({"orders_count": 2, "discounted_count": 2}, "fixed_cart", "0", True),
        ({"orders_count": 3, "discounted_count": 3, "last_paid_at": NOW}, "fixed_cart", "0", True),
    ],
    ids=["new", "loyal", "no longer loyal", "promo", "promo and loyal"],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_birthday_gift_depends_on_the_class(
    shop: Shop, coupons: Coupons, bought: dict[str, Any], kind: str, amount: str, *, ships_free: bool
) -> None:
    terms = {"name": "birthday", "kind": "by-class", "setting": None, "ends_at": to_micros(NOW + DAY)}
    message_id = promised(
        shop,
        flow_key="welcome",
        step="B1",
        context={"content": "birthday/B1", "only_if": [], "voucher": terms},
    )
    customers = table_of(Customer)
    with shop.database.write() as session:
        session.execute(update(customers).where(customers.c.store_id == shop.id).values(**bought))

    run(shop.kit(Post()), NOW)

    (made,) = coupons.made.values()
    assert (made["discount_type"], made["amount"], made["free_shipping"]) == (kind, amount, ships_free)
    assert shop.message(message_id).status == "sent"


@pytest.mark.parametrize(
    ("percent", "bought", "made"),
    [
        ("15", {}, ("percent", "15", False)),
        ("0", {}, ("fixed_cart", "0", True)),
        ("15", {"orders_count": 2, "discounted_count": 2}, ("fixed_cart", "0", True)),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("said_by", ["settings", "version"])
def test_a_perk_is_never_a_percentage_for_promo_buyers(
    shop: Shop,
    coupons: Coupons,
    percent: str,
    bought: dict[str, int],
    made: tuple[str, str, bool],
    said_by: str,
) -> None:
    setting = "abandoned_checkout.percentage"
    terms: dict[str, Any] = {"name": "perk", "kind": "perk", "setting": setting}
    terms["ends_at"] = to_micros(NOW + DAY)
    if said_by == "version":
        # What the version says of its code stands above the settings.
        terms["percent"], percent = int(percent), "77"
    promised(shop, context={"content": "birthday/B1", "only_if": [], "voucher": terms})
    customers = table_of(Customer)
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        store.settings = {**store.settings, setting: percent}
        mine = update(customers).where(customers.c.store_id == shop.id)
        session.execute(mine.values({"orders_count": 0, **bought}))

    run(shop.kit(Post()), NOW)

    (coupon,) = coupons.made.values()
    assert (coupon["discount_type"], coupon["amount"], coupon["free_shipping"]) == made


def _end_leases(shop: Shop) -> None:
    long_ago = NOW.replace(year=2000)
    with shop.database.write() as session:
        session.execute(update(MESSAGES).where(MESSAGES.c.store_id == shop.id).values(lease_until=long_ago))


def _stop_journeys(shop: Shop) -> None:
    journeys = table_of(Enrollment)
    with shop.database.write() as session:
        session.execute(update(journeys).where(journeys.c.store_id == shop.id).values(stopped_at=NOW))
