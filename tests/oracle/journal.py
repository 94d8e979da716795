"""The sandbox's journal folder as facts: what happened, what was told to Ritorno, what shoppers did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.oracle.model import WOOCOMMERCE
from tests.oracle.moments import maybe_seconds, seconds

Line = dict[str, Any]


@dataclass(slots=True)
class Shopper:
    """One household as a person of one shop.

    Attributes:
        key: the customer's external id; for a guest the normalised e-mail.
        birth: month, day, year; the year may be missing.
        changes: the moments at which the account changed, oldest first; none for a guest.
    """

    household: int
    platform: str
    key: str
    email: str
    phone: str
    country: str
    region: str
    birth: tuple[int, int, int | None] | None
    is_guest: bool
    registered_at: int
    email_consent_at: int | None
    withdrawn_at: int | None
    sms_consent_at: int | None
    changes: list[int] = field(default_factory=list)

    def changed_at(self, as_of: int) -> int:
        """When the account last changed, as of a moment."""
        return max((at for at in self.changes if at <= as_of), default=self.registered_at)


@dataclass(slots=True)
class OrderFact:
    """One basket as an order, with the moments of its life; lines are (product, minor)."""

    basket: int
    platform: str
    household: int
    placed_at: int
    total_minor: int
    discount_minor: int
    lines: list[tuple[str, int]]
    code: str | None
    paid_at: int | None = None
    fulfilled_at: int | None = None
    delivered_at: int | None = None
    cancelled_at: int | None = None
    refunded_at: int | None = None
    refunded_minor: int = 0
    unlisted: frozenset[str] = frozenset()

    @property
    def goods(self) -> list[tuple[str, int]]:
        """The lines of products that a shop lists; the data set sells some that its catalogue lacks."""
        return [line for line in self.lines if line[0] not in self.unlisted]

    def updated_at(self, as_of: int) -> int:
        """When the order last changed, as of a moment."""
        moments = (self.paid_at, self.fulfilled_at, self.delivered_at, self.cancelled_at, self.refunded_at)
        return max((at for at in moments if at is not None and at <= as_of), default=self.placed_at)


class ProductFact(NamedTuple):
    """One product of one shop."""

    product_id: str
    kind: str
    complements: tuple[str, ...]


class Sunk(NamedTuple):
    """One message that the provider's sink accepted for the first time."""

    number: int
    message_id: str
    channel: str
    to: str
    subject: str
    at: int
    text: str


class Told(NamedTuple):
    """One delivery that Ritorno acknowledged, or one read of the API."""

    known_at: int
    as_of: int
    platform: str
    topic: str
    ids: tuple[int, ...]
    is_read: bool


class Reacted(NamedTuple):
    """One thing a shopper did with a message (`click`, `unsubscribe`); scanners are left out."""

    at: int
    kind: str
    to: str
    subject: str
    accepted_at: int


@dataclass(slots=True)
class Journal:
    """Everything the oracle needs of the folder. Products and shoppers are by (platform, id).

    Attributes:
        codes: the vouchers made in the shops, upper case.
        repeated: what the sink accepted more than once, in words.
    """

    world: Line
    start: Line
    ticks: list[int]
    shoppers: dict[tuple[str, int], Shopper]
    orders: dict[tuple[str, int], OrderFact]
    products: dict[tuple[str, int], ProductFact]
    told: list[Told]
    sunk: list[Sunk]
    reactions: list[Reacted]
    codes: set[str]
    repeated: list[str]


def read_journal(folder: Path) -> Journal:
    """Read the folder; files that are missing count as empty."""
    journal = Journal(
        world=json.loads((folder / "world.json").read_text()),
        start={},
        ticks=sorted({seconds(line["to"]) for line in _lines(folder, "advances")}),
        shoppers={},
        orders={},
        products={},
        told=[*_deliveries(folder), *_reads(folder)],
        sunk=list(_sunk(folder)),
        reactions=list(_reactions(folder)),
        codes={
            line["value"]["code"].upper() for line in _lines(folder, "state") if line["kind"] == "voucher"
        },
        repeated=[
            f"message {line['message_id']} was accepted {line['times']} times"
            for line in _lines(folder, "sink")
            if line["times"] > 1
        ],
    )
    for line in _lines(folder, "facts"):
        _take_fact(journal, line)
    listed = {str(product) for _, product in journal.products}
    for order in journal.orders.values():
        order.unlisted = frozenset(product for product, _ in order.lines if product not in listed)
    return journal


