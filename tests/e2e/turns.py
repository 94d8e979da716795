"""Everybody who is subscribed says no and yes in turn, to Ritorno itself; what the oracle is told of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from app import consent
from app.consent import NewConsent
from app.models import ConsentState, Customer, Store
from app.runtime import Runtime
from tests.oracle.journal import Told
from tests.oracle.mirror import TURNS
from tests.oracle.moments import seconds_of

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
_WORDS = ("unsubscribed", "subscribed") * 2


def say(runtime: Runtime, moment: datetime) -> Sequence[Told]:
    """No, yes, no and yes, the last of them now; workers that have just looked see it the next time."""
    known_at = moment + SECOND
    subscribed = (
        select(Store.platform, ConsentState.store_id, ConsentState.customer_id, Customer.external_id)
        .join(Customer, Customer.id == ConsentState.customer_id)
        .join(Store, Store.id == ConsentState.store_id)
        .where(ConsentState.channel == "email", ConsentState.state == "subscribed")
        .where(Customer.external_id.is_not(None))
    )
    with runtime.database.over_all_stores().write() as session:
        people = session.execute(subscribed).all()
        for person in people:
            said = [
                NewConsent(
                    person.store_id,
                    person.customer_id,
                    "email",
                    state,
                    "consent",
                    moment + number * MINUTE,
                    "test",
                )
                for number, state in enumerate(_WORDS, start=-3)
            ]
            consent.record(session, said, known_at)
    at = seconds_of(moment)
    return [Told(at + 1, at, one.platform, TURNS, (int(one.external_id),), False) for one in people]
