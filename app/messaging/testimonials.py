"""What customers said, for mails that quote them: approved words, beside the average of everybody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from babel.numbers import format_decimal
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.db import is_one_of, table_of
from app.models import Review, Store
from app.models.review import APPROVED, WRITTEN
from app.stores import settings

REVIEWS = table_of(Review)
_QUOTED = (
    select(REVIEWS.c.text, REVIEWS.c.display_name)
    .where(
        REVIEWS.c.store_id == bindparam("store"),
        REVIEWS.c.state == APPROVED,
        REVIEWS.c.status.in_(WRITTEN),
        REVIEWS.c.is_verified,
        REVIEWS.c.rating >= bindparam("least"),
        REVIEWS.c.text != "",
    )
    .order_by(REVIEWS.c.written_at.desc(), REVIEWS.c.id.desc())
    .limit(1)
)
_LONGEST = 400
_WORDS = {
    "it": {
        "by": "{name}, acquisto verificato",
        "nameless": "Acquisto verificato",
        "average": "Media di tutte le valutazioni ricevute: {average} su 5 (sono {n})",
    },
    "en": {
        "by": "{name}, verified purchase",
        "nameless": "Verified purchase",
        "average": "Average of all ratings received: {average} out of 5 ({n} in total)",
    },
}


@dataclass(frozen=True, slots=True)
class Ratings:
    """How many rated anything in this store, and how many stars they gave on the average; None for nobody."""

    n: int
    average: float | None


def stars(session: Session, store_id: int) -> Sequence[tuple[int, str, int]]:
    """How many reviews there are of each number of stars and each state."""
    statement = (
        select(REVIEWS.c.rating, REVIEWS.c.state, func.count())
        .where(REVIEWS.c.store_id == store_id, is_one_of(REVIEWS.c.status, WRITTEN))
        .group_by(REVIEWS.c.rating, REVIEWS.c.state)
    )
    return [(rating, state, n) for rating, state, n in session.execute(statement)]


def ratings(counted: Iterable[tuple[int, str, int]]) -> Ratings:
    """Everybody's stars, whatever the merchant made of them: what is hidden counts like all others."""
    rated = [(rating, n) for rating, _, n in counted if rating > 0]
    people = sum(n for _, n in rated)
    return Ratings(people, sum(rating * n for rating, n in rated) / people if people else None)


def quotes(session: Session, store: Store) -> Mapping[str, str]:
    """The newest words that may be quoted, with whose they are and the average of all, by language.

    Empty where there are none: only texts count that the merchant approved, of people who bought, with at
    least as many stars as the merchant chose.
    """
    asked = {"store": store.id, "least": settings.number(store, "reviews.quoted_from")}
    row = session.execute(_QUOTED, asked).one_or_none()
    if row is None:
        return {}
    whole = ratings(stars(session, store.id))
    return {language: _quote(row.text, row.display_name, whole, language) for language in _WORDS}


def _quote(text: str, name: str | None, whole: Ratings, language: str) -> str:
    words = _WORDS[language]
    said = " ".join(text.split())
    if len(said) > _LONGEST:
        said = said[:_LONGEST].rpartition(" ")[0] + "…"
    average = format_decimal(whole.average or 0, "0.0", locale=language)
    lines = [
        f"“{said}”",
        words["by"].format(name=name) if name else words["nameless"],
        words["average"].format(average=average, n=whole.n),
    ]
    return "\n".join(lines)
