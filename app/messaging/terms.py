"""What a store set that its messages on a channel keep to; read once for all of a batch."""

from dataclasses import dataclass

from app.models import Store
from app.stores import settings

_IDENTITY = {"email": ("sender.email", "sender.name", "sender.postal_address")}
_TEXT_IDENTITY = ("sender.sms_name",)


@dataclass(frozen=True, slots=True)
class Terms:
    """Who sends, when, and how often; `sender_problem` as the function of that name tells it."""

    sender_problem: str | None
    hours: tuple[int, int]
    cap_per_day: int
    cap_per_week: int
    sms_cap_per_week: int
    allows_perk: bool


def terms_of(store: Store, channel: str) -> Terms:
    """A store's terms for one channel."""
    return Terms(
        sender_problem=sender_problem(store, channel),
        hours=settings.hours(store, "rails.sms_hours" if channel == "sms" else "rails.email_hours"),
        cap_per_day=settings.number(store, "rails.cap_per_day"),
        cap_per_week=settings.number(store, "rails.cap_per_week"),
        sms_cap_per_week=settings.number(store, "rails.sms_cap_per_week"),
        allows_perk=settings.is_on(store, "abandoned_checkout.perk"),
    )


def sender_problem(store: Store, channel: str) -> str | None:
    """What the merchant has not said yet of who sends."""
    wanted = _IDENTITY.get(channel, _TEXT_IDENTITY)
    missing = [key for key in wanted if not settings.read(store, key)]
    return f"not set: {', '.join(missing)}" if missing else None