def _lines(folder: Path, name: str) -> Iterator[Line]:
    path = folder / f"{name}.jsonl"
    if not path.exists():
        return
    with path.open("rb") as rows:
        for row in rows:
            if row.endswith(b"\n"):
                yield json.loads(row)


def _deliveries(folder: Path) -> Iterator[Told]:
    for line in _lines(folder, "deliveries"):
        if line["outcome"] == "delivered":
            is_woo = line["platform"] == WOOCOMMERCE
            yield Told(
                known_at=seconds(line["acked_at"]),
                # WooCommerce builds the body when it sends it, Shopify when the fact happens.
                as_of=seconds(line["due"] if is_woo else line["at"]),
                platform=line["platform"],
                topic=line["topic"],
                ids=(line["subject"],),
                is_read=False,
            )


def _reads(folder: Path) -> Iterator[Told]:
    for line in _lines(folder, "reads"):
        at = seconds(line["at"])
        yield Told(
            known_at=at,
            as_of=at,
            platform=line["platform"],
            topic=line["resource"],
            ids=tuple(line["ids"]),
            is_read=True,
        )


def _sunk(folder: Path) -> Iterator[Sunk]:
    for line in _lines(folder, "sink"):
        if line["times"] == 1:
            yield Sunk(
                number=line["number"],
                message_id=str(line["message_id"]),
                channel=line["channel"],
                to=line["to"],
                subject=str(line.get("subject") or ""),
                at=seconds(line["at"]),
                text=f"{line.get('subject') or ''} {line.get('text') or ''}",
            )


def _reactions(folder: Path) -> Iterator[Reacted]:
    for line in _lines(folder, "reactions"):
        if line["kind"] in ("click", "unsubscribe") and line["status"] < 400:
            yield Reacted(
                at=seconds(line["done_at"]),
                kind=line["kind"],
                to=line["to"],
                subject=line["subject"],
                accepted_at=seconds(line["accepted_at"]),
            )


def _take_fact(journal: Journal, line: Line) -> None:
    name, at = line["fact"], seconds(line["at"])
    if name == "world.started":
        journal.start = line
    elif name == "product.created":
        fact = ProductFact(
            str(line["product_id"]), line["department"], tuple(map(str, line["cross_sell_ids"]))
        )
        journal.products[line["platform"], line["product_id"]] = fact
    elif name == "shopper.registered":
        journal.shoppers[line["platform"], line["household"]] = _shopper(line)
    elif name.startswith("shopper."):
        journal.shoppers[line["platform"], line["household"]].changes.append(at)
    elif name == "order.placed":
        journal.orders[line["platform"], line["basket"]] = _order(line, at)
    elif name.startswith("order."):
        _take_order_moment(journal.orders[line["platform"], line["basket"]], name, at, line)


def _shopper(line: Line) -> Shopper:
    birth = line["birth"]
    registered_at = seconds(line["registered_at"])
    return Shopper(
        household=line["household"],
        platform=line["platform"],
        key=line["email"].strip().lower() if line["is_guest"] else str(line["household"]),
        email=line["email"].strip().lower(),
        phone=line["phone"] or "",
        country=line["country"] or "",
        region=line["region"] or "",
        birth=(birth["month"], birth["day"], birth["year"]) if birth else None,
        is_guest=line["is_guest"],
        registered_at=registered_at,
        email_consent_at=maybe_seconds(line["email_consent_at"]),
        withdrawn_at=maybe_seconds(line["withdrawn_at"]),
        sms_consent_at=maybe_seconds(line["sms_consent_at"]),
        changes=[] if line["is_guest"] else [registered_at],
    )


def _order(line: Line, at: int) -> OrderFact:
    return OrderFact(
        basket=line["basket"],
        platform=line["platform"],
        household=line["household"],
        placed_at=at,
        total_minor=line["total_minor"],
        discount_minor=line["discount_minor"],
        lines=[(str(row["product_id"]), row["total_minor"]) for row in line["lines"]],
        code=(line.get("redeemed_code") or "").upper() or None,
    )


def _take_order_moment(order: OrderFact, name: str, at: int, line: Line) -> None:
    if name == "order.completed":
        # Source: docs/recipes.md and PRODUCT.md: on WooCommerce `completed` counts as delivered.
        order.fulfilled_at = order.delivered_at = at
        return
    setattr(order, f"{name.removeprefix('order.')}_at", at)
    if name == "order.refunded":
        order.refunded_minor = line["refunded_minor"]
