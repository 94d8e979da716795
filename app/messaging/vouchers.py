"""Codes for one person, chosen by us, minted in the storefront before the message leaves.

Codes of the same worth that end on the same day of the shop share a pool, which is one discount where the
platform can: so many discounts as flows and days, not as people. A pool ends with the shop's day, so that no
code ends before what its mail says.

The code is deterministic (a keyed hash of enrollment and name), so that a lost answer of the
storefront is settled by asking for the very same code, and no retry makes a second one.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import Among, from_micros, insert_new, table_of, update_rows
from app.messaging import zones
from app.models import Store, Voucher
from app.segments.classes import is_loyal, is_promo
from app.stores import settings
from connectors.writing import VoucherPool, VoucherSpec

VOUCHERS = table_of(Voucher)
_OF_JOURNEYS = select(VOUCHERS).where(
    VOUCHERS.c.store_id == bindparam("store"), Among(VOUCHERS.c.enrollment_id, "journeys")
)
_BITS_IN_BYTES = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """A code that a message needs and that is not minted yet."""

    message_id: int
    voucher_id: int
    spec: VoucherSpec


def code_for(signer: Signer, store_id: int, enrollment_id: int, name: str) -> str:
    """The code: 60 bits that nobody can guess, in letters and digits that are hard to mistake."""
    return _code(signer, f"{store_id}:{enrollment_id}:{name}")


def reserve(
    session: Session,
    signer: Signer,
    store: Store,
    *,
    rows: Sequence[Any],
    customers: Mapping[int, Any],
    now: datetime,
) -> list[Wanted]:
    """Write down the codes that these messages need and return those that are to be minted."""
    new = [_row(signer, store, row, customer=customers[row.customer_id], now=now) for row in rows]
    insert_new(session, VOUCHERS, new)
    journeys = sorted({row.enrollment_id for row in rows})
    held = {
        (voucher.enrollment_id, voucher.name): voucher
        for voucher in session.execute(_OF_JOURNEYS, {"store": store.id, "journeys": journeys})
    }
    wanted = []
    for row in rows:
        voucher = held[(row.enrollment_id, row.context["voucher"]["name"])]
        if voucher.minted_at is None:
            wanted.append(Wanted(row.id, voucher.id, _spec(signer, store, voucher, now)))
    return wanted


def mark_minted(session: Session, store_id: int, minted: Mapping[int, str], now: datetime) -> None:
    """The storefront has these codes: their ids there, by those here."""
    known = {"store_id": store_id, "minted_at": now, "creation": None}
    rows = [known | {"id": id_, "external_id": external_id} for id_, external_id in minted.items()]
    update_rows(session, VOUCHERS, rows)


def note_creation(session: Session, store_id: int, voucher_id: int, creation: str | None) -> None:
    """The storefront is making the code, or has forgotten that it was to."""
    session.execute(
        update(VOUCHERS)
        .where(VOUCHERS.c.store_id == store_id, VOUCHERS.c.id == voucher_id, VOUCHERS.c.minted_at.is_(None))
        .values(creation=creation)
    )


def worth(store: Store, terms: Mapping[str, Any], customer: Any, now: datetime) -> tuple[str, str]:
    """A code's kind and value. By class: promo buyers get perks, never percentages; loyal ones an amount."""
    if terms["kind"] == "free_shipping":
        return "free_shipping", "0"
    if terms["kind"] not in ("by-class", "perk"):
        return terms["kind"], _percent(store, terms)
    bought = customer.orders_count + customer.earlier_orders
    if is_promo(bought, customer.discounted_count):
        return "free_shipping", "0"
    if terms["kind"] == "perk":
        percent = _percent(store, terms)
        return ("free_shipping", "0") if percent == "0" else ("percentage", percent)
    if is_loyal(bought, customer.last_paid_at, now):
        return "amount", settings.read(store, "birthday.amount")
    return "percentage", settings.read(store, "birthday.percentage")


def _percent(store: Store, terms: Mapping[str, Any]) -> str:
    """What the flow's version says, else what the store's setting says."""
    own = terms.get("percent")
    return settings.read(store, terms["setting"]) if own is None else str(own)


def _code(signer: Signer, what: str) -> str:
    digest = bytes.fromhex(signer.fingerprint("voucher", what))
    text = base64.b32encode(digest[:_BITS_IN_BYTES]).decode("ascii")[:12]
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def _row(signer: Signer, store: Store, row: Any, *, customer: Any, now: datetime) -> dict[str, Any]:
    terms = row.context["voucher"]
    kind, value = worth(store, terms, customer, now)
    return {
        "store_id": store.id,
        "customer_id": row.customer_id,
        "enrollment_id": row.enrollment_id,
        "name": terms["name"],
        "flow_key": row.flow_key,
        "code": code_for(signer, store.id, row.enrollment_id, terms["name"]),
        "kind": kind,
        "value": value,
        "expires_at": from_micros(terms["ends_at"]),
    }


def _spec(signer: Signer, store: Store, voucher: Any, now: datetime) -> VoucherSpec:
    return VoucherSpec(
        code=voucher.code,
        title=f"Ritorno {voucher.flow_key} {voucher.code}",
        kind=voucher.kind,
        value=voucher.value,
        currency=store.currency,
        starts_at=now,
        expires_at=voucher.expires_at,
        pool=_pool(signer, store, voucher),
        creation=voucher.creation,
    )


def _pool(signer: Signer, store: Store, voucher: Any) -> VoucherPool:
    """What codes of this worth share; it ends with the day of the shop on which they end."""
    zone = zones.zone_named(store.timezone)
    last_day = (voucher.expires_at.astimezone(zone) - timedelta(microseconds=1)).date()
    terms = (store.id, voucher.flow_key, voucher.name, voucher.kind, voucher.value, store.currency, last_day)
    return VoucherPool(
        key=_code(signer, "pool:" + ":".join(map(str, terms))),
        title=f"Ritorno {voucher.flow_key} {voucher.name}, {last_day.isoformat()}",
        ends_at=datetime.combine(last_day + timedelta(days=1), time(), zone).astimezone(UTC),
    )
