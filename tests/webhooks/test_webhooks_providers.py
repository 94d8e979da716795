"""What providers post: proven, kept once, applied later, and then emptied; what is forged leaves nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from sqlalchemy import Row, select

from app import clock
from app.db import table_of
from app.inbox import BODIES, EVENTS, NOBODY, OF_EVENT, Kept
from app.messaging import reports
from app.models import DeliveryEvent, Message, Store
from app.runtime import Runtime
from app.stores import settings
from connectors.channels.sendgrid import events as sendgrid
from tests import seeds
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import OPERATORS_KEY, Answer, Serving
from tests.webhooks.webhooks_providers import public_key, sendgrid_post, signed, signing_key, twilio_post
from tests.webhooks.webhooks_shops import connect_woocommerce
from webhooks.answers import FORGED
from webhooks.channels import ProviderDeliveries
from webhooks.posted import Posted

MESSAGES, TOLD = table_of(Message), table_of(DeliveryEvent)
OWN_KEY, STRANGE_KEY = signing_key(4711), signing_key(4712)
TOKEN = "token-of-the-twilio-account"
REAL_NOW = datetime.now(UTC)


@pytest.fixture
def store(runtime: Runtime) -> Store:
    """A shop with accounts of its own at both providers."""
    store = connect_woocommerce(runtime)
    values = {
        "sendgrid.api_key": "SG.key",
        "sendgrid.webhook_public_key": public_key(OWN_KEY),
        "twilio.account_sid": "AC" + "1" * 32,
        "twilio.auth_token": TOKEN,
        "twilio.messaging_service_sid": "MG" + "1" * 32,
    }
    with runtime.database.write() as session:
        found = session.get_one(Store, store.id)
        settings.write(session, found, values, vault=runtime.vault)
    return found


def test_a_signed_post_is_kept_once_applied_and_emptied(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    message_id = _sent(runtime, store)
    headers, body = sendgrid_post(OWN_KEY, [_event("delivered", message_id)], REAL_NOW)

    answers = [served.post(f"/webhooks/sendgrid/{store.id}", headers, body) for _ in range(2)]
    kept = [(row.source, row.topic, row.status, row.body) for row in Inbox(runtime, store).rows()]
    Inbox(runtime, store).read()

    assert [answer.status for answer in answers] == [200, 200]
    assert kept == [("sendgrid", reports.TOPIC, "waiting", _told(body))]
    assert [(row.status, row.body) for row in Inbox(runtime, store).rows()] == [("done", None)]
    assert _status(runtime, message_id) == "delivered"


def test_of_a_post_the_events_are_kept_and_nothing_of_the_browser_that_opened_a_mail(
    runtime: Runtime, store: Store
) -> None:
    seen = {"ip": "203.0.113.9", "useragent": "Mozilla/5.0 (Secret)", "response": "250 for anna@example.com"}
    events = [
        _event(kind, 7, email="anna@example.com", **seen) for kind in ("delivered", "open", "spamreport")
    ]

    kept = ProviderDeliveries(runtime).check(_posted(store, OWN_KEY, events))

    assert isinstance(kept, Kept)
    assert kept.body == _told(json.dumps(events).encode(), clock.now())
    assert [word for word in (b"203.0.113", b"Mozilla", b"250") if word in kept.body] == []
    assert kept.body.count(b"anna@example.com") == 2


def test_a_post_of_which_not_all_can_be_read_is_kept_as_it_came_and_the_rest_of_it_applied(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    message_id = _sent(runtime, store)
    headers, body = sendgrid_post(OWN_KEY, [_event("delivered", message_id), "no event"], REAL_NOW)

    answer = served.post(f"/webhooks/sendgrid/{store.id}", headers, body)
    kept = [(row.topic, row.body) for row in Inbox(runtime, store).rows()]
    Inbox(runtime, store).read()

    assert answer.status == 200
    assert kept == [("events", body)]
    assert _status(runtime, message_id) == "delivered"


def test_a_forged_post_is_answered_401_and_leaves_nothing(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    events = [_event("spamreport", 1)]
    headers, body = sendgrid_post(OWN_KEY, events, REAL_NOW)
    address = f"/webhooks/sendgrid/{store.id}"

    answers = [
        served.post(address, *sendgrid_post(STRANGE_KEY, events, REAL_NOW)),
        served.post(address, headers, body.strip()),
        served.post(address, headers[:1], body),
        served.post(address, *sendgrid_post(OWN_KEY, events, REAL_NOW - timedelta(hours=26))),
    ]

    assert [answer.status for answer in answers] == [401] * 4
    assert Inbox(runtime, store).rows() == []


def test_a_key_that_the_merchant_pastes_holds_at_once(runtime: Runtime, store: Store) -> None:
    deliveries, new_key = ProviderDeliveries(runtime), signing_key(4713)
    before = deliveries.check(_posted(store, OWN_KEY))

    with runtime.database.write() as session:
        values = {"sendgrid.webhook_public_key": public_key(new_key)}
        settings.write(session, session.get_one(Store, store.id), values, vault=runtime.vault)
    after = [deliveries.check(_posted(store, key)) for key in (new_key, OWN_KEY)]

    assert isinstance(before, Kept)
    assert isinstance(after[0], Kept)
    assert after[1] is FORGED


def test_what_is_signed_for_one_store_does_not_pass_at_anothers_address(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    other = connect_woocommerce(runtime)
    mails = sendgrid_post(OWN_KEY, [_event("delivered", 1)], REAL_NOW)

    answers = [
        served.post(f"/webhooks/sendgrid/{other.id}", *mails),
        served.post("/webhooks/sendgrid/0", *mails),
        served.post("/webhooks/sendgrid/999999999999999999", *mails),
        served.post("/webhooks/sendgrid/mine", *mails),
        served.post(f"/webhooks/twilio/{other.id}/status", *mails),
        served.post(f"/webhooks/twilio/{store.id}/other", *mails),
    ]

    assert [answer.status for answer in answers] == [404, 401, 404, 404, 404, 404]
    assert Inbox(runtime, other).rows() == []


def test_the_operators_account_speaks_of_every_store_it_sends_for(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    other = connect_woocommerce(runtime)
    mine, theirs = _sent(runtime, store), _sent(runtime, other)
    crossed = _sent(runtime, store)
    events = [
        _event("delivered", mine, store=str(store.id)),
        _event("delivered", theirs, store=str(other.id)),
        _event("delivered", crossed, store=str(other.id)),
        _event("delivered", crossed),
    ]

    answer = served.post("/webhooks/sendgrid/0", *sendgrid_post(OPERATORS_KEY, events, REAL_NOW))
    Inbox(runtime, store).read()

    assert answer.status == 200
    assert [_status(runtime, one) for one in (mine, theirs, crossed)] == ["delivered", "delivered", "sent"]
    with runtime.database.read() as session:
        rows = session.execute(
            select(EVENTS, BODIES.c.body)
            .outerjoin_from(EVENTS, BODIES, OF_EVENT)
            .where(EVENTS.c.store_id == NOBODY, EVENTS.c.source == "sendgrid")
        )
        assert {(row.status, row.body) for row in rows} == {("done", None)}


def test_a_status_callback_finds_its_message_by_the_address(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    message_id = _sent(runtime, store, channel="sms")
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+393331234567"}

    answer = _call(served, store, f"status?m={message_id}", form)
    Inbox(runtime, store).read()

    assert answer.status == 200
    assert _status(runtime, message_id) == "delivered"


def test_a_callback_for_another_message_does_not_pass(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    path = f"/webhooks/twilio/{store.id}/status"
    form = {"MessageSid": "SM1", "MessageStatus": "failed"}
    headers, body = twilio_post(f"{_base(served)}{path}?m=1", TOKEN, form)

    answers = [
        served.post(f"{path}?m=2", headers, body),
        served.post(path, headers, body),
        served.post(f"{path}?m=1", headers, body.replace(b"failed", b"delivered")),
        served.post(f"{path}?m=1", headers[:1], body),
        served.post(f"{path}?m=1", *twilio_post(f"{_base(served)}{path}?m=1", "another token", form)),
    ]

    assert [answer.status for answer in answers] == [401] * 5
    assert Inbox(runtime, store).rows() == []


def test_a_reply_is_answered_with_nothing_to_say(served: Serving, runtime: Runtime, store: Store) -> None:
    form = {"MessageSid": "SM2", "From": "+393331234567", "Body": "BASTA"}

    answer = _call(served, store, "inbound", form)
    Inbox(runtime, store).read()

    assert (answer.status, answer.body) == (200, b"<Response/>")
    assert answer.headers["content-type"] == "application/xml"
    with runtime.database.read() as session:
        kinds = select(TOLD.c.type).where(TOLD.c.store_id == store.id)
        assert list(session.execute(kinds).scalars()) == ["replied"]


@pytest.mark.parametrize("body", [b"{}", b"[", b"[" * 100_000, b"\xff\xfe", b"null"])
def test_what_cannot_be_read_rests_with_a_reason(
    served: Serving, runtime: Runtime, store: Store, body: bytes
) -> None:
    headers = signed(OWN_KEY, body, REAL_NOW)

    answer = served.post(f"/webhooks/sendgrid/{store.id}", headers, body)
    Inbox(runtime, store).read()

    assert answer.status == 200
    rows = Inbox(runtime, store).rows()
    assert [(row.status, bool(row.error)) for row in rows] == [("dead", True)]


def _told(body: bytes, at: datetime = REAL_NOW) -> bytes:
    """What is kept of a post."""
    report = sendgrid.read(body, received_at=at)
    return reports.packed(reports.of(report.others, report.well))


def _posted(store: Store, key: EllipticCurvePrivateKey, events: list[dict[str, Any]] | None = None) -> Posted:
    headers, body = sendgrid_post(key, events or [_event("delivered", 1)], clock.now())
    return Posted(f"sendgrid/{store.id}", "", dict(headers), body)


def _event(kind: str, message_id: int, **more: Any) -> dict[str, Any]:
    seconds = int(REAL_NOW.timestamp())
    return {"event": kind, "email": "a@example.com", "timestamp": seconds, "mid": str(message_id), **more}


def _sent(runtime: Runtime, store: Store, **values: Any) -> int:
    with runtime.database.write() as session:
        customer = seeds.add_customer(session, store.id)
        fields = {"status": "sent", "sent_at": REAL_NOW, "attempts": 1, "key": f"k{customer.id}"} | values
        return seeds.add_message(session, store.id, customer.id, **fields).id


def _status(runtime: Runtime, message_id: int) -> str:
    with runtime.database.read() as session:
        row: Row[Any] = session.execute(select(MESSAGES.c.status).where(MESSAGES.c.id == message_id)).one()
        return str(row.status)


def _call(served: Serving, store: Store, rest: str, form: dict[str, str]) -> Answer:
    path = f"/webhooks/twilio/{store.id}/{rest}"
    return served.post(path, *twilio_post(_base(served) + path, TOKEN, form))


def _base(served: Serving) -> str:
    return f"http://127.0.0.1:{served.port}"
