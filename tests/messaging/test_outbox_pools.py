"""Codes of a Shopify shop: one discount for all of equal worth, made in bulk, sent once they are there."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.db import table_of, to_micros
from app.flows import switch
from app.messaging import claim
from app.models import ConsentState, Message, Store, Voucher
from app.stores import connections
from app.stores.accounts import NO_ACCOUNTS
from connectors.sandbox.model import SHOPIFY
from connectors.sandbox.shopify_codes import PACE
from connectors.sandbox.shopify_discounts import discount_node
from jobs.kit import Kit
from jobs.outbox import run
from tests import seeds
from tests.connectors.sandbox.sandbox_fake_world import small_world
from tests.jobs.jobs_shopify import INSTALLED_AT, Reader, Shop, connect, running_shop
from tests.messaging.outbox_seed import Post

# Within the hours of mails.
NOW = INSTALLED_AT + timedelta(hours=1)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The emulated shop."""
    world = small_world()
    world.now = NOW
    with running_shop(world) as running:
        yield running


@pytest.fixture
def reader(settings: Any, database: Any, shop: Shop) -> Reader:
    """A worker with that shop connected and its welcome flow on."""
    opened = connect(settings, database, shop)
    with database.write() as session:
        store = session.get_one(Store, opened.store_id)
        store.settings = {**store.settings, **seeds.SETTINGS}
        switch.ensure_flows(session, store.id, INSTALLED_AT)
    seeds.switch_on(database, opened.store_id, "welcome", since=INSTALLED_AT)
    return opened


def kit_of(reader: Reader, post: Post) -> Kit:
    """The worker with a provider of the test's."""
    return Kit.build(reader.kit.runtime, post)


def promise(reader: Reader, *, ends_at: Any = NOW + 10 * DAY) -> int:
    """A W1 with a code of 10 % for somebody new, due now; the message's id."""
    terms = {
        "name": "welcome",
        "kind": "percentage",
        "setting": "welcome.percentage",
        "ends_at": to_micros(ends_at),
    }
    with reader.database.write() as session:
        anna = seeds.add_customer(session, reader.store_id)
        journey = seeds.add_enrollment(session, reader.store_id, anna.id)
        agreed = {"channel": "email", "state": "subscribed", "basis": "consent", "occurred_at": NOW}
        session.add(ConsentState(store_id=reader.store_id, customer_id=anna.id, is_own=False, **agreed))
        return seeds.add_message(
            session,
            reader.store_id,
            anna.id,
            step="W1",
            purpose="answer",
            priority=1,
            due_at=NOW,
            expires_at=NOW + DAY,
            enrollment_id=journey.id,
            context={"content": "welcome/W1", "only_if": [], "voucher": terms},
        ).id


def codes(reader: Reader) -> list[str]:
    """Our codes."""
    return [code.upper() for code in seeds.values_of(reader.database, Voucher, "code")]


def discounts(shop: Shop) -> list[Any]:
    """The shop's discounts, as it would show them."""
    ids = sorted({voucher.external_id for voucher in shop.world.vouchers})
    found = [discount_node(shop.world, external_id) for external_id in ids]
    return [node["codeDiscount"] for node in found if node is not None]


def message(reader: Reader, message_id: int) -> Any:
    """A message as it stands."""
    table = table_of(Message)
    with reader.database.read() as session:
        return session.execute(select(table).where(table.c.id == message_id)).one()


def test_many_people_get_codes_of_one_discount_in_one_call(reader: Reader, shop: Shop) -> None:
    sent, post = [promise(reader) for _ in range(12)], Post()

    run(kit_of(reader, post), NOW)

    assert sorted(post.sent_ids) == sent
    assert shop.calls() == ["VoucherByCode", "VoucherCreate", "VoucherAdd", "VoucherCreation"]
    (discount,) = discounts(shop)
    assert discount["codesCount"]["count"] == 13
    assert (discount["usageLimit"], discount["appliesOncePerCustomer"]) == (1, True)
    made = {voucher.code for voucher in shop.world.vouchers}
    assert set(codes(reader)) < made
    assert all(any(code in letter.text for code in codes(reader)) for letter in post.sent)


def test_who_comes_later_gets_a_code_of_the_same_discount(reader: Reader, shop: Shop) -> None:
    promise(reader)
    run(kit_of(reader, Post()), NOW)
    promise(reader, ends_at=NOW + 10 * DAY + MINUTE)

    run(kit_of(reader, Post()), NOW)

    assert len(discounts(shop)) == 1
    assert len(set(seeds.values_of(reader.database, Voucher, "external_id"))) == 1


def test_no_code_ends_before_its_mail_says(reader: Reader, shop: Shop) -> None:
    """The shop is in Rome: its day ends at 22:00 UTC in summer."""
    ends = [NOW.replace(hour=hour) + 10 * DAY for hour in (0, 21)] + [NOW.replace(hour=22) + 10 * DAY]
    for ends_at in ends:
        promise(reader, ends_at=ends_at)

    run(kit_of(reader, Post()), NOW)

    kept = seeds.rows_of(reader.database, Voucher, "code", "expires_at")
    for code, expires_at in kept:
        made = shop.world.voucher(SHOPIFY, code)
        assert made is not None
        assert made.expires_at is not None
        assert made.expires_at >= expires_at
    last = NOW.replace(hour=22) + 10 * DAY
    assert {voucher.expires_at for voucher in shop.world.vouchers} == {last}
    assert len(discounts(shop)) == 1


