"""The timeline and the gate's steps in the merchant's words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import timeline
from app.messaging.conditions import OF_CLASSES, OF_SCORES
from app.models import CustomerEvent, Order
from app.web import provider_words
from app.web.catalogue import translate, word
from app.web.context import rows_of
from app.web.formats import moment, money

_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline: what, when, a detail, and the screen that tells more."""

    type: str
    occurred_at: datetime
    note: str
    path: str | None


def entries(session: Session, store_id: int, events: Sequence[CustomerEvent]) -> list[Entry]:
    """Events with their orders' numbers, by one query."""
    wanted = [event.subject.removeprefix("order:") for event in events if event.subject.startswith("order:")]
    statement = rows_of(Order, store_id).where(Order.external_id.in_(wanted))
    orders = {order.external_id: order for order in session.scalars(statement)}
    return [_entry(event, orders) for event in events]


def step_value(value: object, step: str = "") -> str:
    """What a step of the gate saw: a known word, a condition, or text, its moments in the store's zone."""
    text = str(value if value is not None else "")
    for kind, name in ((f"value.{step}", text), ("value", text), ("value.any", step)):
        known = word(kind, name)
        if known != name:
            return known
    condition, _, argument = text.partition(":")
    for kind in ("condition", "value"):
        named = word(kind, condition)
        if named != condition:
            return named.replace("{argument}", _argument(condition, argument.strip()))
    in_zone = _ISO.sub(lambda found: moment(datetime.fromisoformat(found.group())), text)
    return next(filter(None, (_said(in_zone, *one) for one in _SENTENCES)), in_zone)


def _said(text: str, pattern: re.Pattern[str], key: str) -> str | None:
    """A sentence of the gate's with moments in it, in the reader's language; None if it is another one."""
    found = pattern.fullmatch(text)
    if found is None:
        return None
    return translate(key, **{name: word("reason", told) for name, told in found.groupdict().items()})


_SENTENCES = (
    (re.compile("until (?P<moment>.+)"), "until"),
    (re.compile("it was worth sending until (?P<moment>.+)"), "value.worth"),
    (re.compile("(?P<reason>[a-z-]+) until (?P<moment>.+), after its end (?P<end>.+)"), "value.too-late"),
)
"""What the gate says of moments, and the key of its words; moments are no reasons and stay as they are."""


def _argument(condition: str, argument: str) -> str:
    if condition == _REFUSED:
        return provider_words.sentence(argument)
    if condition in OF_SCORES:
        return argument.replace(":", " ")
    return word("class" if condition in OF_CLASSES else "step", argument)


_REFUSED = "the provider refuses the account"


def _entry(event: CustomerEvent, orders: Mapping[str, Order]) -> Entry:
    kind, _, key = event.subject.partition(":")
    if kind == "order":
        return Entry(event.type, event.occurred_at, _order_note(key, orders.get(key)), None)
    if kind == "message" and key.isascii() and key.isdigit():
        return Entry(event.type, event.occurred_at, _message_note(event), f"/app/outbox/{key}")
    if kind == "consent":
        state = str(event.details.get("state", ""))
        return Entry(event.type, event.occurred_at, f"{word('channel', key)}: {word('consent', state)}", None)
    if kind == "checkout":
        total = money(int(event.details["total_minor"]), str(event.details["currency"]))
        return Entry(event.type, event.occurred_at, total, None)
    if event.type in _CHANGES:
        return Entry(event.type, event.occurred_at, _change_note(event, _CHANGES[event.type]), None)
    note = event.details.get("code") or event.details.get(_NOTES.get(event.type, ""))
    return Entry(event.type, event.occurred_at, str(note or ""), None)


_NOTES = {timeline.MERGED: "external_id", "review.received": "rating"}
"""What of an entry's details is worth showing, by its type."""


_CHANGES = {"state.changed": "standing", "class.changed": "class"}
"""Entries of what somebody was and what they became, and whose words these are."""


def _change_note(event: CustomerEvent, kind: str) -> str:
    """From what to what; a customer may be of several classes."""
    before, after = (
        ", ".join(word(kind, one) for one in ([told] if isinstance(told, str) else told))
        for told in (event.details.get("from") or [], event.details.get("to") or [])
    )
    return f"{before} → {after}" if before else after


def _order_note(key: str, order: Order | None) -> str:
    if order is None:
        return key
    return f"{order.number} · {money(order.total_minor, order.currency)}"


def _message_note(event: CustomerEvent) -> str:
    """Which message, as far as the entry says it."""
    return word("step", str(event.details.get("step") or ""))
