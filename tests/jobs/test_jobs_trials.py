"""A text that a merchant sends to themselves leaves by exactly one call, and counts as nothing."""

import json
import zlib
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.messaging import receipts, senders, text_costs, trials
from app.messaging.letters import Letter
from app.messaging.trials import TRIALS, NewTrial, NotPossible
from app.models import DeliveryEvent, Message, SenderDay, Store, TextCost, Trial
from app.runtime import Runtime
from app.stores import settings as store_settings
from connectors.base import Outcome, OutgoingMessage, SendResult
from jobs import trials as job
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import ACCEPTED, Post, Shop, open_shop

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
TEN_MINUTES = timedelta(minutes=10)
ANSWERS = {
    ACCEPTED: ("sent", None),
    SendResult(Outcome.UNKNOWN, error="reset"): ("unknown", "reset"),
    SendResult(Outcome.RETRY, error="429", retry_after_seconds=5): ("failed", "429"),
    SendResult(Outcome.FAILED, error="refused"): ("failed", "refused"),
    SendResult(Outcome.PAUSE_SENDER, error="401"): ("failed", "401"),
}


def letter_of(subject: str, channel: str = "email") -> Letter:
    html = "<p>Testo</p>" if channel == "email" else None
    kept: dict[str, object] = {"subject": subject, "text": "Testo", "html": html, "headers": {}, "links": []}
    outgoing = OutgoingMessage("0", channel, "x@y.example", "", "", subject, "Testo", None)
    return Letter(outgoing, zlib.compress(json.dumps(kept).encode()))


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return open_shop(runtime)


def ask(shop: Shop, token: str = "a", setting: str = "sender.email", locale: str = "it") -> None:
    channel = "sms" if setting == "notices.phone" else "email"
    with shop.database.write() as session:
        wanted = NewTrial(token, "welcome/W2", locale, setting, letter_of("Ciao", channel))
        trials.ask(session, shop.runtime.signer, shop.id, trial=wanted, now=NOW)


def run(shop: Shop, post: Post) -> None:
    job.run(shop.kit(post), NOW)


def test_it_leaves_once_marked_as_one_and_counts_as_no_message(shop: Shop) -> None:
    post = Post()
    ask(shop)
    ask(shop)

    run(shop, post)
    run(shop, post)

    (sent,) = post.sent
    assert (sent.to_address, sent.subject) == ("ciao@bottega.example", "[Prova] Ciao")
    assert sent.from_address == "ciao@bottega.example"
    assert not sent.message_id.isdecimal()
    assert seeds.rows_of(shop.database, Trial, "status", "letter") == [("sent", None)]
    for model in (Message, DeliveryEvent, SenderDay):
        assert seeds.rows_of(shop.database, model) == []


def test_whatever_the_provider_says_it_is_called_once(shop: Shop) -> None:
    for number, (answer, ending) in enumerate(ANSWERS.items()):
        post = Post(answer)
        ask(shop, str(number), locale="en")

        run(shop, post)
        run(shop, post)

        assert [message.subject for message in post.sent] == ["[Test] Ciao"]
        assert seeds.rows_of(shop.database, Trial, "status", "error")[-1] == ending


def test_one_that_was_cut_off_is_not_known_and_never_sent_again(shop: Shop) -> None:
    ask(shop)
    post = Post()
    with shop.database.write() as session:
        session.execute(
            update(TRIALS).where(TRIALS.c.store_id == shop.id).values(status="sending", claimed_at=NOW)
        )

    run(shop, post)

    with shop.database.read() as session:
        (row,) = trials.latest(session, shop.id, "welcome/W2")
    assert post.sent == []
    assert trials.status_of(row, NOW + TEN_MINUTES) == "sending"
    assert trials.status_of(row, NOW + TEN_MINUTES + timedelta(seconds=1)) == "unknown"


@pytest.mark.parametrize(
    "values", [{"state": "uninstalled"}, {"is_copy": True}, {"other_home": {"url": "x"}}]
)
def test_a_shop_that_may_not_send_sends_no_trial(shop: Shop, values: dict[str, object]) -> None:
    ask(shop)
    post = Post()
    with shop.database.write() as session:
        for name, value in values.items():
            setattr(session.get_one(Store, shop.id), name, value)

    run(shop, post)

    assert post.sent == []
    assert seeds.values_of(shop.database, Trial, "status") == ["failed"]


