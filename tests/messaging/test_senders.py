"""A store's ways out: whose account, when it rests, how much may leave, when its name forbids more."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.db import table_of
from app.messaging import senders
from app.messaging.allowances import SenderFacts
from app.models import Sender, SenderDay, Store
from app.runtime import Runtime
from app.stores.accounts import NO_ACCOUNTS, SENDGRID, TWILIO, Account, StoreAccounts
from connectors.base import Outcome, SendResult
from jobs import outbox
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MAILS = Account(SENDGRID, "SG.key", "https://mail.test")
TEXTS = Account(TWILIO, "token", "https://text.test", "AC1", "MG1")
BOTH = StoreAccounts({"email": MAILS, "sms": TEXTS})
ACCEPTED, UNKNOWN = SendResult(Outcome.ACCEPTED), SendResult(Outcome.UNKNOWN)
REFUSED = SendResult(Outcome.PAUSE_SENDER, error="SendGrid does not accept the key")
NOT_SENT = SendResult(Outcome.RETRY, error="no connection")
FAILED = SendResult(Outcome.FAILED, error="a header is wrong")


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop whose merchant said that there is no earlier list."""
    shop = open_shop(runtime)
    _set(shop, **{"consent.import": "declined", "sending.warm_up": "off"})
    return shop


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_local_outbox_has_no_limit_and_no_row(shop: Shop) -> None:
    assert _facts(shop, accounts=NO_ACCOUNTS) == {}
    assert seeds.values_of(shop.database, Sender, "channel") == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_nobody_is_written_to_before_the_earlier_list_is_settled(shop: Shop) -> None:
    _set(shop, **{"consent.import": ""})

    assert _facts(shop)["email"].problem == senders.UNDECIDED


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_channel_without_an_account_says_so(shop: Shop) -> None:
    facts = _facts(shop, accounts=StoreAccounts({"email": MAILS}), channels=("email", "sms"))

    assert facts == {"email": SenderFacts(pace="no limit"), "sms": SenderFacts(problem="no account: sms")}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_account_that_is_refused_rests_for_an_hour(shop: Shop) -> None:
    _facts(shop)

    _answer(shop, ACCEPTED, REFUSED)

    resting = _facts(shop)["email"]
    assert (resting.pause, resting.paused_until) == (
        f"the provider refuses the account: {REFUSED.error}",
        NOW + timedelta(hours=1),
    )
    assert _facts(shop, at=NOW + timedelta(hours=1))["email"].pause is None


@pytest.mark.parametrize("silent", [UNKNOWN, NOT_SENT])
def test_a_provider_that_is_silent_three_times_rests_longer_each_time(shop: Shop, silent: SendResult) -> None:
    _facts(shop)

    rests = []
    for _ in range(5):
        _answer(shop, silent, silent)
        rests.append(_facts(shop)["email"].paused_until)

    assert rests == [None, None, NOW + MINUTE, NOW + 2 * MINUTE, NOW + 4 * MINUTE]


def test_after_hours_without_the_provider_what_is_worth_it_leaves_and_the_rest_expires(
    shop: Shop,
) -> None:
    welcome, code = shop.add_message(), shop.add_message(expires_at=NOW + 60 * MINUTE)
    away, back = Post(NOT_SENT), Post()

    for minutes in range(0, 180, 5):
        outbox.run(shop.kit(away), NOW + minutes * MINUTE)
    waiting = [shop.message(one).status for one in (welcome, code)]
    for minutes in range(180, 245, 5):
        outbox.run(shop.kit(back), NOW + minutes * MINUTE)

    assert waiting == ["queued", "expired"]
    assert (shop.message(welcome).status, back.sent_ids) == ("sent", [welcome])
    assert shop.message(code).reason == "expired"


@pytest.mark.parametrize("answer", [ACCEPTED, FAILED])
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_provider_that_answers_again_is_trusted_again(shop: Shop, answer: SendResult) -> None:
    _facts(shop)
    for _ in range(3):
        _answer(shop, UNKNOWN)

    _answer(shop, UNKNOWN, answer)

    assert _facts(shop)["email"].pause is None
    assert seeds.values_of(shop.database, Sender, "failures") == [0]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_another_account_begins_anew(shop: Shop) -> None:
    _facts(shop)
    _answer(shop, REFUSED)

    other = StoreAccounts({"email": Account(SENDGRID, "SG.other", "https://mail.test")})

    assert _facts(shop, accounts=other)["email"].pause is None


