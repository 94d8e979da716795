"""A shop with a value of every kind that a column can hold."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from app.models import (
    Backfill,
    Chore,
    Consent,
    FlowEffect,
    InboundBody,
    InboundEvent,
    Reconciliation,
    SenderDay,
    SignInLink,
    Store,
)
from app.models.sender import Sender
from app.runtime import Runtime
from app.stores import credentials
from app.stores.credentials import Credentials
from tests import seeds
from tests.conftest import NOW

DAY = timedelta(days=1)
SECRET = {"access_token": "canary-of-a-secret"}
EMAIL = "canary@example.com"


def fill(runtime: Runtime) -> int:
    """Rows of many tables; the shop's id."""
    sealed = credentials.seal(runtime.vault, Credentials(SECRET))
    store_id = seeds.new_store(runtime.database, credentials=sealed)
    with runtime.database.write() as session:
        person = seeds.add_customer(
            session, store_id, "ada", email=EMAIL, tags=["vip", "caffè ☕"], own_words={"locale": "it"}
        )
        seeds.add_customer(session, store_id, "bob")
        seeds.add_order(session, store_id, person.id, "1", number='#1 "quoted"\n\\N\t')
        seeds.add_enrollment(session, store_id, person.id, due_at=NOW + DAY)
        seeds.add_message(session, store_id, person.id, content=b"\x00\x01\xff", status="sent", sent_at=NOW)
        mine = {"store_id": store_id, "channel": "email"}
        session.add(SenderDay(**mine, day=date(2026, 10, 31), sent=3))
        trusted = {"account": "a", "tokens": 0.1 + 0.2, "trusted_from": date(2026, 2, 28)}
        session.add_all(Sender(store_id=store_id, channel=channel, **trusted) for channel in ("email", "sms"))
        session.add_all(_arm(store_id, arm) for arm in ("all", "held"))
        said = {"state": "subscribed", "source": "test", "source_key": "k", "recorded_at": NOW}
        session.add(Consent(**mine, customer_id=person.id, occurred_at=NOW, evidence=None, **said))
        session.add(
            InboundEvent(
                store_id=store_id,
                source="shopify",
                topic="orders/paid",
                dedupe_key="d",
                received_at=NOW,
                next_at=NOW,
                status="waiting",
            )
        )
        for number in (1, 2):
            body = b'{"a": %d}' % number
            session.add(InboundBody(id=number, store_id=store_id, received_at=NOW, body=body))
        _tend(session, store_id)
    return store_id


def _arm(store_id: int, arm: str) -> FlowEffect:
    """What those bought whom a flow wrote to, or did not."""
    return FlowEffect(
        store_id=store_id,
        flow_key="welcome",
        arm=arm,
        since=NOW - DAY,
        until=NOW,
        people=3,
        buyers=2,
        orders=2,
        revenue_minor=1999,
        squares=1999.0**2 / 3,
    )


def _tend(session: Session, store_id: int) -> None:
    """What is pulled and tended, held by a worker just now, and a link that nobody used yet."""
    leased = {"lease_token": "somebody", "lease_until": NOW + DAY}
    later = {"store_id": store_id, "next_at": NOW + DAY, **leased}
    session.add(Reconciliation(**later, resource="orders", pulled_to=NOW - DAY))
    session.add(Chore(**later, name="webhooks"))
    session.add(Backfill(**later, resource="orders", started_at=NOW))
    link = SignInLink(token_hash="link", created_at=NOW, expires_at=NOW + DAY)
    session.add(link)


def stores_of(runtime: Runtime) -> list[str]:
    """The domains of the stores."""
    return [str(domain) for domain in seeds.values_of(runtime.database, Store, "domain")]
