"""Double opt-in: whose yes waits for a mail, what that mail is, and what its button proves."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import clock, consent
from app.consent import NewConsent
from app.messaging import addresses, receipts
from app.models import (
    Consent,
    ConsentState,
    Customer,
    CustomerEvent,
    Enrollment,
    Message,
    SetAside,
    Store,
    StoreWrite,
)
from app.runtime import Runtime
from connectors.base import OutgoingMessage
from jobs import confirmations, outbox
from jobs.kit import Kit
from jobs.tick import tick
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, open_shop
from tests.sites import app_over

SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LINK = re.compile(r"(/o/[^\s\"<>]+)")


@dataclass
class Shop:
    """A shop with double opt-in and the welcome flow on, a provider, and a browser."""

    runtime: Runtime
    id: int
    client: FlaskClient
    post: Post = field(default_factory=Post)

    def meet(self, **values: Any) -> int:
        """Somebody becomes known; their id."""
        with self.runtime.database.write() as session:
            return seeds.add_customer(session, self.id, **values).id

    def says(self, customer_id: int, state: str = "subscribed", **values: Any) -> None:
        """They speak of mails, at the checkout if nothing else is given."""
        fields = {"basis": "consent", "occurred_at": NOW, "source": "checkout", "wording": "Sì, scrivetemi"}
        said = NewConsent(self.id, customer_id, "email", state, **{**fields, **values})
        with self.runtime.database.write() as session:
            consent.record(session, [said], NOW)

    def work(self, now: Any = NOW) -> list[OutgoingMessage]:
        """The mails that leave at a moment."""
        before = len(self.post.sent)
        kit = open_kit(self)
        confirmations.run(kit, now)
        outbox.run(kit, now)
        return self.post.sent[before:]

    def set(self, **values: str) -> None:
        """Change settings; `_` stands for the dot."""
        with self.runtime.database.write() as session:
            store = session.get_one(Store, self.id)
            changed = {f"consent.{key}": value for key, value in values.items()}
            store.settings = {**store.settings, **changed}

    def state(self) -> list[tuple[Any, ...]]:
        """What the ledger says now."""
        return seeds.rows_of(self.runtime.database, ConsentState, "state", "basis", "is_own")


def open_kit(shop: Shop) -> Kit:
    """A worker that sends by the shop's provider."""

    return Kit.build(shop.runtime, shop.post)


def link_of(mail: OutgoingMessage) -> str:
    """Where the button of a confirmation mail leads."""
    found = LINK.search(mail.text)
    assert found
    return found[1]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    opened = open_shop(runtime)
    app = app_over(runtime)
    made = Shop(runtime, opened.id, app.test_client())
    made.set(double_opt_in="on")
    return made


def test_a_yes_waits_until_the_button_behind_the_mail_is_pressed(shop: Shop) -> None:
    customer_id = shop.meet()
    shop.says(customer_id)
    pending = shop.state()
    mail = seeds.only(shop.work())

    with clock.frozen_at(NOW + HOUR):
        shown = shop.client.get(link_of(mail))
        looked = shop.state()
        pressed = shop.client.post(link_of(mail), data={"act": "confirm"}, headers={"User-Agent": "Phone"})

    assert pending == looked == [("pending", "consent", False)]
    assert (shown.status_code, shown.text.count("<button")) == (200, 1)
    assert (pressed.status_code, "Confermato" in pressed.text) == (200, True)
    assert shop.state() == [("subscribed", "double_opt_in", True)]
    row = seeds.rows_of(shop.runtime.database, Consent, "source", "wording", "occurred_at", "evidence")[-1]
    assert row[:3] == ("confirmation", "Sì, scrivetemi", NOW + HOUR)
    assert row[3] == {
        "said_at": NOW.isoformat(),
        "said_to": "checkout",
        "sent_at": NOW.isoformat(),
        "confirmed_at": (NOW + HOUR).isoformat(),
        "message": mail.message_id,
        "ip": "127.0.0.1",
        "user_agent": "Phone",
    }
    assert seeds.values_of(shop.runtime.database, StoreWrite, "subject") == [f"email:{customer_id}"]


@SQLITE
def test_the_mail_asks_and_does_nothing_else(shop: Shop) -> None:
    customer_id = shop.meet(locale="it")
    tracked = NewConsent(shop.id, customer_id, "tracking", "subscribed", "consent", NOW, "shop")
    with shop.runtime.database.write() as session:
        consent.record(session, [tracked], NOW)
    shop.says(customer_id)

    mail = seeds.only(shop.work())

    assert mail.subject == "Confermi la tua iscrizione?"
    assert mail.headers == {}
    assert "utm_" not in mail.text + (mail.html or "")
    assert not re.search(r"/[cup]/", mail.text)
    assert "via Garibaldi 12, 10122 Torino" in mail.text
    assert "Bottega Aurora" in mail.text
    assert mail.text.count("/o/") == 1
    assert "<img" not in (mail.html or "")


