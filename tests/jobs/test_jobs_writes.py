"""What people say to us is told to the shop: the newest state, once it was said, and never in a circle."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from app import consent
from app.consent import NewConsent
from app.db import table_of
from app.models import Consent, ConsentState, CustomerEvent, Store, StoreWrite
from app.privacy.erasure import erase_customer
from app.stores import credentials, writes
from connectors.sandbox.model import SHOPIFY
from connectors.sandbox.shopify_payloads import webhook
from jobs import inbox
from jobs.writes import run
from tests import seeds
from tests.connectors.sandbox.sandbox_fake_world import shopper, small_world
from tests.jobs.jobs_seed import delivery, kit_of, receive
from tests.jobs.jobs_shopify import INSTALLED_AT, Reader, Shop, connect, running_shop

ANNA = 2
SAID = INSTALLED_AT + timedelta(hours=1)
MINUTE = timedelta(minutes=1)
TOPIC = "customers_email_marketing_consent/update"


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The emulated shop."""
    world = small_world()
    world.now = SAID + timedelta(days=1)
    world.shoppers[ANNA] = shopper(ANNA, SHOPIFY, email_consent_at=None)
    with running_shop(world) as running:
        yield running


@pytest.fixture
def reader(settings: Any, database: Any, shop: Shop) -> Reader:
    """A worker with that shop connected; nothing of its history is read."""
    return connect(settings, database, shop)


def add_anna(reader: Reader, **values: Any) -> int:
    """The customer whom both sides know; our id."""
    fields = {"external_id": str(ANNA), "phone": "+393331234567", **values}
    with reader.database.write() as session:
        return seeds.add_customer(session, reader.store_id, str(ANNA), **fields).id


def say(reader: Reader, customer_id: int, state: str, at: datetime = SAID, **values: Any) -> None:
    """A statement of the person to us."""
    fields = {"channel": "email", "basis": "consent", "source": "api", "is_own": True, **values}
    statement = NewConsent(
        store_id=reader.store_id, customer_id=customer_id, state=state, occurred_at=at, **fields
    )
    with reader.database.write() as session:
        consent.record(session, [statement], at)


def told(shop: Shop) -> list[tuple[Any, ...]]:
    """What the shop was told of consents, in order."""
    names = ("household", "channel", "state", "level", "at")
    return [tuple(fact[name] for name in names) for fact in shop.world.remembered("consent")]


def row(reader: Reader) -> Row[Any]:
    """The only write."""
    table = table_of(StoreWrite)
    with reader.database.read() as session:
        return session.execute(select(table)).one()


def state(reader: Reader) -> tuple[str, str | None]:
    """How the only write stands."""
    found = row(reader)
    return found.state, found.reason


def hear(reader: Reader, shop: Shop, key: str = "news") -> None:
    """The shop's webhook about Anna's consent as it is there now."""
    body = json.dumps(webhook(TOPIC, shop.world, ANNA, shop.world.now)).encode()
    receive(reader.database, [delivery(reader.store_id, TOPIC, body, key)])
    inbox.run(reader.kit, shop.world.now + timedelta(days=365))


def test_who_unsubscribes_with_us_is_unsubscribed_in_the_shop(reader: Reader, shop: Shop) -> None:
    anna = add_anna(reader)
    with reader.database.write() as session:
        consent.withdraw(session, reader.store_id, anna, "email", source="one-click", now=SAID)

    done = run(reader.kit, SAID)

    assert told(shop) == [(ANNA, "email", "UNSUBSCRIBED", None, SAID.isoformat())]
    assert state(reader) == ("done", None)
    assert done == {"written back": 1}
    assert run(reader.kit, SAID) == {}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    ("channel", "said", "basis", "written"),
    [
        ("email", "subscribed", "consent", ("SUBSCRIBED", "SINGLE_OPT_IN")),
        ("email", "subscribed", "double_opt_in", ("SUBSCRIBED", "CONFIRMED_OPT_IN")),
        ("email", "pending", None, ("PENDING", None)),
        ("sms", "subscribed", "consent", ("SUBSCRIBED", "SINGLE_OPT_IN")),
        ("sms", "unsubscribed", None, ("UNSUBSCRIBED", None)),
    ],
)
def test_each_statement_is_told_in_the_shops_words(
    reader: Reader, shop: Shop, channel: str, said: str, basis: str | None, written: tuple[str, str | None]
) -> None:
    say(reader, add_anna(reader), said, channel=channel, basis=basis)

    run(reader.kit, SAID)

    assert told(shop) == [(ANNA, channel, *written, SAID.isoformat())]


