"""Messages whose answer was lost: when the channel is asked, and when silence settles them, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.crypto import UnreadableSecret
from app.messaging import silence
from app.models import DeliveryEvent, Heartbeat, MessageAttempt, SetAside, Store
from app.runtime import Runtime
from app.stores import settings
from connectors.base import Outcome, SendResult, Unsettled
from jobs import doubts
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

MINUTE, HOUR, SECOND = timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=1)
LEFT = NOW - HOUR


@dataclass
class Listening:
    """What stands around an unknown mail: the setting, our ear, later events, earlier attempts."""

    setting: str = "silence"
    channel: str = "email"
    heard_since: datetime | None = NOW - HOUR
    heard_at: datetime = NOW - MINUTE
    later_event: str | None = "delivered"
    earlier: str | None = None


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def test_silence_settles_a_mail_when_everything_speaks_for_it(shop: Shop) -> None:
    message_id = _unknown(shop, Listening())

    settled = doubts.settle(shop.kit(Post()), NOW)

    row = shop.message(message_id)
    assert (settled, row.status, row.unknown_since) == (1, "queued", None)
    assert seeds.values_of(shop.database, MessageAttempt, "outcome") == ["lost"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_mail_that_was_refused_for_the_moment_before_is_settled_all_the_same(shop: Shop) -> None:
    message_id = _unknown(shop, Listening(earlier="retry"))

    doubts.settle(shop.kit(Post()), NOW)

    assert shop.message(message_id).status == "queued"


@pytest.mark.parametrize(
    "around",
    [
        Listening(setting="look-up"),
        Listening(channel="sms"),
        Listening(heard_since=None),
        Listening(heard_since=NOW - 29 * MINUTE),
        Listening(heard_at=NOW - 2 * MINUTE),
        Listening(later_event=None),
        Listening(later_event="clicked"),
        Listening(earlier="lost"),
    ],
    ids=[
        "look-up",
        "text",
        "deaf",
        "deaf a while ago",
        "deaf now",
        "no events",
        "no provider's event",
        "once already",
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_silence_says_nothing_otherwise(shop: Shop, around: Listening) -> None:
    message_id = _unknown(shop, around)

    settled = doubts.settle(shop.kit(Post()), NOW)

    assert (settled, shop.message(message_id).status) == (0, "unknown")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_silence_waits_as_long_as_the_merchant_said(shop: Shop) -> None:
    message_id = _unknown(shop, Listening(), unknown_since=NOW - 29 * MINUTE)

    doubts.settle(shop.kit(Post()), NOW)
    early = shop.message(message_id).status
    with shop.database.write() as session:
        silence.beat(session, NOW + MINUTE)
    doubts.settle(shop.kit(Post()), NOW + 30 * MINUTE)
    deaf = shop.message(message_id).status

    assert (early, deaf) == ("unknown", "unknown")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_provider_is_asked_after_a_while_and_then_more_and_more_seldom(shop: Shop) -> None:
    post = Post(look_up_after=10 * MINUTE)
    _unknown(shop, Listening(setting="look-up"), unknown_since=NOW)
    asked = []

    for minutes in range(0, 26 * 60, 5):
        before = len(post.asked)
        doubts.settle(shop.kit(post), NOW + minutes * MINUTE)
        asked += [minutes] * (len(post.asked) - before)

    assert asked == [10, 20, 40, 80, 160, 320, 640, 1280]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_store_whose_account_cannot_be_opened_keeps_no_other_waiting(shop: Shop) -> None:
    _unknown(shop, Listening(setting="look-up"))
    other = open_shop(shop.runtime, "altra")
    message_id = _unknown(other, Listening(setting="look-up", heard_since=None))
    with shop.database.write() as session:
        session.get_one(Store, shop.id).credentials = " sealed-with-a-key-that-is-gone"
    post = Post(known=SendResult(Outcome.ACCEPTED))

    with pytest.raises(UnreadableSecret):
        doubts.settle(shop.kit(post), NOW)

    assert other.message(message_id).status == "sent"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_the_provider_knows_settles_it(shop: Shop) -> None:
    message_id = _unknown(shop, Listening(setting="look-up"))
    post = Post(known=SendResult(Outcome.ACCEPTED, provider_message_id="sg-7"))

    settled = doubts.settle(shop.kit(post), NOW)

    row = shop.message(message_id)
    assert (settled, row.status, row.provider_message_id) == (1, "sent", "sg-7")


def test_one_that_breaks_our_own_code_keeps_no_other_of_its_shop_in_doubt(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _unknown(shop, Listening(setting="look-up"))
    moments: dict[str, Any] = {"sent_at": LEFT, "unknown_since": LEFT, "next_at": LEFT + SECOND}
    sound = shop.add_message(status="unknown", attempts=1, key="other", **moments)
    post = Post(known=SendResult(Outcome.ACCEPTED))
    ask = post.look_up

    def _ask(unsettled: Unsettled) -> SendResult | None:
        if unsettled.message_id == str(broken):
            raise ZeroDivisionError
        return ask(unsettled)

    with monkeypatch.context() as patch:
        patch.setattr(post, "look_up", _ask)
        doubts.settle(shop.kit(post), NOW)
    asided = seeds.rows_of(shop.database, SetAside, "work", "subject_id", "next_at")
    at_first = [shop.message(one).status for one in (broken, sound)]
    doubts.settle(shop.kit(post), NOW + MINUTE)

    assert asided == [("doubts", broken, NOW + MINUTE)]
    assert at_first == ["unknown", "sent"]
    assert shop.message(broken).status == "sent"
    assert seeds.values_of(shop.database, SetAside, "subject_id") == []


def test_the_ear_was_open_since_the_last_gap(shop: Shop) -> None:
    heard = []
    for moment in (NOW, NOW + 60 * SECOND, NOW + 140 * SECOND, NOW + 231 * SECOND, NOW + 240 * SECOND):
        with shop.database.write() as session:
            silence.beat(session, moment)
            heard.append(silence._listening_since(session, moment))

    assert heard == [NOW, NOW, NOW, NOW + 231 * SECOND, NOW + 231 * SECOND]


def _unknown(shop: Shop, around: Listening, unknown_since: datetime = LEFT) -> int:
    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        store.settings = {**store.settings, "sending.settle": around.setting}
        if around.heard_since is not None:
            beat = Heartbeat(name=silence.RECEIVER, since=around.heard_since, at=around.heard_at)
            session.add(beat)
    values: dict[str, Any] = {
        "sent_at": unknown_since,
        "unknown_since": unknown_since,
        "next_at": unknown_since,
    }
    message_id = shop.add_message(status="unknown", channel=around.channel, attempts=1, key="lost", **values)
    later = shop.add_message(status="delivered", channel=around.channel, sent_at=NOW - MINUTE, key="later")
    with shop.database.write() as session:
        attempt = {"store_id": shop.id, "message_id": message_id, "started_at": unknown_since}
        session.add(MessageAttempt(**attempt))
        if around.earlier:
            session.add(MessageAttempt(**attempt, ended_at=unknown_since, outcome=around.earlier))
        if around.later_event:
            event = DeliveryEvent(
                store_id=shop.id,
                message_id=later,
                type=around.later_event,
                occurred_at=NOW - MINUTE,
                event_key="later",
            )
            session.add(event)
    return message_id


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(("key", "is_woken"), [("sending.settle", True), ("sending.email_per_day", False)])
def test_choosing_how_to_settle_has_what_is_unknown_looked_at_at_once(
    shop: Shop, key: str, is_woken: bool
) -> None:
    later = NOW + 8 * HOUR
    message_id = shop.add_message(status="unknown", unknown_since=LEFT, sent_at=LEFT, next_at=later)

    with shop.database.write() as session:
        values = {"sending.settle": "silence", "sending.email_per_day": "9"}
        settings.write(session, session.get_one(Store, shop.id), {key: values[key]}, vault=shop.runtime.vault)

    assert shop.message(message_id).next_at == (NOW if is_woken else later)
