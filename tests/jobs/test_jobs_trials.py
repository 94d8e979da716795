"""A text that a merchant sends to themselves leaves by exactly one call, and counts as nothing."""

import json
import zlib
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.messaging import trials
from app.messaging.letters import Letter
from app.messaging.trials import TRIALS, NewTrial, NotPossible
from app.models import DeliveryEvent, Message, SenderDay, Store, Trial
from app.runtime import Runtime
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


def letter_of(subject: str) -> Letter:
    kept = {"subject": subject, "text": "Testo", "html": "<p>Testo</p>", "headers": {}, "links": []}
    outgoing = OutgoingMessage("0", "email", "x@y.example", "", "", subject, "Testo", None)
    return Letter(outgoing, zlib.compress(json.dumps(kept).encode()))


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return open_shop(runtime)


def ask(shop: Shop, token: str = "a", setting: str = "sender.email", locale: str = "it") -> None:
    with shop.database.write() as session:
        trials.ask(session, shop.id, NewTrial(token, "welcome/W2", locale, setting, letter_of("Ciao")), NOW)


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
    for number in range(trials.MOST_A_DAY):
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