def test_what_the_shop_tells_is_never_told_back(reader: Reader, shop: Shop) -> None:
    anna = add_anna(reader)
    shop.world.shoppers[ANNA] = shopper(ANNA, SHOPIFY, email_consent_at=SAID)

    hear(reader, shop)
    run(reader.kit, SAID)

    assert seeds.rows_of(reader.database, ConsentState, "customer_id", "state") == [(anna, "subscribed")]
    assert seeds.rows_of(reader.database, StoreWrite) == []
    assert shop.calls() == []


def test_the_echo_of_what_we_told_changes_nothing(reader: Reader, shop: Shop) -> None:
    anna = add_anna(reader)
    say(reader, anna, "subscribed", SAID - MINUTE)
    say(reader, anna, "unsubscribed", SAID + timedelta(milliseconds=400))
    run(reader.kit, SAID + MINUTE)
    before = [seeds.rows_of(reader.database, table) for table in (Consent, ConsentState, CustomerEvent)]

    hear(reader, shop)
    run(reader.kit, SAID + 2 * MINUTE)

    after = [seeds.rows_of(reader.database, table) for table in (Consent, ConsentState, CustomerEvent)]
    assert after == before
    assert len(told(shop)) == 1
    assert (row(reader).state, row(reader).turn) == ("done", 1)


def test_two_changes_before_the_writer_ran_are_one_write_of_the_last(reader: Reader, shop: Shop) -> None:
    anna = add_anna(reader)
    say(reader, anna, "unsubscribed", SAID)
    say(reader, anna, "subscribed", SAID + MINUTE)

    run(reader.kit, SAID + MINUTE)

    assert told(shop) == [(ANNA, "email", "SUBSCRIBED", "SINGLE_OPT_IN", (SAID + MINUTE).isoformat())]


def test_what_is_said_while_the_shop_is_told_is_told_after_it(reader: Reader, shop: Shop) -> None:
    anna = add_anna(reader)
    say(reader, anna, "subscribed")

    def change_mind(_name: str) -> None:
        shop.on_call = lambda _name: None
        say(reader, anna, "unsubscribed", SAID + MINUTE)

    shop.on_call = change_mind

    run(reader.kit, SAID + MINUTE)

    assert [fact[2] for fact in told(shop)] == ["SUBSCRIBED", "UNSUBSCRIBED"]
    assert state(reader) == ("done", None)


def test_what_the_shop_heard_itself_meanwhile_is_not_overwritten(reader: Reader, shop: Shop) -> None:
    anna = add_anna(reader)
    say(reader, anna, "unsubscribed")
    say(reader, anna, "subscribed", SAID + MINUTE, is_own=False, source="shopify")

    run(reader.kit, SAID + MINUTE)

    assert (told(shop), state(reader)) == ([], ("skipped", "superseded"))


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    ("who", "what", "reason"),
    [
        ({"external_id": None}, {}, "guest"),
        ({"email": None}, {}, "no-address"),
        ({"phone": None}, {"channel": "sms"}, "no-address"),
        ({"erased_at": SAID}, {}, "erased"),
        ({}, {"basis": "soft_opt_in"}, "soft-opt-in"),
    ],
)
def test_where_there_is_nothing_to_tell_nobody_is_asked(
    reader: Reader, shop: Shop, who: dict[str, Any], what: dict[str, Any], reason: str
) -> None:
    say(reader, add_anna(reader, **who), "subscribed", **what)

    run(reader.kit, SAID)

    assert (state(reader), shop.calls()) == (("skipped", reason), [])


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("channel", ["tracking", "whatsapp"])
def test_channels_that_no_shop_keeps_are_not_queued(reader: Reader, channel: str) -> None:
    say(reader, add_anna(reader), "subscribed", channel=channel)

    assert seeds.rows_of(reader.database, StoreWrite) == []


