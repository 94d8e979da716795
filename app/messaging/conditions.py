"""What must still be true of a message when it leaves; named, so that flows carry it as data.

A condition is `name` or `name:argument`. The flow engine asks before it makes a message, the gate
again before it leaves.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from app.segments.classes import CLASSES
from app.segments.states import ACTIVE, DORMANT, INACTIVE, REACTIVATING

NOT_DORMANT, NOT_INACTIVE = "not-dormant", "not-inactive"
"""What the gate asks of marketing by itself, whatever its step asks."""
_NONE: Mapping[str, Any] = MappingProxyType({})
LEFT_STATES = frozenset({"sending", "sent", "delivered", "bounced", "unknown"})


class OrderFacts(NamedTuple):
    """The order that a message is about, as the mirror shows it."""

    is_counted: bool
    is_cancelled: bool
    refunded_minor: int
    paid_at: datetime | None = None

    @classmethod
    def of(cls, order: Any | None) -> "OrderFacts | None":
        """The facts of an order's row."""
        if order is None:
            return None
        is_cancelled = order.cancelled_at is not None or order.deleted_at is not None
        return cls(order.is_counted, is_cancelled, order.refunded_minor, order.paid_at)


class SiblingFacts(NamedTuple):
    """Another message of the same enrollment."""

    status: str
    is_clicked: bool


class ConditionFacts(NamedTuple):
    """What conditions look at. `redeemed` holds the names of this enrollment's redeemed codes.

    `is_stopped`: an exit came, before or after the last step. `has_earlier_orders`: the shop counts orders
    of this customer that it does not show, older than any that is mirrored. Seen when the message leaves:
    `is_answered`, something that it asks about was reviewed; `is_unhappy`, three stars or fewer in the last
    30 days; `has_open_case`, they wait for an answer of the shop; `is_pending`, the consent to the channel
    waits for its confirmation; `has_basket`, the checkout that it is about still stands, with something in
    it; `allows_perk`, the merchant lets the basket's reminders end with a perk; `state`, where the customer
    stands (app/segments/states.py). `classes`, `scores`: theirs, looked up where a condition asks for one.
    """

    is_stopped: bool = False
    order: OrderFacts | None = None
    redeemed: frozenset[str] = frozenset()
    siblings: Mapping[str, SiblingFacts] = _NONE
    first_paid_at: datetime | None = None
    entered_at: datetime | None = None
    has_earlier_orders: bool = False
    is_answered: bool = False
    is_unhappy: bool = False
    has_open_case: bool = False
    is_pending: bool = False
    has_basket: bool = False
    allows_perk: bool = False
    state: str = ACTIVE
    classes: frozenset[str] = frozenset()
    scores: Mapping[str, int] = _NONE


def first_false(conditions: Sequence[str], facts: ConditionFacts) -> str | None:
    """The first condition that does not hold, or None.

    Raises:
        KeyError: a condition that nobody knows; a definition is checked before it is published.
    """
    for condition, holds, argument in _asked(tuple(conditions)):
        if not holds(facts, argument):
            return condition
    return None


ENDED_BY_EXITS = frozenset({"enrollment-alive", "order-intact", "is-reactivating"})
"""Conditions that exits see to: a journey is walked in the order of moments, so what made them false by
the step's own moment has ended the journey before. Asking the mirror, which knows what came later, would
answer for the wrong moment."""


def _enrollment_alive(facts: ConditionFacts, argument: str) -> bool:
    return not facts.is_stopped


def _order_intact(facts: ConditionFacts, argument: str) -> bool:
    """Not cancelled, and nothing of it was given back."""
    order = facts.order
    return order is not None and not order.is_cancelled and order.refunded_minor == 0


def _order_counts(facts: ConditionFacts, argument: str) -> bool:
    return facts.order is not None and facts.order.is_counted


def _code_unused(facts: ConditionFacts, argument: str) -> bool:
    return argument not in facts.redeemed


def _left(facts: ConditionFacts, argument: str) -> bool:
    sibling = facts.siblings.get(argument)
    return sibling is not None and sibling.status in LEFT_STATES


def _not_clicked(facts: ConditionFacts, argument: str) -> bool:
    sibling = facts.siblings.get(argument)
    return sibling is None or not sibling.is_clicked


def _not_reviewed(facts: ConditionFacts, argument: str) -> bool:
    return not facts.is_answered


def _not_unhappy(facts: ConditionFacts, argument: str) -> bool:
    return not facts.is_unhappy


def _no_open_case(facts: ConditionFacts, argument: str) -> bool:
    return not facts.has_open_case


def _consent_pending(facts: ConditionFacts, argument: str) -> bool:
    return facts.is_pending


def _basket_stands(facts: ConditionFacts, argument: str) -> bool:
    return facts.has_basket


def _perk_allowed(facts: ConditionFacts, argument: str) -> bool:
    return facts.allows_perk


def _is_reactivating(facts: ConditionFacts, argument: str) -> bool:
    return facts.state == REACTIVATING


