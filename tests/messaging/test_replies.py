"""What people answer to a text message: STOP, START and the rest."""

from datetime import datetime, timedelta

import pytest

from app import consent
from app.consent import NewConsent
from app.messaging import provider_events, reports
from app.models import Consent, ConsentState, CustomerEvent, Suppression
from app.runtime import Runtime
from connectors.delivery import DeliveryKind, DeliveryUpdate, Word
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Shop, open_shop

HOUR = timedelta(hours=1)
NUMBER = "+393331234567"


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop with two people who share a number and agreed to texts, and one with another number."""
    shop = open_shop(runtime)
    with shop.database.write() as session:
        for phone in (NUMBER, NUMBER, "+393337654321"):
            customer = seeds.add_customer(session, shop.id, phone=phone)
            said = NewConsent(shop.id, customer.id, "sms", "subscribed", "consent", NOW - HOUR, "test")
            consent.record(session, [said], NOW)
    return shop


def test_stop_ends_it_for_everybody_with_that_number(shop: Shop) -> None:
    _reply(shop, Word.STOP, "Basta!")

    assert _states(shop) == ["unsubscribed", "unsubscribed", "subscribed"]
    assert seeds.rows_of(shop.database, Suppression, "channel", "reason") == [("sms", "stop")]
    told = [
        details
        for kind, details in seeds.rows_of(shop.database, CustomerEvent, "type", "details")
        if kind == "message.replied"
    ]
    assert told == [{"channel": "sms", "word": "stop", "text": "Basta!"}] * 2


def test_start_takes_back_what_stop_ended_in_the_words_that_were_written(shop: Shop) -> None:
    _reply(shop, Word.STOP, "STOP")
    _reply(shop, Word.START, " Start  please ", at=NOW + HOUR)

    assert _states(shop) == ["subscribed", "subscribed", "subscribed"]
    assert seeds.values_of(shop.database, Suppression, "reason") == []
    said = seeds.rows_of(shop.database, Consent, "source", "state", "wording", "address")
    assert ("sms-reply", "subscribed", "Start please", NUMBER) in said


@pytest.mark.parametrize("engine", ["sqlite"])
def test_start_alone_is_no_consent(shop: Shop) -> None:
    with shop.database.write() as session:
        consent.withdraw(session, shop.id, _people(shop)[0], "sms", source="unsubscribe-link", now=NOW)

    _reply(shop, Word.START, "START", at=NOW + HOUR)

    assert _states(shop) == ["unsubscribed", "subscribed", "subscribed"]


@pytest.mark.parametrize("word", [Word.HELP, Word.OTHER])
@pytest.mark.parametrize("engine", ["sqlite"])
def test_other_words_are_told_and_change_nothing(shop: Shop, word: Word) -> None:
    _reply(shop, word, "Ciao")

    assert _states(shop) == ["subscribed"] * 3
    assert seeds.values_of(shop.database, CustomerEvent, "type").count("message.replied") == 2


def _reply(shop: Shop, word: Word, text: str, at: datetime = NOW) -> None:
    reply = DeliveryUpdate(
        kind=DeliveryKind.REPLIED,
        occurred_at=at,
        key=f"SM:{text}:reply",
        address=NUMBER,
        word=word,
        text=text,
    )
    with shop.database.write() as session:
        provider_events.apply(session, shop.runtime.signer, shop.id, "sms", told=reports.of([reply]), now=at)


def _people(shop: Shop) -> list[int]:
    return [number for number, channel in _held(shop) if channel == "sms"]


def _held(shop: Shop) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in seeds.rows_of(shop.database, ConsentState, "customer_id", "channel")]


def _states(shop: Shop) -> list[str]:
    rows = seeds.rows_of(shop.database, ConsentState, "customer_id", "channel", "state")
    return [state for _, channel, state in sorted(rows) if channel == "sms"]
