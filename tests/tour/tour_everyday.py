"""A shop on a usual morning: a complaint, a message whose fate nobody knows, a review to look at."""

import shutil
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import clock
from app.models import Customer, InboundEvent, Message, Review
from tests.tour import tour_worlds

ANNA, BRUNO = "anna.domani@example.com", "bruno.addio@example.com"
PRAISE = "Il caffè è arrivato ancora caldo."
STORE = 1


def make_everyday(full_home: Path, folder: Path) -> str:
    """A copy of the full database with a morning's work in it."""
    url = f"sqlite:///{folder / 'ritorno.db'}"
    shutil.copytree(full_home / "var", folder / "var")
    shutil.copyfile(full_home / "ritorno.db", folder / "ritorno.db")
    tour_worlds.change(url, _plant)
    return url


def _plant(session: Session) -> None:
    asked = select(Message.customer_id).where(
        Message.store_id == STORE, Message.flow_key == "review", Message.reason == "no-legal-basis"
    )
    anna = session.scalars(asked.order_by(Message.id.desc()).limit(1)).one()
    others = select(Customer.id).where(Customer.store_id == STORE, Customer.id != anna)
    bruno = session.scalars(others.order_by(Customer.id).limit(1)).one()
    _call(session, anna, "Anna", ANNA)
    _call(session, bruno, "Bruno", BRUNO)
    sent = select(func.max(Message.id)).where(Message.store_id == STORE, Message.status == "sent")
    session.execute(
        update(Message)
        .where(Message.id == sent.scalar_subquery())
        .values(status="unknown", unknown_since=clock.now())
    )
    kept = select(func.max(InboundEvent.id)).where(InboundEvent.store_id == STORE)
    session.execute(
        update(InboundEvent)
        .where(InboundEvent.id == kept.scalar_subquery())
        .values(status="dead", error="order.total: not a number")
    )
    session.add(
        Review(
            store_id=STORE,
            source="ritorno",
            external_id="1:experience:",
            object="experience",
            customer_id=anna,
            display_name="Anna",
            rating=5,
            text=PRAISE,
            status="given",
            is_verified=True,
            written_at=clock.now(),
        )
    )


def _call(session: Session, customer_id: int, name: str, email: str) -> None:
    named = update(Customer).where(Customer.id == customer_id)
    session.execute(named.values(first_name=name, last_name="Domani", email=email, tags=[]))