def _not_dormant(facts: ConditionFacts, argument: str) -> bool:
    """Whoever is silent, or is being won back, gets no other marketing."""
    return facts.state not in (DORMANT, REACTIVATING)


def _not_inactive(facts: ConditionFacts, argument: str) -> bool:
    """Whoever left the last question unanswered is left alone until they act."""
    return facts.state != INACTIVE


def _is_first_order(facts: ConditionFacts, argument: str) -> bool:
    """No counted order was paid before this one; whether it counts itself is seen when a message leaves."""
    if facts.order is None or facts.order.paid_at is None or facts.has_earlier_orders:
        return False
    return facts.first_paid_at is None or facts.first_paid_at >= facts.order.paid_at


def _bought_before_entry(facts: ConditionFacts, argument: str) -> bool:
    first, entered = facts.first_paid_at, facts.entered_at
    if facts.has_earlier_orders:
        return True
    return first is not None and entered is not None and first < entered


def _of_class(facts: ConditionFacts, argument: str) -> bool:
    return argument in facts.classes


def _not_of_class(facts: ConditionFacts, argument: str) -> bool:
    return argument not in facts.classes


def _score_at_least(facts: ConditionFacts, argument: str) -> bool:
    programme, _, least = argument.partition(":")
    return facts.scores.get(programme, 0) >= int(least)


def _score_below(facts: ConditionFacts, argument: str) -> bool:
    return not _score_at_least(facts, argument)


CONDITIONS: dict[str, Callable[[ConditionFacts, str], bool]] = {
    "enrollment-alive": _enrollment_alive,
    "order-intact": _order_intact,
    "order-counts": _order_counts,
    "code-unused": _code_unused,
    "left": _left,
    "not-clicked": _not_clicked,
    "not-reviewed": _not_reviewed,
    "not-unhappy": _not_unhappy,
    "no-open-case": _no_open_case,
    "consent-pending": _consent_pending,
    "bought-before-entry": _bought_before_entry,
    "is-first-order": _is_first_order,
    "basket-stands": _basket_stands,
    "perk-allowed": _perk_allowed,
    "is-reactivating": _is_reactivating,
    "of-class": _of_class,
    "not-of-class": _not_of_class,
    "score-at-least": _score_at_least,
    "score-below": _score_below,
    NOT_DORMANT: _not_dormant,
    NOT_INACTIVE: _not_inactive,
}


@lru_cache(maxsize=1024)
def _asked(conditions: tuple[str, ...]) -> Sequence[tuple[str, Callable[[ConditionFacts, str], bool], str]]:
    """Each condition, what it asks, and of what; those of a step are taken apart once."""
    parts = [condition.partition(":") for condition in conditions]
    return [
        (condition, CONDITIONS[name], of) for condition, (name, _, of) in zip(conditions, parts, strict=True)
    ]


OF_CLASSES = frozenset({"of-class", "not-of-class"})
"""Conditions whose argument is a class."""
OF_SIBLINGS = frozenset({"left", "not-clicked"})
"""Conditions whose argument is another step of the journey."""
OF_CODES = frozenset({"code-unused"})
"""Conditions whose argument is the name of a code of the journey."""
OF_SCORES = frozenset({"score-at-least", "score-below"})
"""Conditions whose argument is a programme and a score, as `lead:50`."""
OF_ORDERS = frozenset({"order-intact", "order-counts", "is-first-order"})
"""Conditions about the order that a journey is about."""
OF_BASKETS = frozenset({"basket-stands"})
"""Conditions about the checkout that a journey is about."""
_SCORE = re.compile(r"[a-z][a-z0-9-]*:(100|[0-9]{1,2})")


class Asked(NamedTuple):
    """What some conditions look at of that which is found by statements of its own."""

    order: bool = True
    basket: bool = True
    codes: bool = True
    siblings: bool = True


EVERYTHING = Asked()


def asked_by(conditions: Iterable[str]) -> Asked:
    """What these conditions look at."""
    named = _names_of(tuple(conditions))
    return Asked(*(not named.isdisjoint(names) for names in (OF_ORDERS, OF_BASKETS, OF_CODES, OF_SIBLINGS)))


def asks_for(conditions: Iterable[str], names: frozenset[str]) -> bool:
    """Whether any of these conditions is one of the names."""
    return not names.isdisjoint(_names_of(tuple(conditions)))


@lru_cache(maxsize=1024)
def _names_of(conditions: tuple[str, ...]) -> frozenset[str]:
    """The names of a step's conditions, taken apart once."""
    return frozenset(condition.partition(":")[0] for condition in conditions)


def problem(condition: str) -> str | None:
    """What is wrong with a condition as it is written, and what to write instead; None if nothing is."""
    name, _, argument = condition.partition(":")
    if name not in CONDITIONS:
        return f"unknown condition {name}; there are {', '.join(sorted(CONDITIONS))}"
    if name in OF_CLASSES and argument not in CLASSES:
        return f"unknown class {argument!r} in {condition}; there are {', '.join(CLASSES)}"
    if name in OF_SCORES and not _SCORE.fullmatch(argument):
        return f"{condition} names no score; write a programme and 0 to 100, as {name}:lead:50"
    return None