def test_no_mail_leaves_before_its_code_is_there(reader: Reader, shop: Shop) -> None:
    shop.world.remember(PACE, {"looks": 3})
    message_id, post = promise(reader), Post()
    waits = []

    for round_ in range(3):
        assert post.sent_ids == []
        run(kit_of(reader, post), NOW + round_ * 5 * SECOND)
        waits.append(message(reader, message_id).next_at - NOW)

    assert waits[:2] == [5 * SECOND, 10 * SECOND]
    assert post.sent_ids == [message_id]
    assert shop.calls().count("VoucherAdd") == 1
    assert seeds.values_of(reader.database, Voucher, "creation") == [None]


def test_codes_whose_answer_was_lost_are_found_and_not_made_twice(reader: Reader, shop: Shop) -> None:
    sent, post = [promise(reader) for _ in range(3)], Post()

    def lose(name: str) -> Any:
        return ("lost", 502) if name == "VoucherCreation" else None

    shop.on_call = lose
    run(kit_of(reader, post), NOW)
    lost, shop.on_call = list(post.sent_ids), lambda _name: None
    finish_creations(shop)

    run(kit_of(reader, post), NOW + 5 * MINUTE)

    assert (lost, sorted(post.sent_ids)) == ([], sent)
    made = [voucher.code for voucher in shop.world.vouchers]
    assert len(made) == len(set(made)) == 4


def test_a_worker_that_died_after_minting_makes_no_second_code(reader: Reader, shop: Shop) -> None:
    message_id, post = promise(reader), Post()
    kit = kit_of(reader, post)
    with reader.database.write() as session:
        store = session.get_one(Store, reader.store_id)
        claimed = claim.claim(session, kit.letters, store, accounts=NO_ACCOUNTS, now=NOW, limit=10)
    specs = [wanted.spec for wanted in claimed.wanted]
    mint_and_die(reader, specs)

    run(kit, NOW + MINUTE)

    assert post.sent_ids == [message_id]
    assert len(shop.world.vouchers) == 2


def test_a_code_that_the_shop_refuses_stops_its_own_message_alone(reader: Reader, shop: Shop) -> None:
    first, second = promise(reader), promise(reader)
    post = Post()
    kit = kit_of(reader, post)
    with reader.database.write() as session:
        store = session.get_one(Store, reader.store_id)
        claim.claim(session, kit.letters, store, accounts=NO_ACCOUNTS, now=NOW, limit=10)
        table = table_of(Voucher)
        mine = select(table.c.id).where(table.c.store_id == reader.store_id).order_by(table.c.id).limit(1)
        session.execute(update(table).where(table.c.id.in_(mine)).values(code=" "))
    end_leases(reader)

    run(kit, NOW + MINUTE)

    assert post.sent_ids == [second]
    assert (message(reader, first).status, message(reader, first).next_at) == (
        "queued",
        NOW + 6 * MINUTE,
    )


def test_a_shop_that_is_busy_is_asked_when_it_says(reader: Reader, shop: Shop) -> None:
    message_id = promise(reader)
    shop.on_call = lambda _name: ("busy", 429, {"Retry-After": "7"})

    run(kit_of(reader, Post()), NOW)

    assert message(reader, message_id).next_at == NOW + 7 * SECOND


def test_a_discount_that_the_merchant_deleted_is_made_anew(reader: Reader, shop: Shop) -> None:
    promise(reader)
    run(kit_of(reader, Post()), NOW)
    shop.world.vouchers.clear()
    message_id, post = promise(reader), Post()

    run(kit_of(reader, post), NOW)

    assert post.sent_ids == [message_id]
    assert len(shop.world.vouchers) == 2


def finish_creations(shop: Shop) -> None:
    """Shopify goes on with what it took, whoever heard of it."""
    admin = shop.admin()
    document = "query Look($id: ID!) { discountRedeemCodeBulkCreation(id: $id) { done } }"
    for fact in list(shop.world.remembered("shopify_code_creation")):
        admin.run(document, {"id": f"gid://shopify/DiscountRedeemCodeBulkCreation/{fact['id']}"})


def mint_and_die(reader: Reader, specs: list[Any]) -> None:
    """The codes are made, and whoever had them made never writes it down."""
    with reader.database.read() as session:
        store = session.get_one(Store, reader.store_id)
    made = list(connections.writer(reader.kit.runtime, store).mint_vouchers(specs))
    assert all(result.external_id for result in made)
    end_leases(reader)


def end_leases(reader: Reader) -> None:
    """As if much time had passed."""
    table = table_of(Message)
    with reader.database.write() as session:
        session.execute(
            update(table)
            .where(table.c.store_id == reader.store_id)
            .values(lease_until=NOW.replace(year=2000))
        )