def test_there_are_twenty_a_day_and_old_ones_are_forgotten(shop: Shop) -> None:
    for number in range(trials.MOST_A_DAY["email"]):
        ask(shop, str(number))

    with pytest.raises(NotPossible, match="too-many"):
        ask(shop, "one more")
    with shop.database.write() as session:
        session.execute(
            update(TRIALS).where(TRIALS.c.store_id == shop.id).values(asked_at=NOW - timedelta(days=31))
        )
    ask(shop, "a month later")

    assert seeds.values_of(shop.database, Trial, "token") == ["a month later"]


def test_it_goes_to_an_address_of_the_settings_only(shop: Shop) -> None:
    with pytest.raises(NotPossible, match="address"):
        ask(shop, setting="someone@else.example")
    with pytest.raises(NotPossible, match="address"):
        ask(shop, setting="notices.email")


@pytest.fixture
def texting(shop: Shop) -> Shop:
    """A shop with a Twilio account, whose merchant typed her own number."""
    with shop.database.write() as session:
        values = {"notices.phone": "+39 333 1234567", "sending.sms_spend_per_month": "1"}
        store_settings.write(session, session.get_one(Store, shop.id), values, vault=shop.runtime.vault)
        senders.ensure(session, shop.id, "sms", "of-an-account")
    return shop


def test_a_text_goes_to_the_merchants_own_number_once_marked_and_is_reckoned(texting: Shop) -> None:
    post = Post()
    ask(texting, setting="notices.phone")
    ask(texting, setting="notices.phone")
    reckoned = seeds.rows_of(texting.database, TextCost, "subject", "micros")

    run(texting, post)

    (sent,) = post.sent
    assert (sent.channel, sent.to_address, sent.text) == ("sms", "+393331234567", "[Prova] Testo")
    assert (sent.html, sent.message_id) == (None, "trial-1")
    assert reckoned == [("trial-1", 100_000)]
    assert seeds.rows_of(texting.database, TextCost, "provider_message_id") == [("provider-1",)]
    assert seeds.rows_of(texting.database, Message) == []


def test_a_text_that_did_not_leave_costs_nothing(texting: Shop) -> None:
    ask(texting, setting="notices.phone")

    run(texting, Post(SendResult(Outcome.FAILED, error="21211")))

    assert seeds.rows_of(texting.database, TextCost, "subject") == []


def test_texts_have_a_day_and_a_month_of_their_own(texting: Shop) -> None:
    for number in range(trials.MOST_A_DAY["sms"]):
        ask(texting, str(number), "notices.phone")

    with pytest.raises(NotPossible, match="too-many"):
        ask(texting, "one more", "notices.phone")
    ask(texting, "a mail")
    with texting.database.write() as session:
        session.execute(update(TRIALS).values(asked_at=NOW - timedelta(days=2)))
        session.execute(update(text_costs.COSTS).values(micros=200_000))
    with pytest.raises(NotPossible, match="over-cost"):
        ask(texting, "the month is spent", "notices.phone")
    assert "the month is spent" not in seeds.values_of(texting.database, Trial, "token")


def test_a_number_that_said_stop_gets_no_test_either(texting: Shop) -> None:
    with texting.database.write() as session:
        receipts.suppress(
            session,
            texting.runtime.signer,
            texting.id,
            channel="sms",
            address="+393331234567",
            reason="stop",
            now=NOW,
        )

    with pytest.raises(NotPossible, match="refused"):
        ask(texting, setting="notices.phone")


def test_a_text_goes_to_no_mail_address_and_a_mail_to_no_number(texting: Shop) -> None:
    crossed = {"sender.email": letter_of("Ciao", "sms"), "notices.phone": letter_of("Ciao")}
    for setting, letter in crossed.items():
        wanted = NewTrial("a", "welcome/W2", "it", setting, letter)
        with texting.database.write() as session, pytest.raises(NotPossible, match="address"):
            trials.ask(session, texting.runtime.signer, texting.id, trial=wanted, now=NOW)
