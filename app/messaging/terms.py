"""What a store set that its messages on a channel keep to; read once for all of a batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from app.messaging.frame import Sender
from app.models import Store
from app.stores import settings

_IDENTITY = {"email": ("sender.email", "sender.name", "sender.postal_address")}
_TEXT_IDENTITY = ("sender.sms_name",)
_TEXTS = ("delivery", "returns")


@dataclass(frozen=True, slots=True)
class Terms:
    """Who sends, when, and how often.

    Attributes:
        sender_problem: as the function of that name tells it.
        hosts: those of the shop, whose links are tagged.
        locale: in which language people are written to of whom no other is known.
        texts: what the merchant says of the shop, by its name in the templates.
    """

    sender: Sender
    from_address: str
    from_name: str
    sender_problem: str | None
    hosts: frozenset[str]
    hours: tuple[int, int]
    cap_per_day: int
    cap_per_week: int
    sms_cap_per_week: int
    allows_perk: bool
    locale: str
    texts: Mapping[str, str]
    lapses_after: timedelta | None = None

    def is_lapsed(self, said: Any, customer: Any, now: datetime) -> bool:
        """Whether the person's last word on the channel and last order are longer ago than the store wants.

        Source: Garante, 24 February 2005: 24 months for marketing, where a shop goes by it.
        """
        if self.lapses_after is None:
            return False
        signs = (said and said.occurred_at, customer and customer.last_paid_at)
        return max(filter(None, signs), default=now) < now - self.lapses_after


def terms_of(store: Store, channel: str) -> Terms:
    """A store's terms for one channel."""
    days = settings.number(store, "consent.lapses_after_days")
    return Terms(
        sender=_sender(store),
        from_address=settings.read(store, "sender.email"),
        from_name=settings.read(store, "sender.name"),
        hosts=frozenset({(urlsplit(store_url(store)).hostname or "").lower()}),
        sender_problem=sender_problem(store, channel),
        hours=settings.hours(store, "rails.sms_hours" if channel == "sms" else "rails.email_hours"),
        cap_per_day=settings.number(store, "rails.cap_per_day"),
        cap_per_week=settings.number(store, "rails.cap_per_week"),
        sms_cap_per_week=settings.number(store, "rails.sms_cap_per_week"),
        allows_perk=settings.is_on(store, "abandoned_checkout.perk"),
        locale=settings.read(store, "locale"),
        texts={name: settings.read(store, f"texts.{name}") for name in _TEXTS},
        lapses_after=timedelta(days=days) if days else None,
    )


def sender_problem(store: Store, channel: str) -> str | None:
    """What the merchant has not said yet of who sends."""
    wanted = _IDENTITY.get(channel, _TEXT_IDENTITY)
    missing = [key for key in wanted if not settings.read(store, key)]
    return f"not set: {', '.join(missing)}" if missing else None


def store_url(store: Store) -> str:
    """The shop's front page: the merchant's own address where we know it."""
    return store.url if "://" in store.url else f"https://{store.domain}"


def _sender(store: Store) -> Sender:
    return Sender(
        name=settings.read(store, "sender.name") or store.name,
        url=store_url(store),
        postal_address=settings.read(store, "sender.postal_address"),
        sms_name=settings.read(store, "sender.sms_name"),
        logo_url=settings.read(store, "brand.logo_url"),
        colour=settings.read(store, "brand.color"),
    )