def test_what_left_is_counted_by_day(shop: Shop) -> None:
    _facts(shop)

    _answer(shop, ACCEPTED, UNKNOWN, NOT_SENT, FAILED)
    _answer(shop, ACCEPTED, at=NOW + DAY)

    counted = seeds.rows_of(shop.database, SenderDay, "day", "sent")
    assert counted == [(NOW.date(), 2), ((NOW + DAY).date(), 1)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_day_has_no_more_mails_than_the_plan(shop: Shop) -> None:
    _set(shop, **{"sending.email_per_day": "3"})
    _facts(shop)
    _answer(shop, ACCEPTED, ACCEPTED)

    today = _facts(shop)["email"]
    _answer(shop, ACCEPTED)
    spent = _facts(shop)["email"]

    assert (today.allowance, spent.allowance) == (1, 0)
    assert spent.refill_at == (NOW + DAY).replace(hour=0)
    assert _facts(shop, at=NOW + DAY)["email"].allowance == 3


def test_texts_leave_no_faster_than_the_numbers_can(shop: Shop) -> None:
    _set(shop, **{"sending.sms_per_second": "2"})

    full = _facts(shop, channels=("sms",))["sms"]
    with shop.database.write() as session:
        senders.spend(session, shop.id, {"sms": 20}, NOW)
    empty = _facts(shop, channels=("sms",))["sms"]

    assert (full.allowance, full.pace) == (20, "a second: 2")
    assert empty.allowance is not None
    assert empty.allowance < 3
    assert empty.refill_at is not None
    assert empty.refill_at > NOW


@pytest.mark.parametrize(
    ("sent", "bounced", "complained", "problem"),
    [
        (199, 199, 199, None),
        (1000, 20, 3, None),
        (1000, 21, 0, "came back: 21 / 1000"),
        (1000, 0, 4, "called spam: 4 / 1000"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_bad_name_stops_the_sender(
    shop: Shop, sent: int, bounced: int, complained: int, problem: str | None
) -> None:
    _facts(shop)
    _count(shop, days=3, sent=sent, bounced=bounced, complained=complained)

    assert _facts(shop)["email"].breaker == problem


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_is_a_week_ago_is_forgotten_and_so_is_what_the_merchant_looked_at(shop: Shop) -> None:
    _facts(shop)
    _count(shop, days=8, sent=1000, bounced=500)
    forgotten = _facts(shop)["email"].breaker
    _count(shop, days=2, sent=1000, bounced=500)
    bad = _facts(shop)["email"].breaker

    with shop.database.write() as session:
        senders.trust(session, shop.id, "email", NOW.date())

    assert (forgotten, bad) == (None, "came back: 500 / 1000")
    assert _facts(shop)["email"].breaker is None


def test_a_good_check_wakes_what_waited(shop: Shop) -> None:
    _facts(shop)
    waiting = shop.add_message(reason="sender-not-ready", next_at=NOW + DAY)
    other = shop.add_message(reason="quiet-hours", next_at=NOW + DAY)

    with shop.database.write() as session:
        senders.note_check(session, shop.id, "email", problem="key refused", now=NOW)
    asleep = shop.message(waiting).next_at
    problem = _facts(shop)["email"].problem
    with shop.database.write() as session:
        senders.note_check(session, shop.id, "email", problem=None, now=NOW)

    assert (asleep, problem) == (NOW + DAY, "key refused")
    assert _facts(shop)["email"].problem is None
    assert (shop.message(waiting).next_at, shop.message(other).next_at) == (NOW, NOW + DAY)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_rows_are_in_step_with_the_accounts_that_they_are_for(shop: Shop) -> None:
    other = StoreAccounts({"email": Account(SENDGRID, "SG.other", "https://mail.test"), "sms": TEXTS})
    with shop.database.write() as session:
        before = senders.is_in_step(session, shop.id, BOTH)
        senders.sync(session, shop.id, BOTH)
        told = [
            senders.is_in_step(session, shop.id, accounts)
            for accounts in (BOTH, other, StoreAccounts({"email": MAILS}), NO_ACCOUNTS)
        ]

    assert (before, told) == (False, [True, False, False, False])


@pytest.mark.parametrize("engine", ["sqlite"])
def test_texts_are_planned_only_where_they_have_a_way_out(shop: Shop) -> None:
    told = []
    for accounts in (StoreAccounts({"email": MAILS}), BOTH, NO_ACCOUNTS):
        with shop.database.write() as session:
            senders.sync(session, shop.id, accounts)
            told.append(senders.can_text(session, shop.id))

    assert told == [False, True, True]


def _facts(
    shop: Shop, *, accounts: StoreAccounts = BOTH, channels: Sequence[str] = ("email",), at: Any = NOW
) -> dict[str, SenderFacts]:
    with shop.database.write() as session:
        return senders.load(session, session.get_one(Store, shop.id), accounts, channels=channels, now=at)


def _answer(shop: Shop, *answers: SendResult, at: Any = NOW) -> None:
    with shop.database.write() as session:
        senders.spend(session, shop.id, {"email": len(answers)}, at)
        senders.note_left(session, shop.id, "email", answers=answers, now=at)


def _count(shop: Shop, *, days: int, **counts: int) -> None:
    with shop.database.write() as session:
        senders.count(session, shop.id, "email", day=(NOW - days * DAY).date(), counts=counts)


def _set(shop: Shop, **values: str) -> None:
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        stores = table_of(Store)
        kept = {**store.settings, **values}
        session.execute(update(stores).where(stores.c.id == shop.id).values(settings=kept))
