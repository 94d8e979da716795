"""The letter of the week: the numbers of the home page for the seven days before a Monday."""

from datetime import datetime, time, timedelta

from babel.dates import format_date
from babel.numbers import format_decimal
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import money
from app.analytics import effects, sums
from app.analytics.effects import Brought
from app.analytics.sums import Earned, Fates, Period
from app.db import table_of
from app.messaging import hours, zones
from app.models import Review, Store
from app.models.review import LOW

REVIEWS = table_of(Review)
AT = time(8)
"""By the store's own clock."""
_WEEK = timedelta(days=7)
_UNPROVEN = {
    "it": "Il sorteggio non può ancora dire che cosa cambiano i messaggi: le persone sono troppo poche.",
    "en": "The lots cannot say yet what the messages change: the people are too few.",
}
_PROVEN = {
    "it": "La prova del sorteggio: dal {since} al {until} i messaggi hanno portato tra {low} e {high} in più "
    "(certezza 95%).",
    "en": "Proven by lot: from {since} to {until} the messages brought between {low} and {high} more "
    "(95% certainty).",
}


def next_monday(store: Store, now: datetime) -> datetime:
    """The next Monday at eight by the store's clock, after now."""
    zone = zones.zone_named(store.timezone)
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    moment = hours.at_local(monday, AT, zone)
    return moment if moment > now else hours.at_local(monday + _WEEK, AT, zone)


def week_before(store: Store, moment: datetime) -> Period:
    """From Monday to Sunday, the last whole week before that moment."""
    today = moment.astimezone(zones.zone_named(store.timezone)).date()
    monday = today - timedelta(days=today.weekday())
    return sums.between(store, monday - _WEEK, monday - timedelta(days=1))


def is_quiet(session: Session, store: Store, week: Period) -> bool:
    """Whether nothing was sold and nothing left."""
    return not any(one.orders or one.sent for one in sums.by_day(session, store, week))


def values(session: Session, store: Store, week: Period, language: str) -> dict[str, str]:
    """The numbers of a week in a merchant's language, by the functions that the home page has them from."""
    listed = sums.by_day(session, store, week)
    earned = sum(sums.earned(session, store, week).values(), Earned())
    fates = sum(sums.by_flow(session, store, week, week.end).values(), Fates())
    list_size, grown = sums.growth(listed) or (0, 0)
    counts = {
        "earned_orders": earned.orders,
        "orders": sum(one.orders for one in listed),
        "sent": fates.sent,
        "clicked": fates.clicked,
        "bounced": fates.bounced,
        "unsubscribed": fates.unsubscribed,
        "low": _low_ratings(session, store.id, week),
    }
    return {
        "first": format_date(week.first, "d MMMM", locale=language),
        "last": format_date(week.last, "d MMMM", locale=language),
        "earned": money.shown(earned.minor, store.currency, language),
        "sold": money.shown(sum(one.revenue_minor for one in listed), store.currency, language),
        "list": f"{format_decimal(list_size, locale=language)} ({grown:+d})",
        "proof": _proof(effects.of_store(session, store.id), store, language),
        **{name: format_decimal(n, locale=language) for name, n in counts.items()},
    }


def _low_ratings(session: Session, store_id: int, week: Period) -> int:
    written = select(func.count()).where(
        REVIEWS.c.store_id == store_id,
        REVIEWS.c.rating.in_(LOW),
        REVIEWS.c.written_at >= week.begin,
        REVIEWS.c.written_at < week.end,
    )
    return session.execute(written).scalar_one()


def _proof(brought: Brought | None, store: Store, language: str) -> str:
    if brought is None:
        return _UNPROVEN[language]
    return _PROVEN[language].format(
        since=format_date(brought.since, "d MMMM y", locale=language),
        until=format_date(brought.until, "d MMMM y", locale=language),
        low=money.shown(round(brought.revenue.low), store.currency, language),
        high=money.shown(round(brought.revenue.high), store.currency, language),
    )
