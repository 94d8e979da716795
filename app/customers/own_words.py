"""What a person told us of themselves, so that what the shop still believes does not undo it.

A birthday or language told on the preference page stands in the customer's ordinary columns. Beside it
`own_words` keeps when it was told and what it replaced: the shop goes on telling the replaced value with
every order, under ever newer moments, and that is no news. A birthday that the shop had never told before is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db import from_micros, table_of, to_micros
from app.models import Customer

CUSTOMERS = table_of(Customer)
BIRTHDAY, LANGUAGE = "birthday", "language"
SOURCE = "preferences"
_BIRTH = ("birth_year", "birth_month", "birth_day")
_FIELDS = {BIRTHDAY: _BIRTH, LANGUAGE: ("locale",)}
_MOST_REPLACED = 5


@dataclass(frozen=True, slots=True)
class Birthday:
    """A day of the year; the year is optional. Without month and day: it is to be forgotten."""

    month: int | None = None
    day: int | None = None
    year: int | None = None


def tell_birthday(session: Session, customer: Customer, birthday: Birthday, now: datetime) -> None:
    """Keep a birthday that the person told, or forget the one we know; the row must be locked.

    It is known since now, so that one within thirty days waits for its next year.
    """
    held = [customer.birth_month, customer.birth_day]
    told = [birthday.month, birthday.day]
    if told == held and birthday.year in (None, customer.birth_year):
        return
    known_at = customer.birth_known_at if told == held else now
    values = {
        "birth_year": birthday.year,
        "birth_month": birthday.month,
        "birth_day": birthday.day,
        "birth_known_at": known_at if birthday.month is not None else None,
    }
    _write(session, customer, {**values, "own_words": _with(customer, BIRTHDAY, held, now)})


def tell_language(session: Session, customer: Customer, language: str, now: datetime) -> None:
    """Keep the language that the person chose; the row must be locked."""
    if (customer.locale or "")[:2].lower() != language:
        held = [customer.locale]
        _write(session, customer, {"locale": language, "own_words": _with(customer, LANGUAGE, held, now)})


def respected(stated: Mapping[str, Any], own: Mapping[str, Any], told_at: float) -> dict[str, Any]:
    """What of the shop's news still counts: a chosen language stays, and so does a birthday against old news.

    Args:
        stated: the fields of the news.
        told_at: the moment of the news, in seconds since 1970.
    """
    stale: set[str] = set()
    if LANGUAGE in own:
        stale.update(_FIELDS[LANGUAGE])
    if BIRTHDAY in own:
        words = own[BIRTHDAY]
        day = [stated.get("birth_month"), stated.get("birth_day")]
        is_older = datetime.fromtimestamp(told_at, UTC) <= from_micros(words["at"])
        if is_older or day in words["instead_of"]:
            stale.update(_FIELDS[BIRTHDAY])
    return {name: value for name, value in stated.items() if name not in stale}


def _with(customer: Customer, name: str, held: list[Any], now: datetime) -> dict[str, Any]:
    own = dict(customer.own_words or {})
    replaced = [*own.get(name, {}).get("instead_of", []), held]
    own[name] = {"source": SOURCE, "at": to_micros(now), "instead_of": replaced[-_MOST_REPLACED:]}
    return own


def _write(session: Session, customer: Customer, values: Mapping[str, Any]) -> None:
    mine = (CUSTOMERS.c.store_id == customer.store_id, CUSTOMERS.c.id == customer.id)
    session.execute(update(CUSTOMERS).where(*mine).values(**values))
    session.expire(customer)
