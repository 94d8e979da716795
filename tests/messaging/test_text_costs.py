"""What texts may cost in a month: reckoned before they leave, corrected by the provider's prices."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from app import consent
from app.consent import NewConsent
from app.messaging import claim, content, editions, senders, text_costs
from app.messaging.claim import Claimed
from app.models import Decision, Notice, Sender, Store, TextCost
from app.runtime import Runtime
from app.stores import settings as store_settings
from app.stores.accounts import TWILIO, Account, StoreAccounts
from app.web import attention
from app.web import senders as screen
from connectors.base import Outcome, SendResult
from connectors.channels.twilio.prices import TextPrice
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TEXTS = Account(TWILIO, "token", "https://text.test", "AC1", "MG1")
ACCOUNTS = StoreAccounts({"sms": TEXTS})
NEXT_MONTH = datetime(NOW.year + NOW.month // 12, NOW.month % 12 + 1, 1, tzinfo=NOW.tzinfo)
CENT = 10_000
_NUMBERS = count(1)
LONG = "Auguri da tutti noi! " * 12
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may spend one euro a month, at ten cents a part."""
    shop = open_shop(runtime)
    seeds.switch_on(shop.database, shop.id, "birthday", since=NOW)
    _set(
        shop,
        **{
            "consent.import": "declined",
            "sending.sms_price_minor": "10",
            "sending.sms_price_currency": "EUR",
            "sending.sms_spend_per_month": "1",
        },
    )
    return shop


def test_a_text_that_the_month_cannot_pay_waits_and_says_why(shop: Shop) -> None:
    _spent(shop, 95 * CENT)
    message_id = _text(shop)

    claimed = _claim(shop)

    row = shop.message(message_id)
    assert claimed.outgoing == []
    assert (row.status, row.reason, row.next_at) == ("queued", "over-cost", row.expires_at)
    (decision,) = seeds.values_of(shop.database, Decision, "steps")
    assert decision[-1]["value"] == "texts a month: 1 EUR"


def test_what_waited_for_money_ends_with_its_time_and_keeps_both_reasons(shop: Shop) -> None:
    _spent(shop, 95 * CENT)
    message_id = _text(shop)
    _claim(shop)

    _claim(shop, at=shop.message(message_id).expires_at)

    assert shop.message(message_id).status == "expired"
    assert seeds.values_of(shop.database, Decision, "reason") == ["over-cost", "expired"]


def test_what_is_worth_it_longer_leaves_with_the_next_month(shop: Shop) -> None:
    _spent(shop, 100 * CENT)
    message_id = _text(shop, expires_at=NEXT_MONTH + 5 * DAY)
    _claim(shop)

    waits_until = shop.message(message_id).next_at
    claimed = _claim(shop, at=NEXT_MONTH + 12 * HOUR)

    assert waits_until == NEXT_MONTH
    assert [one.message_id for one in claimed.outgoing] == [str(message_id)]


def test_a_long_text_is_paid_by_its_parts_and_a_short_one_after_it_still_leaves(shop: Shop) -> None:
    _spent(shop, 85 * CENT)
    _own_words(shop, LONG)
    long = _text(shop)
    claimed = _claim(shop)
    _own_words(shop, "Auguri!")
    short = _text(shop)

    later = _claim(shop)

    assert (claimed.outgoing, shop.message(long).reason) == ([], "over-cost")
    assert [one.message_id for one in later.outgoing] == [str(short)]
    assert _costs(shop)[-1] == (f"message-{short}", 10 * CENT, 1)


def test_of_one_batch_no_more_leaves_than_the_month_pays(shop: Shop) -> None:
    _own_words(shop, "Auguri!")
    _spent(shop, 80 * CENT)
    ids = [_text(shop) for _ in range(4)]

    claimed = _claim(shop)

    assert len(claimed.outgoing) == 2
    assert sorted(shop.message(one).status for one in ids) == ["queued"] * 2 + ["sending"] * 2
    assert sum(micros for _, micros, _ in _costs(shop)) == 100 * CENT


@pytest.mark.parametrize(
    ("most", "left"), [("0", None), ("", 4_905 * CENT), ("2", 105 * CENT), ("1", 5 * CENT)]
)
def test_the_limit_is_the_merchants(shop: Shop, most: str, left: int | None) -> None:
    _spent(shop, 95 * CENT)
    _set(shop, **{"sending.sms_spend_per_month": most})

    with shop.database.write() as session:
        found = senders.load(session, session.get_one(Store, shop.id), ACCOUNTS, channels=("sms",), now=NOW)

    assert found["sms"].budget is not None
    assert found["sms"].budget.left == left


