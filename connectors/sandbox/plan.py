"""Which webhook deliveries the facts cause, and what goes wrong with each: decided by the seed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.sandbox.config import WorldConfig
from connectors.sandbox.draws import between, digest, fraction
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from connectors.sandbox.moments import HOUR, MINUTE, rfc3339
from connectors.sandbox.script import Fact, Kind, Script

_EMAIL_CONSENT = "customers_email_marketing_consent/update"
TOPICS: Mapping[tuple[str, Kind], tuple[str, ...]] = {
    (SHOPIFY, Kind.PRODUCT): ("products/create",),
    (SHOPIFY, Kind.REGISTERED): ("customers/create",),
    (SHOPIFY, Kind.EMAIL_CONSENT): (_EMAIL_CONSENT,),
    (SHOPIFY, Kind.SMS_CONSENT): ("customers_marketing_consent/update",),
    (SHOPIFY, Kind.WITHDRAWN): (_EMAIL_CONSENT,),
    (SHOPIFY, Kind.CHECKOUT): ("checkouts/create",),
    (SHOPIFY, Kind.PLACED): ("orders/create",),
    (SHOPIFY, Kind.PAID): ("orders/paid",),
    (SHOPIFY, Kind.FULFILLED): ("orders/fulfilled",),
    (SHOPIFY, Kind.DELIVERED): ("fulfillments/update",),
    (SHOPIFY, Kind.CANCELLED): ("orders/cancelled",),
    (SHOPIFY, Kind.REFUNDED): ("refunds/create", "orders/updated"),
    (WOOCOMMERCE, Kind.PRODUCT): ("product.created",),
    (WOOCOMMERCE, Kind.REGISTERED): ("customer.created",),
    (WOOCOMMERCE, Kind.EMAIL_CONSENT): ("customer.updated",),
    (WOOCOMMERCE, Kind.SMS_CONSENT): ("customer.updated",),
    (WOOCOMMERCE, Kind.WITHDRAWN): ("customer.updated",),
    (WOOCOMMERCE, Kind.PAYING): ("customer.updated",),
    (WOOCOMMERCE, Kind.CHECKOUT): ("order.updated",),
    (WOOCOMMERCE, Kind.PLACED): ("order.created",),
    (WOOCOMMERCE, Kind.PAID): ("order.updated",),
    (WOOCOMMERCE, Kind.FULFILLED): ("order.updated",),
    (WOOCOMMERCE, Kind.CANCELLED): ("order.updated",),
    (WOOCOMMERCE, Kind.REFUNDED): ("order.updated",),
}
_FORGED_TOPICS = frozenset({"orders/create", "orders/paid", "order.created", "order.updated"})


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """One webhook delivery to come; ordered by the moment it is due, then by key.

    Attributes:
        key: 32 hex digits, the same in every run of the same world.
        at: seconds of the fact; `built_at` is the moment whose state the body shows.
    """

    due: int
    key: str
    platform: str
    topic: str
    subject_id: int
    at: int
    built_at: int
    is_lost: bool = False
    is_duplicate: bool = False
    is_delayed: bool = False
    is_forged: bool = False

    @property
    def is_tried_again(self) -> bool:
        """Whether the platform repeats a delivery that was answered with an error: WooCommerce never does."""
        return self.platform == SHOPIFY

    def line(self) -> dict[str, Any]:
        """The delivery's part of its journal line."""
        return {
            "id": self.key,
            "platform": self.platform,
            "topic": self.topic,
            "subject": self.subject_id,
            "at": rfc3339(self.at),
            "due": rfc3339(self.due),
            "lost": self.is_lost,
            "duplicate": self.is_duplicate,
            "delayed": self.is_delayed,
            "forged": self.is_forged,
        }


def plan_deliveries(script: Script, facts: Iterable[Fact]) -> Iterator[Planned]:
    """The deliveries that the facts cause, forged extras included.

    WooCommerce queues one delivery for the same webhook and resource at the same moment; so does this.
    Source: WooCommerce facts, section 3 "Delivery behaviour" (coalescing).
    """
    seen: set[str] = set()
    moment = 0
    for fact in facts:
        if fact.at != moment:
            moment = fact.at
            seen.clear()
        if _is_guest(script, fact):
            continue
        for topic in TOPICS.get((fact.platform, fact.kind), ()):
            subject_id = _subject_id(script, fact)
            identity = f"{fact.platform}:{topic}:{subject_id}:{fact.at}"
            if identity not in seen:
                seen.add(identity)
                yield from _plan(script.config, fact, topic, subject_id)


def _is_guest(script: Script, fact: Fact) -> bool:
    is_of_goods = fact.kind in (Kind.PRODUCT, Kind.CHECKOUT)
    is_about_shopper = not is_of_goods and not Kind.PLACED <= fact.kind <= Kind.REFUNDED
    return is_about_shopper and script.shoppers[fact.subject].is_guest


def _subject_id(script: Script, fact: Fact) -> int:
    is_about_order = Kind.PLACED <= fact.kind <= Kind.REFUNDED
    return script.book.baskets.basket[fact.subject] if is_about_order else fact.subject


def _plan(config: WorldConfig, fact: Fact, topic: str, subject_id: int) -> Iterator[Planned]:
    rates = config.rates
    drawn = digest(config.seed, f"delivery:{fact.platform}:{topic}:{subject_id}:{fact.at}")
    is_lost = fraction(drawn, 0) < rates.lost
    is_delayed = not is_lost and fraction(drawn, 2) < rates.delayed
    due = fact.at
    if fact.platform == WOOCOMMERCE:
        due += between(drawn, 5, 0, 59)
    if is_delayed:
        due += between(drawn, 3, HOUR // MINUTE, 6 * HOUR // MINUTE) * MINUTE
    planned = Planned(
        due=due,
        key=drawn.hex()[:32],
        platform=fact.platform,
        topic=topic,
        subject_id=subject_id,
        at=fact.at,
        built_at=due if fact.platform == WOOCOMMERCE else fact.at,
        is_lost=is_lost,
        is_duplicate=not is_lost and fraction(drawn, 1) < rates.duplicate,
        is_delayed=is_delayed,
    )
    yield planned
    if topic in _FORGED_TOPICS and fraction(drawn, 4) < rates.forged:
        yield replace(
            planned, key=drawn.hex()[32:], is_forged=True, is_lost=False, is_duplicate=False, is_delayed=False
        )
