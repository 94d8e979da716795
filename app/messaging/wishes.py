"""What people may wish on their preference page, and what of it stands against a message. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

OFFERS, ADVICE, REVIEWS, BIRTHDAY, CART = "offers", "advice", "reviews", "birthday", "cart"
TOPICS = (OFFERS, ADVICE, REVIEWS, BIRTHDAY, CART)
"""What messages are about, in the order in which people are asked; the words are the page's."""

_TOPIC_OF_FLOW: Mapping[str, str] = {
    "cross_sell": ADVICE,
    "review": REVIEWS,
    "birthday": BIRTHDAY,
    "abandoned_checkout": CART,
}
FEWER_PER_WEEK = 1
PAUSE_DAYS = (30, 90)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one person wishes; the defaults are those of somebody who never said anything."""

    paused_until: datetime | None = None
    topics_off: frozenset[str] = frozenset()
    is_fewer: bool = False


NO_WISHES = Wishes()


def topic_of(flow_key: str) -> str:
    """What a flow's messages are about; whatever is nothing special is news and offers."""
    return _TOPIC_OF_FLOW.get(flow_key, OFFERS)


def topics_of(flow_keys: Iterable[str]) -> tuple[str, ...]:
    """The topics of some flows, in the order in which people are asked; news and offers always."""
    found = {OFFERS, *(topic_of(key) for key in flow_keys)}
    return tuple(topic for topic in TOPICS if topic in found)


def obstacle(wishes: Wishes, topic: str, now: datetime) -> str | None:
    """Why a message about this topic is not wanted now, as the gate's reason, or None."""
    if topic in wishes.topics_off:
        return "topic-off"
    is_paused = wishes.paused_until is not None and now < wishes.paused_until
    return "paused-by-customer" if is_paused else None


def cap(wishes: Wishes, cap_per_week: int) -> int:
    """How many messages this person gets in 7 days."""
    return min(FEWER_PER_WEEK, cap_per_week) if wishes.is_fewer else cap_per_week
