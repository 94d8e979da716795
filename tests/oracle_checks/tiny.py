"""A hand-made journal: a few facts, told to Ritorno at once unless a test says otherwise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.oracle import Expected, StoreSettings, compute
from tests.oracle.model import EnrollmentRow, MessageRow

SHOPIFY, WOO = "shopify", "woocommerce"
START = datetime(2026, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(text: str) -> datetime:
    """The UTC moment of `02-14 09:30` in 2026, or of a text with its own year."""
    return datetime.fromisoformat(text if text.startswith("20") else f"2026-{text}").replace(tzinfo=UTC)


def z(moment: datetime) -> str:
    """As the journal writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Tiny:
    """The journal of a world with a few people; everything happens in 2026 and the stores' zone is Rome's."""

    folder: Path
    activated_at: datetime = START
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    platforms: dict[int, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def add(self, name: str, line: dict[str, Any]) -> None:
        """A line of one of the journal's files."""
        self.lines.setdefault(name, []).append(line)

    def shopper(self, household: int, registered: datetime, **values: Any) -> str:
        """A registered person who is told of at once; returns the e-mail address."""
        platform = values.pop("platform", SHOPIFY)
        self.platforms[household] = platform
        email = f"p{household}@example.com"
        is_guest = values.get("is_guest", False)
        moments = {
            name: values.pop(name, None) for name in ("email_consent_at", "sms_consent_at", "withdrawn_at")
        }
        person = {
            "household": household,
            "email": email,
            "phone": "",
            "country": "IT",
            "region": "RM",
            "birth": None,
            "is_guest": is_guest,
            **values,
            **{name: z(moment) if moment else None for name, moment in moments.items()},
            "registered_at": z(registered),
        }
        self.fact("shopper.registered", platform, registered, person)
        kinds = {
            "email_consent_at": "email_consent",
            "sms_consent_at": "sms_consent",
            "withdrawn_at": "email_withdrawn",
        }
        for name, moment in moments.items():
            if moment:
                self.fact(f"shopper.{kinds[name]}", platform, moment, {"household": household})
        if not is_guest:
            self._tell_shopper(household, registered, moments)
        return email

    def order(self, basket: int, household: int, placed: datetime, **values: Any) -> None:
        """An order with the moments of its life; `lines` are (product, minor)."""
        platform = self.platforms[household]
        lines = values.get("lines", [(1, 1000)])
        total = sum(minor for _, minor in lines)
        about = {"basket": basket, "household": household, "total_minor": total}
        first = {
            **about,
            "discount_minor": 0,
            "currency": "USD",
            "lines": [
                {"product_id": product, "quantity": 1, "total_minor": minor} for product, minor in lines
            ],
            "redeemed_code": values.get("code"),
        }
        self.fact("order.placed", platform, placed, first)
        self.deliver(platform, "orders/create" if platform == SHOPIFY else "order.created", basket, placed)
        moments = {"paid": placed + timedelta(minutes=1), **values.get("moments", {})}
        for name, moment in moments.items():
            if moment is not None:
                money = (
                    {"refunded_minor": values.get("refunded", total)}
                    if name in ("refunded", "cancelled")
                    else {}
                )
                self.fact(f"order.{name}", platform, moment, about | money)
                topic = _TOPICS[name] if platform == SHOPIFY else "order.updated"
                self.deliver(platform, topic, basket, moment)

    def product(
        self, product: int, kind: str = "Grocery", complements: Sequence[int] = (), platform: str = SHOPIFY
    ) -> None:
        """A product that Ritorno read when it was installed."""
        line = {
            "product_id": product,
            "department": kind,
            "category": "",
            "cross_sell_ids": list(complements),
        }
        self.fact("product.created", platform, START - DAY, line)
        self.read(platform, "products", [product], START)

    def fact(self, name: str, platform: str, moment: datetime, values: dict[str, Any]) -> None:
        """Something that happened."""
        self.add("facts", {"at": z(moment), "fact": name, "platform": platform, **values})

    def deliver(
        self,
        platform: str,
        topic: str,
        subject: int,
        moment: datetime,
        *,
        acked: datetime | None = None,
        **values: Any,
    ) -> None:
        """A webhook, acknowledged at the next full hour unless said otherwise; `lost` topics never arrive."""
        if topic in self.lost:
            return
        full_hour = -((START - moment) // HOUR) * HOUR + START
        line = {
            "platform": platform,
            "topic": topic,
            "subject": subject,
            "at": z(moment),
            "due": z(moment),
            "forged": False,
            "acked_at": z(acked or full_hour),
            "outcome": "delivered",
        }
        self.add("deliveries", line | values)

    def read(
        self, platform: str, resource: str, ids: Sequence[int], moment: datetime, *, since: str | None = None
    ) -> None:
        """A read of the API."""
        line = {
            "at": z(moment),
            "platform": platform,
            "resource": resource,
            "ids": list(ids),
            "updated_since": since,
        }
        self.add("reads", line)

    def sink(
        self, to: str, moment: datetime, *, subject: str = "", text: str = "", channel: str = "email"
    ) -> None:
        """A message that the provider accepted."""
        number = len(self.lines.get("sink", ())) + 1
        line = {"number": number, "times": 1, "at": z(moment), "message_id": str(number), "channel": channel}
        self.add("sink", {**line, "to": to, "subject": subject, "text": text})

    def react(self, kind: str, to: str, accepted: datetime, done: datetime, *, subject: str = "") -> None:
        """A click or an unsubscription."""
        line = {"kind": kind, "to": to, "subject": subject, "accepted_at": z(accepted), "done_at": z(done)}
        self.add("reactions", line | {"status": 200})

    def voucher(self, code: str, platform: str = SHOPIFY) -> None:
        """A code that Ritorno made in a shop."""
        self.add("state", {"at": z(START), "kind": "voucher", "value": {"platform": platform, "code": code}})

    def play(
        self, until: datetime, *, every: timedelta = HOUR, ticks: Sequence[datetime] = (), **settings: Any
    ) -> Seen:
        """What the oracle expects after ticks from START to `until`; `settings` are the stores'."""
        moments = list(ticks)
        moment = START
        while not ticks and moment <= until:
            moments.append(moment)
            moment += every
        lines = {**self.lines, "advances": [{"to": z(moment)} for moment in moments]}
        self.folder.mkdir(exist_ok=True)
        (self.folder / "world.json").write_text("{}")
        for name in ("facts", "deliveries", "reads", "sink", "reactions", "state", "advances"):
            text = "".join(json.dumps(line) + "\n" for line in lines.get(name, ()))
            (self.folder / f"{name}.jsonl").write_text(text)
        values = {"holdout_percent": 0, **settings}
        stores = [
            StoreSettings(SHOPIFY, "aurora.example", **values),
            StoreSettings(WOO, "bottega.example", **values),
        ]
        return Seen(compute(self.folder, stores=stores, activated_at=self.activated_at))

    def _tell_shopper(
        self, household: int, registered: datetime, moments: dict[str, datetime | None]
    ) -> None:
        platform = self.platforms[household]
        if platform == WOO:
            self.deliver(platform, "customer.created", household, registered)
            for moment in filter(None, moments.values()):
                self.deliver(platform, "customer.updated", household, moment)
            return
        self.deliver(platform, "customers/create", household, registered)
        for name, said_at in moments.items():
            if said_at:
                topic = "customers_marketing_consent/update"
                if name != "sms_consent_at":
                    topic = "customers_email_marketing_consent/update"
                self.deliver(platform, topic, household, said_at)


_TOPICS = {
    "paid": "orders/paid",
    "fulfilled": "orders/fulfilled",
    "delivered": "fulfillments/update",
    "cancelled": "orders/cancelled",
    "refunded": "refunds/create",
}


@dataclass
class Seen:
    """What the oracle expects, in short forms that a test can compare with what was worked out by hand."""

    expected: Expected

    def message(self, household: int | str, step: str, occurrence: str = "") -> MessageRow:
        """The only message of a step."""
        rows = [
            row
            for key, row in self.expected.messages.items()
            if (key.customer, key.step) == (str(household), step) and key.occurrence.endswith(occurrence)
        ]
        assert len(rows) == 1, f"{len(rows)} messages {step} of {household}"
        return rows[0]

    def steps(self, household: int | str) -> dict[str, str]:
        """The person's steps with status, reason and, where it left, the moment: `sent 01-13 08:00`."""
        told = {}
        for key, row in self.expected.messages.items():
            if key.customer == str(household):
                name = key.step if key.step not in told else f"{key.step} {key.occurrence}"
                sent = row.sent_at.strftime("%m-%d %H:%M") if row.sent_at else row.reason
                told[name] = f"{row.status} {sent}" if sent else row.status
        return told

    def enrollment(self, household: int | str, flow: str, occurrence: str) -> EnrollmentRow:
        """One enrollment."""
        found = [
            row
            for key, row in self.expected.enrollments.items()
            if (key.customer, key.flow, key.occurrence) == (str(household), flow, occurrence)
        ]
        assert len(found) == 1, f"{len(found)} enrollments in {flow}"
        return found[0]

    def states(self, household: int | str) -> dict[str, str]:
        """The state of each of the person's enrollments, by `flow occurrence`."""
        return {
            f"{key.flow} {key.occurrence}": row.state
            for key, row in self.expected.enrollments.items()
            if key.customer == str(household)
        }