@SQLITE
def test_welcome_begins_with_the_confirmation(shop: Shop) -> None:
    shop.says(shop.meet())
    kit = open_kit(shop)
    tick(kit, NOW)
    waiting = seeds.rows_of(shop.runtime.database, Enrollment)

    with clock.frozen_at(NOW + HOUR):
        shop.client.post(link_of(seeds.only(shop.post.sent)), data={"act": "confirm"})
    tick(kit, NOW + HOUR)

    assert waiting == []
    assert seeds.values_of(shop.runtime.database, Enrollment, "flow_key") == ["welcome"]


@SQLITE
@pytest.mark.parametrize(
    "said",
    [
        {"basis": "double_opt_in"},
        {"basis": "soft_opt_in"},
        {"is_history": True},
        {"occurred_at": NOW - 91 * DAY},
        {"state": "unsubscribed", "basis": None},
    ],
    ids=["the platform's own", "a sale", "history", "before the install", "no"],
)
def test_what_needs_no_confirmation_stays_as_it_was_said(shop: Shop, said: dict[str, Any]) -> None:
    shop.says(shop.meet(), **said)

    assert shop.work() == []
    assert [state for state, _, _ in shop.state()] == [said.get("state", "subscribed")]


@SQLITE
def test_without_double_opt_in_a_yes_is_a_yes(shop: Shop) -> None:
    shop.set(double_opt_in="off")

    shop.says(shop.meet())

    assert shop.work() == []
    assert shop.state() == [("subscribed", "consent", False)]


@SQLITE
def test_who_confirmed_is_not_asked_again_at_the_next_order(shop: Shop) -> None:
    customer_id = shop.meet()
    shop.says(customer_id, basis="double_opt_in")

    shop.says(customer_id, occurred_at=NOW + HOUR)

    assert shop.work(NOW + HOUR) == []
    assert shop.state()[0][0] == "subscribed"


@SQLITE
def test_a_profile_that_goes_on_saying_yes_asks_once(shop: Shop) -> None:
    customer_id = shop.meet()
    for days in range(3):
        shop.says(customer_id, occurred_at=NOW + days * DAY, is_standing=True, source="shopify")

    assert seeds.values_of(shop.runtime.database, Consent, "state") == ["pending"]
    assert len(shop.work(NOW + 3 * DAY)) == 1


@SQLITE
def test_the_same_statement_told_twice_waits_once(shop: Shop) -> None:
    customer_id = shop.meet()
    shop.says(customer_id)
    shop.says(customer_id)

    assert len(shop.work()) == 1
    kinds = seeds.values_of(shop.runtime.database, CustomerEvent, "type")
    assert kinds == ["consent.changed", "message.sent"]


def test_an_address_is_asked_once_a_day(shop: Shop) -> None:
    one, other = shop.meet(email="same@example.com"), shop.meet(email="same@example.com")
    shop.says(one)
    shop.says(other)
    first = shop.work()
    shop.says(one, occurred_at=NOW + HOUR)
    same_day = shop.work(NOW + HOUR)
    shop.says(one, occurred_at=NOW + 25 * HOUR)

    next_day = shop.work(NOW + 25 * HOUR)

    assert [len(mails) for mails in (first, same_day, next_day)] == [1, 0, 1]


def test_a_store_sends_so_many_an_hour_and_the_rest_waits(shop: Shop) -> None:
    shop.set(confirmations_per_hour="2")
    for _ in range(3):
        shop.says(shop.meet())

    sent = [len(shop.work(NOW + minutes * MINUTE)) for minutes in (0, 6, 70)]

    assert sent == [2, 0, 1]


@SQLITE
def test_nobody_is_asked_before_the_merchant_said_who_sends(shop: Shop) -> None:
    with shop.runtime.database.write() as session:
        store = session.get_one(Store, shop.id)
        held, store.settings = store.settings, {"consent.double_opt_in": "on"}
    shop.says(shop.meet())
    early = shop.work()
    with shop.runtime.database.write() as session:
        session.get_one(Store, shop.id).settings = held

    assert (len(early), len(shop.work(NOW + 6 * MINUTE))) == (0, 1)


