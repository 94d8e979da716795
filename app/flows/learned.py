"""What the shop's own orders taught the flows, in figures that a merchant can judge."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import from_micros, table_of
from app.flows import goods
from app.flows.definition import Definition, Entry, Wait
from app.flows.delays import review_delay_days
from app.flows.facts import order_ids
from app.models import Product
from app.segments import product_rhythms
from app.segments.product_rhythms import review_days

PRODUCTS = table_of(Product)
FLOWS = frozenset({"review", "reactivation"})
"""The flows that wait for what is learned."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is known of one product.

    Attributes:
        review_days: from delivery to the review ask; by its type alone it would be `default_days`.
        median_days: half of those who come back after it have done so; 95 % sure between low and high.
        long_days: four fifths have.
    """

    external_id: str
    title: str
    review_days: int
    default_days: int
    median_days: int
    low_days: int
    high_days: int
    long_days: int | None
    gaps: int
    people: int
    share_percent: int


def lessons(session: Session, store_id: int, most: int) -> list[Lesson]:
    """What holds now, of the products that most people came back after."""
    rows = product_rhythms.best_known(session, store_id, most)
    named = _products(session, store_id, (row.product_external_id for row in rows))
    return [_lesson(row, named) for row in rows]


def of_journeys(
    session: Session, store_id: int, definitions: Mapping[str, Definition], journeys: Iterable[Any]
) -> dict[int, Lesson]:
    """What decided how long a journey waited, by its id; nothing of those that the recipe decided.

    Args:
        definitions: of the journeys' flows, by their keys.
    """
    waits = {
        row.id: (row.subject, found)
        for row in journeys
        for entry in definitions[row.flow_key].entries
        if entry.id == row.context.get("entry") and (found := _waited(entry, row)) is not None
    }
    if not waits:
        return {}
    asked = _asked(session, store_id, {subject for subject, _ in waits.values()})
    products = sorted({product for some in asked.values() for product in some})
    past = product_rhythms.past(session, store_id, products)
    named = _products(session, store_id, products)
    decided = {
        journey: _decisive([row for product in asked[subject] for row in past.rows.get(product, ())], *wait)
        for journey, (subject, wait) in waits.items()
    }
    return {journey: _lesson(row, named) for journey, row in decided.items() if row is not None}


def _asked(session: Session, store_id: int, subjects: Collection[str]) -> dict[str, list[str]]:
    """The products of orders that a review is asked about, by the subjects of their journeys."""
    ids = order_ids(session, store_id, subjects)
    bought = goods.order_products(session, store_id, sorted(ids.values()))
    return {
        subject: [item.external_id for item in bought.get(ids.get(subject, 0), ())[: goods.MOST_ASKED]]
        for subject in subjects
    }


def titles(session: Session, store_id: int, products: Iterable[str]) -> dict[str, str]:
    """The titles of products by their external ids."""
    return {name: row.title for name, row in _products(session, store_id, products).items()}


def _waited(entry: Entry, row: Any) -> tuple[int, datetime] | None:
    """How many days of a journey's wait the products decided, and when it ended or will."""
    anchors = row.context["anchors"]
    for step in entry.steps:
        if isinstance(step, Wait) and step.delay and step.anchor in anchors and step.sets in anchors:
            begin, end = from_micros(anchors[step.anchor]), from_micros(anchors[step.sets])
            return (end - begin).days - step.days, end
    return None


def _decisive(rows: Sequence[Any], days: int, end: datetime) -> Any | None:
    """The row, latest first, that says just that many days and was known before the wait was over."""
    fitting = [row for row in rows if row.learned_at <= end and review_days(row) == days]
    return max(fitting, key=lambda row: row.learned_at, default=None)


def _products(session: Session, store_id: int, external_ids: Iterable[str]) -> Mapping[str, Any]:
    wanted = sorted(set(external_ids))
    statement = select(PRODUCTS.c.external_id, PRODUCTS.c.title, PRODUCTS.c.product_type).where(
        PRODUCTS.c.store_id == store_id, PRODUCTS.c.external_id.in_(wanted)
    )
    return {row.external_id: row for row in session.execute(statement)} if wanted else {}


def _lesson(row: Any, named: Mapping[str, Any]) -> Lesson:
    product = named.get(row.product_external_id)
    return Lesson(
        external_id=row.product_external_id,
        title=product.title if product is not None else row.product_external_id,
        review_days=review_days(row),
        default_days=review_delay_days(product.product_type if product is not None else ""),
        median_days=row.median_days,
        low_days=row.low_days,
        high_days=row.high_days,
        long_days=row.long_days,
        gaps=row.gaps,
        people=row.people,
        share_percent=row.share_percent,
    )