def test_a_raised_limit_wakes_what_waited_for_it(shop: Shop) -> None:
    _spent(shop, 100 * CENT)
    message_id = _text(shop, attempts=1)
    _claim(shop)

    _set(shop, **{"sending.sms_spend_per_month": "2"})

    assert shop.message(message_id).next_at == NOW


def test_mails_cost_nothing(shop: Shop) -> None:
    accounts = StoreAccounts({"email": Account("sendgrid", "SG.k", "https://mail.test"), "sms": TEXTS})
    _spent(shop, 100 * CENT)
    shop.add_message()

    assert len(_claim(shop, accounts=accounts).outgoing) == 1
    assert len(_costs(shop)) == 1


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome.ACCEPTED, True),
        (Outcome.UNKNOWN, True),
        (Outcome.FAILED, False),
        (Outcome.RETRY, False),
        (Outcome.SUPPRESS, False),
        (Outcome.PAUSE_SENDER, False),
    ],
)
def test_what_did_not_leave_costs_nothing(shop: Shop, outcome: Outcome, counts: bool) -> None:
    _text(shop)
    (sent,) = _claim(shop).outgoing

    _answered(shop, sent.message_id, SendResult(outcome, "SM1", error="x"))

    assert bool(_costs(shop)) is counts


def test_what_leaves_again_after_a_lost_answer_is_reckoned_twice(shop: Shop) -> None:
    _own_words(shop, "Auguri!")
    message_id = _text(shop)
    _claim(shop)
    with shop.database.write() as session:
        session.execute(claim.MESSAGES.update().values(status="queued", next_at=NOW))

    _claim(shop)

    assert _costs(shop) == [(f"message-{message_id}", 20 * CENT, 1)]


def test_the_providers_price_takes_the_estimates_place_and_teaches_the_next(shop: Shop) -> None:
    _own_words(shop, "Auguri!")
    _text(shop)
    (sent,) = _claim(shop).outgoing
    _answered(shop, sent.message_id, SendResult(Outcome.ACCEPTED, "SM1"))

    priced = _settle(shop, {"SM1": TextPrice(14 * CENT, "EUR", 1)}, NOW + HOUR)
    _text(shop)
    _claim(shop)

    assert priced == 1
    assert [micros for _, micros, _ in _costs(shop)] == [14 * CENT, 14 * CENT]
    assert seeds.rows_of(shop.database, Sender, "part_micros", "billed_in") == [(14 * CENT, "EUR")]


def test_a_price_below_the_estimate_wakes_what_waited_for_money(shop: Shop) -> None:
    _own_words(shop, "Auguri!")
    _spent(shop, 90 * CENT)
    _text(shop)
    (sent,) = _claim(shop).outgoing
    _answered(shop, sent.message_id, SendResult(Outcome.ACCEPTED, "SM1"))
    waiting = _text(shop, attempts=1)
    _claim(shop)
    held = shop.message(waiting)

    _settle(shop, {"SM1": TextPrice(4 * CENT, "EUR", 1)}, NOW + HOUR)

    assert (held.reason, held.next_at > NOW + HOUR) == ("over-cost", True)
    assert shop.message(waiting).next_at == NOW + HOUR


def test_a_price_in_another_currency_corrects_nothing_and_is_told(shop: Shop) -> None:
    _own_words(shop, "Auguri!")
    _text(shop)
    (sent,) = _claim(shop).outgoing
    _answered(shop, sent.message_id, SendResult(Outcome.ACCEPTED, "SM1"))

    _settle(shop, {"SM1": TextPrice(14 * CENT, "USD", 1)}, NOW + HOUR)

    assert [micros for _, micros, _ in _costs(shop)] == [10 * CENT]
    assert _spending(shop).billed_in == "USD"


def test_a_price_that_never_comes_is_asked_for_three_days(shop: Shop) -> None:
    _text(shop)
    (sent,) = _claim(shop).outgoing
    _answered(shop, sent.message_id, SendResult(Outcome.ACCEPTED, "SM1"))

    asked, moment = 0, NOW
    while _asks(shop) is not None:
        asked, moment = asked + 1, _asks(shop) or NOW
        _settle(shop, {}, moment)

    assert 3 <= asked <= 20
    assert timedelta(days=2) < moment - NOW < timedelta(days=5)
    assert len(_costs(shop)) == 1


def test_another_stores_texts_and_prices_are_its_own(shop: Shop) -> None:
    other = Shop(shop.runtime, seeds.new_store(shop.database, "altrove"))
    _spent(other, 100 * CENT, sid="SM1")
    _text(shop)
    (sent,) = _claim(shop).outgoing
    _answered(shop, sent.message_id, SendResult(Outcome.ACCEPTED, "SM1"))

    _settle(shop, {"SM1": TextPrice(1 * CENT, "EUR", 1)}, NOW + HOUR)

    assert (100 * CENT) in [micros for _, micros, _ in _costs(other)]