def test_a_link_of_another_address_confirms_nothing(shop: Shop) -> None:
    customer_id = shop.meet()
    shop.says(customer_id)
    link = link_of(seeds.only(shop.work()))
    with shop.runtime.database.write() as session:
        session.get_one(Customer, customer_id).email = "other@example.com"

    answer = shop.client.post(link, data={"act": "confirm"})

    assert "non vale più" in answer.text
    assert shop.state() == [("pending", "consent", False)]


@SQLITE
def test_a_no_that_came_later_is_not_undone_by_the_link(shop: Shop) -> None:
    customer_id = shop.meet()
    shop.says(customer_id)
    link = link_of(seeds.only(shop.work()))
    shop.says(customer_id, "unsubscribed", basis=None, occurred_at=NOW + HOUR)

    with clock.frozen_at(NOW + 2 * HOUR):
        answer = shop.client.post(link, data={"act": "confirm"})

    assert "non vale più" in answer.text
    assert shop.state()[0][0] == "unsubscribed"


@SQLITE
def test_the_button_is_good_again_and_again(shop: Shop) -> None:
    shop.says(shop.meet())
    link = link_of(seeds.only(shop.work()))

    answers = [shop.client.post(link, data={"act": "confirm"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(seeds.rows_of(shop.runtime.database, Consent)) == 2


@SQLITE
def test_forged_and_borrowed_tokens_are_one_and_the_same_404(shop: Shop) -> None:
    shop.says(shop.meet())
    token = link_of(seeds.only(shop.work())).rsplit("/", 1)[1]
    value = token.rpartition(".")[0]
    wrong = [token[:-1] + "!", token.swapcase(), "x", value, shop.runtime.signer.sign("unsubscribe", value)]

    answers = [shop.client.post(f"/o/{one}", data={"act": "confirm"}) for one in wrong]

    assert {answer.status_code for answer in answers} == {404}
    assert shop.state()[0][0] == "pending"


@SQLITE
def test_a_post_that_says_something_else_confirms_nothing(shop: Shop) -> None:
    shop.says(shop.meet())
    link = link_of(seeds.only(shop.work()))

    answer = shop.client.post(link, data={"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 400
    assert shop.state()[0][0] == "pending"


@SQLITE
@pytest.mark.parametrize(("reason", "expected"), [("unsubscribe", 1), ("bounce", 0), ("complaint", 0)])
def test_who_left_and_comes_back_is_asked_a_dead_address_is_not(
    shop: Shop, reason: str, expected: int
) -> None:
    customer_id = shop.meet(email="back@example.com")
    shop.says(customer_id, "unsubscribed", basis=None, occurred_at=NOW - DAY)
    with shop.runtime.database.write() as session:
        receipts.suppress(
            session,
            shop.runtime.signer,
            shop.id,
            channel="email",
            address="back@example.com",
            reason=reason,
            now=NOW - DAY,
        )

    shop.says(customer_id)

    assert len(shop.work()) == expected


@SQLITE
def test_a_mail_that_is_no_longer_wanted_does_not_leave(shop: Shop) -> None:
    customer_id = shop.meet()
    shop.says(customer_id)
    confirmations.run(open_kit(shop), NOW)
    shop.says(customer_id, "unsubscribed", basis=None, occurred_at=NOW + MINUTE)

    outbox.run(open_kit(shop), NOW + MINUTE)

    assert shop.post.sent == []
    assert seeds.values_of(shop.runtime.database, Message, "reason") == ["trigger-false"]


def test_one_whose_mail_cannot_be_made_keeps_no_other_from_being_asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [shop.meet(email=f"{name}@example.com") for name in ("anna", "broken", "carla")]
    for person in people:
        shop.says(person)
    hashed = addresses.suppression_hash

    def _hashed(signer: Any, channel: str, address: str) -> str:
        if address.startswith("broken"):
            raise ZeroDivisionError
        return hashed(signer, channel, address)

    with monkeypatch.context() as patch:
        patch.setattr(addresses, "suppression_hash", _hashed)
        confirmations.run(open_kit(shop), NOW)
    asked = seeds.values_of(shop.runtime.database, Message, "customer_id")
    asided = seeds.rows_of(shop.runtime.database, SetAside, "work", "subject_id")
    confirmations.run(open_kit(shop), NOW + MINUTE)

    assert sorted(asked) == [people[0], people[2]]
    assert asided == [("confirmations", people[1])]
    assert sorted(seeds.values_of(shop.runtime.database, Message, "customer_id")) == people
    assert seeds.values_of(shop.runtime.database, SetAside, "subject_id") == []
