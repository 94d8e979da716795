"""Codes for one person, chosen by us, minted in the storefront before the message leaves.

The code is deterministic (a keyed hash of enrollment and name), so that a lost answer of the
storefront is settled by asking for the very same code, and no retry makes a second one.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import from_micros, insert_new, table_of
from app.models import Store, Voucher
from app.segments.classes import is_loyal, is_promo
from app.stores import settings
from connectors.base import VoucherSpec

VOUCHERS = table_of(Voucher)
_BITS_IN_BYTES = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """A code that a message needs and that is not minted yet."""

    message_id: int
    voucher_id: int
    spec: VoucherSpec


def code_for(signer: Signer, store_id: int, enrollment_id: int, name: str) -> str:
    """The code: 60 bits that nobody can guess, in letters and digits that are hard to mistake."""
    digest = bytes.fromhex(signer.fingerprint("voucher", f"{store_id}:{enrollment_id}:{name}"))
    text = base64.b32encode(digest[:_BITS_IN_BYTES]).decode("ascii")[:12]
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


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
    held = {
        (voucher.enrollment_id, voucher.name): voucher
        for voucher in session.execute(
            VOUCHERS.select().where(
                VOUCHERS.c.store_id == store.id,
                VOUCHERS.c.enrollment_id.in_([row.enrollment_id for row in rows]),
            )
        )
    }
    wanted = []
    for row in rows:
        voucher = held[(row.enrollment_id, row.context["voucher"]["name"])]
        if voucher.minted_at is None:
            wanted.append(Wanted(row.id, voucher.id, _spec(store, voucher, customers[row.customer_id], now)))
    return wanted


def mark_minted(session: Session, store_id: int, voucher_id: int, *, external_id: str, now: datetime) -> None:
    """The storefront has the code."""
    session.execute(
        update(VOUCHERS)
        .where(VOUCHERS.c.store_id == store_id, VOUCHERS.c.id == voucher_id)
        .values(external_id=external_id, minted_at=now)
    )


def _row(signer: Signer, store: Store, row: Any, *, customer: Any, now: datetime) -> dict[str, Any]:
    terms = row.context["voucher"]
    kind, value = _worth(store, terms, customer, now)
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


def _worth(store: Store, terms: dict[str, Any], customer: Any, now: datetime) -> tuple[str, str]:
    """Kind and value. By class: promo buyers get perks, never percentages; loyal ones an amount."""
    if terms["kind"] == "free_shipping":
        return "free_shipping", "0"
    if terms["kind"] != "by-class":
        return terms["kind"], settings.read(store, terms["setting"])
    bought = customer.orders_count + customer.earlier_orders
    if is_promo(bought, customer.discounted_count):
        return "free_shipping", "0"
    if is_loyal(bought, customer.last_paid_at, now):
        return "amount", settings.read(store, "birthday.amount")
    return "percentage", settings.read(store, "birthday.percentage")


def _spec(store: Store, voucher: Any, customer: Any, now: datetime) -> VoucherSpec:
    return VoucherSpec(
        code=voucher.code,
        title=f"Ritorno {voucher.flow_key} {voucher.code}",
        kind=voucher.kind,
        value=voucher.value,
        currency=store.currency,
        starts_at=now,
        expires_at=voucher.expires_at,
        customer_external_id=customer.external_id,
    )