def test_the_merchant_is_warned_once_a_month_from_four_fifths_on(shop: Shop) -> None:
    _spent(shop, 60 * CENT)
    _own_words(shop, "Auguri!")
    told = []
    for _ in range(3):
        _text(shop)
        _claim(shop)
        told.append(len(seeds.rows_of(shop.database, Notice, "kind")))
    raised = seeds.rows_of(shop.database, Notice, "kind", "raised_at", "n")

    assert told == [0, 1, 1]
    assert raised == [("text_budget", NOW, 1)]
    assert _lines(shop) == {"text_budget": (90, "texts a month: 1 EUR")}


def test_a_month_that_is_spent_is_told_as_such(shop: Shop) -> None:
    _spent(shop, 95 * CENT)

    assert _lines(shop) == {"text_budget_full": (100, "texts a month: 1 EUR")}


def _text(shop: Shop, **values: Any) -> int:
    """A birthday text that is due now, to somebody who agreed to texts; the id."""
    with shop.database.write() as session:
        number = f"+39333{next(_NUMBERS):07}"
        customer = seeds.add_customer(session, shop.id, phone=number, country="IT")
        said = NewConsent(shop.id, customer.id, "sms", "subscribed", "consent", NOW, "test")
        consent.record(session, [said], NOW)
        fields = {
            "channel": "sms",
            "flow_key": "birthday",
            "step": "B2",
            "context": {"content": "birthday/B2", "only_if": []},
        }
        return seeds.add_message(session, shop.id, customer.id, **(fields | values)).id


def _claim(shop: Shop, *, at: datetime = NOW, accounts: StoreAccounts = ACCOUNTS) -> Claimed:
    kit = shop.kit(Post())
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        return claim.claim(session, kit.letters, store, accounts=accounts, now=at, limit=100)


def _answered(shop: Shop, message_id: str, result: SendResult) -> None:
    with shop.database.write() as session:
        text_costs.note_answers(session, shop.id, [(text_costs.subject_of(message_id), result)])


def _settle(shop: Shop, prices: Mapping[str, TextPrice], at: datetime) -> int:
    with shop.database.write() as session:
        return text_costs.settle(session, shop.id, prices, at)


def _spent(shop: Shop, micros: int, *, sid: str | None = None) -> None:
    with shop.database.write() as session:
        session.add(
            TextCost(
                store_id=shop.id,
                subject="message-0",
                spent_on=NOW.date(),
                currency="EUR",
                micros=micros,
                parts=1,
                provider_message_id=sid,
            )
        )


def _costs(shop: Shop) -> list[tuple[Any, ...]]:
    """Subject, micros and parts of the shop's texts."""
    rows = seeds.rows_of(shop.database, TextCost, "store_id", "subject", "micros", "parts")
    return [tuple(row[1:]) for row in rows if row[0] == shop.id]


def _asks(shop: Shop) -> datetime | None:
    moment: datetime | None = seeds.values_of(shop.database, TextCost, "ask_at")[0]
    return moment


def _own_words(shop: Shop, words: str) -> None:
    with shop.database.write() as session:
        original = content.named("birthday/B2")
        wordings = {
            locale: editions.Wording(found.mail, words)
            for locale in ("it", "en")
            if (found := editions.wording_of(original, locale)) is not None
        }
        seen = editions.versions(session, shop.id, "birthday/B2")
        editions.save(session, shop.id, "birthday/B2", wordings=wordings, seen=seen, now=NOW)


def _spending(shop: Shop) -> text_costs.Spending:
    with shop.database.read() as session:
        row = next(iter(senders.of_store(session, shop.id)), None)
        return text_costs.spending(session, session.get_one(Store, shop.id), row, NOW.date())


def _lines(shop: Shop) -> dict[str, tuple[int, str]]:
    """What the home page says of money."""
    _set(
        shop,
        **{
            "twilio.account_sid": "AC" + "0" * 32,
            "twilio.auth_token": "t0ken-of-the-shop",
            "twilio.messaging_service_sid": "MG" + "1" * 32,
        },
    )
    with shop.database.read() as session:
        store = session.get_one(Store, shop.id)
        views = screen.of_store(session, shop.runtime, store, NOW)
        items = attention.of_store(
            session, store, has_sender=True, active_flows=1, grant_url="/", ways_out=views
        )
    return {item.key: (item.n, item.problem) for item in items if item.key.startswith("text_budget")}


def _set(shop: Shop, **values: str) -> None:
    with shop.database.write() as session:
        store_settings.write(session, session.get_one(Store, shop.id), values, vault=shop.runtime.vault)
