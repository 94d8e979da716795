"""When the calendar's daily plan would have let a person in."""

from collections.abc import Iterator
from datetime import datetime

from app.flows import birthdays, facts
from app.flows.simulate.question import Question
from app.flows.simulate.standing import CustomerThen


def birthday_slots(question: Question, customer: CustomerThen) -> Iterator[tuple[datetime, datetime]]:
    """The ticks of the daily slots in which a first birthday mail is due, with the slot."""
    flow = question.flows.get(birthdays.FLOW)
    if flow is None or flow.active_since is None:
        return
    if customer.birth_month is None or customer.birth_known_at is None:
        return
    entry, place = flow.definition.entries[0], facts.place_of(question.store, customer)
    for year in range(question.begin.year, question.until.year + 2):
        for _, due in birthdays.dues(entry, customer, place, around=year)[1:2]:
            slot = due.replace(hour=0, minute=0, second=0, microsecond=0)
            tick = question.tick_at(slot)
            if slot >= flow.active_since and tick is not None:
                yield tick, slot
