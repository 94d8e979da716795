"""A flow as data: entries, exits and typed steps; checked when it is published.

A recipe is such a definition in `recipes/<key>.json`; a store's FlowVersion holds its own copy.
"""

import json
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from app.flows import ahead, checks
from app.flows.ahead import Ahead
from app.flows.steps import (
    ChooseProducts,
    End,
    Message,
    Part,
    SetState,
    Split,
    Step,
    VoucherTerms,
    Wait,
    WaitEvent,
    WaitFor,
)
from app.messaging.conditions import OF_CLASSES, OF_SCORES, Asked, asked_by, asks_for

__all__ = [
    "Anchor",
    "ChooseProducts",
    "Definition",
    "End",
    "Entry",
    "Exit",
    "Message",
    "SetState",
    "Split",
    "Step",
    "VoucherTerms",
    "Wait",
    "WaitFor",
    "recipe",
    "recipe_keys",
]

RECIPES = Path(__file__).parent / "recipes"


class Anchor(Part):
    """A named moment, so long after another one; before it, if negative."""

    name: str
    anchor: str
    days: int = 0
    hours: int = 0

    @cached_property
    def span(self) -> timedelta:
        """How long after the other one."""
        return timedelta(days=self.days, hours=self.hours)


class Entry(Part):
    """How somebody gets in: an event that meets the conditions, or the calendar's plan.

    `occurrence` and `subject` may hold `{subject}`, the event's own subject.
    """

    id: str
    events: tuple[str, ...] = ()
    where: dict[str, str] = Field(default_factory=dict)
    only_if: tuple[str, ...] = ()
    plan: str | None = None
    occurrence: str
    anchors: tuple[Anchor, ...] = ()
    event_anchor: str = "entered"
    exits: tuple["Exit", ...] = ()
    steps: tuple[Step, ...]

    @cached_property
    def has_messages(self) -> bool:
        """Whether any message of this way in is on."""
        return any(isinstance(step, Message) and step.is_on for step in self.steps)

    @property
    def moments(self) -> set[str]:
        """The moments that a journey has from its beginning."""
        named = {"entered", self.event_anchor, *(anchor.name for anchor in self.anchors)}
        return named | _OF_PLANS.get(self.plan or "", set())

    @cached_property
    def asked(self) -> Asked:
        """What the conditions look at that let somebody in."""
        return asked_by(self.only_if)

    @cached_property
    def by_id(self) -> "dict[str, Step]":
        """The steps by their ids."""
        return {step.id: step for step in self.steps}

    @cached_property
    def following(self) -> dict[str, str]:
        """The id of each step's next one, `end` after the last."""
        ids = [step.id for step in self.steps]
        return dict(zip(ids, [*ids[1:], "end"], strict=True))

    @cached_property
    def passed_over(self) -> frozenset[str]:
        """The waits for messages that are switched off."""
        return frozenset(
            step.id for step in self.steps if ahead.leads_to_nothing(step, self.by_id, self.following)
        )

    @cached_property
    def exits_on(self) -> "dict[str, tuple[Exit, ...]]":
        """The exits by the type of the event."""
        types = {rule.event for rule in self.exits}
        return {kind: tuple(rule for rule in self.exits if rule.event == kind) for kind in types}

    @cached_property
    def _seen_ahead(self) -> dict[tuple[str, str | None], Ahead]:
        return {}

    def ahead(self, step_id: str, arrived_by: str | None) -> Ahead:
        """What an advance from a step may ask, found once (see `app/flows/ahead.py`)."""
        found = self._seen_ahead.get((step_id, arrived_by))
        if found is None:
            found = ahead.look(step_id, arrived_by, self.by_id, self.following)
            self._seen_ahead[step_id, arrived_by] = found
        return found

    @cached_property
    def ahead_on(self) -> tuple[tuple[str, Ahead], ...]:
        """What its journeys may ask without a wait before, by the types of the events that move them."""
        ways = [(kind, self.steps[0].id, kind) for kind in self.events]
        ways += [(step.event, step.id, step.event) for step in self.steps if isinstance(step, WaitFor)]
        met = [(step.event, step.came) for step in self.steps if isinstance(step, WaitEvent)]
        moved = [(kind, self.ahead(step_id, arrived_by)) for kind, step_id, arrived_by in ways]
        return (*moved, *((kind, self.ahead(came, None)) for kind, came in met))

    def step_after(self, step_id: str) -> str:
        """The id of the following step, or `end`."""
        return self.following[step_id]

    def step(self, step_id: str) -> "Step | None":
        """A step by its id; None for `end`."""
        return self.by_id.get(step_id)


class Exit(Part):
    """An event that ends the journey.

    `about`: any, own (same subject), own-voucher, or another subject: other-later than the entry, or
    other-since it, of one moment only the higher id.
    """

    event: str
    where: dict[str, str] = Field(default_factory=dict)
    about: Literal["any", "own", "own-voucher", "other-later", "other-since"] = "any"


class Definition(Part):
    """A whole flow. Several entries are several ways in, each with its own steps."""

    key: str
    entries: tuple[Entry, ...]

    @model_validator(mode="after")
    def _is_sound(self) -> "Definition":
        for entry in self.entries:
            checks.check(entry.id, entry.steps, entry.moments, entry.only_if)
        return self

    def entry(self, entry_id: str) -> Entry:
        """An entry by its id.

        Raises:
            KeyError: there is none.
        """
        return self._by_id[entry_id]

    @cached_property
    def _by_id(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in reversed(self.entries)}

    @cached_property
    def entries_on(self) -> dict[str, tuple[Entry, ...]]:
        """The ways in that have a message, by the type of the event."""
        open_ = [entry for entry in self.entries if entry.has_messages]
        types = {kind for entry in open_ for kind in entry.events}
        return {kind: tuple(entry for entry in open_ if kind in entry.events) for kind in types}

    @cached_property
    def asks_for_classes(self) -> bool:
        """Whether any condition looks at the classes of customers."""
        return self._asks_for(OF_CLASSES)

    @cached_property
    def asks_for_scores(self) -> bool:
        """Whether any condition looks at the scores of customers."""
        return self._asks_for(OF_SCORES)

    def _asks_for(self, names: frozenset[str]) -> bool:
        return any(asks_for(checks.conditions(entry.steps, entry.only_if), names) for entry in self.entries)

    def messages(self) -> list[Message]:
        """Every message that is on, in order."""
        return [
            step for entry in self.entries for step in entry.steps if isinstance(step, Message) and step.is_on
        ]


_OF_PLANS = {"birthdays": {"birthday", "code_ends"}}
"""The moments that a plan of the calendar gives its journeys."""


@cache
def recipe(key: str) -> Definition:
    """A default recipe by its flow's key."""
    return Definition.model_validate(json.loads((RECIPES / f"{key}.json").read_text()))


@cache
def recipe_keys() -> tuple[str, ...]:
    """The flows that exist, in the order of PRODUCT.md."""
    order = ("welcome", "review", "cross_sell", "birthday", "reactivation", "abandoned_checkout")
    return tuple(key for key in order if (RECIPES / f"{key}.json").exists())