def test_a_refusal_is_kept_with_its_code_and_tried_again_when_asked(reader: Reader, shop: Shop) -> None:
    without_phone = shopper(ANNA, SHOPIFY, phone="")
    shop.world.shoppers[ANNA] = without_phone
    say(reader, add_anna(reader), "subscribed", channel="sms")
    run(reader.kit, SAID)
    refused = row(reader)

    shop.world.shoppers[ANNA] = shopper(ANNA, SHOPIFY)
    with reader.database.write() as session:
        again = writes.try_again(session, reader.store_id, SAID)
    run(reader.kit, SAID)

    assert (refused.state, refused.reason) == ("failed", "refused")
    assert refused.error == "Shopify refused the consent (INVALID)"
    assert (again, state(reader), len(told(shop))) == (1, ("done", None), 1)


def test_a_customer_whom_the_shop_no_longer_has_needs_no_write(reader: Reader, shop: Shop) -> None:
    say(reader, add_anna(reader), "unsubscribed")
    del shop.world.shoppers[ANNA]

    run(reader.kit, SAID)

    assert (state(reader), shop.calls()) == (("skipped", "gone"), ["ConsentEmail", "OneCustomer"])


def test_a_shop_that_is_down_is_asked_again_later(reader: Reader, shop: Shop) -> None:
    first, second = add_anna(reader), add_other(reader)
    say(reader, first, "unsubscribed")
    say(reader, second, "unsubscribed")
    shop.on_call = lambda _name: ("down", 503)
    run(reader.kit, SAID)
    waiting = seeds.rows_of(reader.database, StoreWrite, "state", "attempts", "lease_token")

    shop.on_call = lambda _name: None
    run(reader.kit, SAID + 2 * MINUTE)

    assert waiting == [("queued", 1, None), ("queued", 0, None)]
    assert len(shop.calls()) == 3
    assert seeds.values_of(reader.database, StoreWrite, "state") == ["done", "done"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_shop_that_never_answers_is_given_up_in_the_end(reader: Reader, shop: Shop) -> None:
    say(reader, add_anna(reader), "unsubscribed")
    shop.on_call = lambda _name: ("down", 503)

    for day in range(9):
        run(reader.kit, SAID + timedelta(days=day))

    assert state(reader) == ("dead", "given-up")
    assert len(shop.calls()) == 8
    assert row(reader).error == "ConnectorError: Shopify answered 503"


def test_a_throttled_write_waits_as_long_as_it_is_asked_to_and_loses_no_try(
    reader: Reader, shop: Shop
) -> None:
    say(reader, add_anna(reader), "unsubscribed")
    shop.on_call = lambda _name: ("busy", 429, {"Retry-After": "7"})

    run(reader.kit, SAID)

    assert (row(reader).attempts, row(reader).next_at) == (0, SAID + timedelta(seconds=7))


def test_a_shop_that_refuses_our_token_is_to_be_reconnected_and_told_then(reader: Reader, shop: Shop) -> None:
    say(reader, add_anna(reader), "unsubscribed")
    shop.on_call = lambda _name: ("no", 401)
    for _ in range(3):
        run(reader.kit, SAID + MINUTE)
    asked, lost = len(shop.calls()), row(reader)

    shop.on_call = lambda _name: None
    set_store(reader, state="connected")
    run(reader.kit, SAID + 5 * MINUTE)

    assert (asked, lost.state, lost.attempts) == (1, "queued", 0)
    assert state(reader) == ("done", None)


def test_without_the_scope_nobody_is_asked_until_it_is_granted(reader: Reader, shop: Shop) -> None:
    set_store(reader, scopes=["read_customers"])
    say(reader, add_anna(reader), "unsubscribed")
    run(reader.kit, SAID)
    without, asked = state(reader), shop.calls()

    body = json.dumps({"previous": [], "current": ["read_customers", "write_customers"]}).encode()
    receive(reader.database, [delivery(reader.store_id, "app/scopes_update", body, "scopes")])
    inbox.run(reader.kit, SAID + timedelta(days=365))
    run(reader.kit, SAID + timedelta(days=365))

    assert (without, asked) == (("failed", "no-scope"), [])
    assert state(reader) == ("done", None)


def test_a_worker_that_died_after_the_call_leaves_it_to_be_told_again(reader: Reader, shop: Shop) -> None:
    say(reader, add_anna(reader), "unsubscribed")
    with reader.database.write() as session:
        token, ids = writes.claim(session, reader.store_id, SAID, 10)
    meanwhile = run(reader.kit, SAID)
    end_leases(reader)

    run(reader.kit, SAID)

    with reader.database.read() as session:
        assert writes.held(session, reader.store_id, ids[0], token) is None
    assert meanwhile == {}
    assert (len(told(shop)), state(reader)) == (1, ("done", None))


def test_a_worker_that_lost_its_lease_writes_nothing_down(reader: Reader, shop: Shop) -> None:
    say(reader, add_anna(reader), "unsubscribed")

    def be_late(_name: str) -> None:
        shop.on_call = lambda _name: None
        end_leases(reader)
        with reader.database.write() as session:
            writes.claim(session, reader.store_id, SAID, 10)

    shop.on_call = be_late

    run(reader.kit, SAID)

    assert row(reader).state == "queued"
    assert row(reader).lease_token is not None


def test_who_is_erased_while_the_shop_is_told_leaves_no_row(reader: Reader, shop: Shop) -> None:
    anna = add_anna(reader)
    say(reader, anna, "unsubscribed")

    def erase(_name: str) -> None:
        with reader.database.write() as session:
            erase_customer(session, reader.kit.runtime.signer, reader.store_id, anna, now=SAID)

    shop.on_call = erase

    run(reader.kit, SAID)

    assert seeds.rows_of(reader.database, StoreWrite) == []


def test_the_same_customer_of_another_shop_is_not_touched(reader: Reader, shop: Shop) -> None:
    other = seeds.new_store(reader.database, "other")
    with reader.database.write() as session:
        seeds.add_customer(session, other, str(ANNA))
    say(reader, add_anna(reader), "unsubscribed")

    run(reader.kit, SAID)

    assert seeds.values_of(reader.database, StoreWrite, "store_id") == [reader.store_id]
    assert len(told(shop)) == 1


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_platform_without_consents_says_so_and_is_not_called(runtime: Any) -> None:
    access = {"key": "ck_1", "secret": "cs_1", "mode": "basic", "signing_url": "https://bottega.example"}
    sealed = credentials.seal(runtime.vault, credentials.Credentials(access))
    store_id = seeds.new_store(runtime.database, credentials=sealed)
    with runtime.database.write() as session:
        anna = seeds.add_customer(session, store_id)
        consent.withdraw(session, store_id, anna.id, "email", source="one-click", now=SAID)

    run(kit_of(runtime), SAID)

    assert seeds.rows_of(runtime.database, StoreWrite, "state", "reason") == [("skipped", "unsupported")]


def add_other(reader: Reader) -> int:
    """Another customer whom both sides know."""
    with reader.database.write() as session:
        return seeds.add_customer(session, reader.store_id, "4").id


def set_store(reader: Reader, **values: Any) -> None:
    """Change the shop's row."""
    stores = table_of(Store)
    with reader.database.write() as session:
        session.execute(update(stores).where(stores.c.id == reader.store_id).values(**values))


def end_leases(reader: Reader) -> None:
    """As if much time had passed."""
    table = table_of(StoreWrite)
    with reader.database.write() as session:
        session.execute(update(table).values(lease_until=SAID.replace(year=2000)))
