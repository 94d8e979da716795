"""Deliveries in the inbox of a shop on Shopify, and a worker over them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from app.db import Database
from app.inbox import BODIES, EVENTS, OF_EVENT
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs.kit import Kit
from tests.conftest import NOW

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopify"


def kit_of(runtime: Runtime) -> Kit:
    """The pieces of a worker."""
    return Kit.build(runtime, LocalChannel(None))


def body_of(topic: str, **changes: Any) -> bytes:
    """A whole body of Shopify's, with some fields changed."""
    payload = json.loads((FIXTURES / f"{topic}.json").read_bytes())
    return json.dumps(payload | changes).encode()


def product_body(number: int) -> bytes:
    """A product of its own."""
    gid = f"gid://shopify/Product/{number}"
    return body_of("products/create", id=number, admin_graphql_api_id=gid, variants=[])


def delivery(store_id: int, topic: str, body: bytes, key: str, **values: Any) -> dict[str, Any]:
    """A row of the inbox that waits since NOW."""
    return {
        "store_id": store_id,
        "source": "shopify",
        "topic": topic,
        "dedupe_key": key,
        "body": body,
        "triggered_at": NOW,
        "received_at": NOW,
        "next_at": NOW,
        "status": "waiting",
        "attempts": 0,
        **values,
    }


def receive(database: Database, rows: Sequence[dict[str, Any]]) -> None:
    """Keep deliveries, in their order."""
    with database.write() as session:
        for row in rows:
            told = {name: value for name, value in row.items() if name != "body"}
            number = session.execute(EVENTS.insert().returning(EVENTS.c.id), told).scalar_one()
            kept = {name: row[name] for name in ("store_id", "received_at", "body")}
            session.execute(BODIES.insert(), {"id": number, **kept})


def delivered(database: Database, key: str) -> Row[Any]:
    """One delivery as it stands."""
    with database.read() as session:
        kept = select(EVENTS, BODIES.c.body).outerjoin_from(EVENTS, BODIES, OF_EVENT)
        return session.execute(kept.where(EVENTS.c.dedupe_key == key)).one()
