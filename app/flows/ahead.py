"""What one advance may ask of the shop, by the step where it begins: the same for all who stand there."""

from collections.abc import Mapping
from typing import NamedTuple

from app.flows import checks
from app.flows.steps import ChooseProducts, Message, Split, SplitByArm, Step, Wait, WaitEvent, WaitFor
from app.messaging.conditions import Asked, asked_by


class Ahead(NamedTuple):
    """The choosers to ask, in order; what waits mind; whether a step draws, may text, or minds local hours.

    `asks`: what the conditions of steps look at, None where no step has any that is asked on the way.
    """

    choosers: tuple[str, ...]
    needs_delay: bool
    minds_transit: bool
    asks: Asked | None
    draws: bool
    texts: bool
    minds_hours: bool

    @property
    def asks_reviews(self) -> bool:
        """Whether it may ask what somebody reviewed, or was asked to."""
        return "review-products" in self.choosers

    @property
    def asks_goods(self) -> bool:
        """Whether it may ask which products an order has."""
        return self.needs_delay or bool(self.choosers)


def look(
    step_id: str, arrived_by: str | None, steps: Mapping[str, Step], following: Mapping[str, str]
) -> Ahead:
    """What the steps may ask up to the first wait that is one, itself included.

    Args:
        arrived_by: the event type that brought the journey here; it passes a wait for that very event.
        following: the id of each step's next one.
    """
    ahead: dict[str, Step] = {}
    open_ids = [step_id]
    while open_ids:
        step = steps.get(open_ids.pop())
        if step is None or step.id in ahead:
            continue
        ahead[step.id] = step
        if not _halts(step, arrived_by) or leads_to_nothing(step, steps, following):
            open_ids += [*checks.leads_to(step), following[step.id]]
    conditions = [condition for step in ahead.values() for condition in _conditions(step)]
    return Ahead(
        choosers=tuple(step.chooser for step in ahead.values() if isinstance(step, ChooseProducts)),
        needs_delay=any(isinstance(step, Wait) and step.delay is not None for step in ahead.values()),
        minds_transit=any(isinstance(step, WaitFor) for step in ahead.values()),
        asks=asked_by(conditions) if conditions else None,
        draws=any(isinstance(step, SplitByArm) for step in ahead.values()),
        texts=any(isinstance(step, Message) and step.may_be_text for step in ahead.values()),
        minds_hours=any(_minds_hours(step) for step in ahead.values()),
    )


def leads_to_nothing(step: Step, steps: Mapping[str, Step], following: Mapping[str, str]) -> bool:
    """Whether this is a wait for a message that is switched off: nobody need wait for it."""
    if not isinstance(step, Wait) or step.sets:
        return False
    after = steps.get(following[step.id])
    return isinstance(after, Message) and not after.is_on


def _halts(step: Step, arrived_by: str | None) -> bool:
    if isinstance(step, WaitFor):
        return step.event != arrived_by
    return isinstance(step, Wait | WaitEvent)


def _minds_hours(step: Step) -> bool:
    if isinstance(step, Message):
        return step.is_on and (step.may_be_text or step.until == checks.OF_THE_DAY)
    return isinstance(step, Wait) and step.at is not None


def _conditions(step: Step) -> tuple[str, ...]:
    if isinstance(step, Split):
        return (step.condition,)
    return step.asked_at_once if isinstance(step, Message) and step.is_on else ()
