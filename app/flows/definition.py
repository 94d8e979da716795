"""A flow as data: entries, exits and typed steps; checked when it is published.

A recipe is such a definition in `recipes/<key>.json`; a store's FlowVersion holds its own copy.
"""

import json
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.messaging.conditions import asks_for_classes, problem

RECIPES = Path(__file__).parent / "recipes"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VoucherTerms(_Part):
    """A code minted for the person when the message leaves.

    `name` is unique in the enrollment: messages that name the same voucher share one code. It ends
    at the anchor `ends_at`, plus `ends_after_days`. `setting` names the store setting with the value.
    A `perk` is that percentage, but free shipping where it is 0 and for promo buyers.
    """

    name: str
    kind: Literal["percentage", "amount", "free_shipping", "by-class", "perk"]
    setting: str | None = None
    ends_at: str
    ends_after_days: int = 0


class Wait(_Part):
    """Wait until a moment: an anchor plus days and hours, or plus days at a local time of day.

    `delay` adds days that depend on the order's products; `sets` keeps the moment as a new anchor.
    """

    kind: Literal["wait"]
    id: str
    anchor: str
    days: int = 0
    hours: int = 0
    at: str | None = None
    delay: Literal["review-products"] | None = None
    sets: str | None = None


class WaitFor(_Part):
    """Wait for an event of the same subject; its moment becomes the anchor `sets`.

    None within the days (counted from `anchor`): the moment is taken as `anchor` + the store's median
    transit, or + the same days where there is no median yet.
    """

    kind: Literal["wait-for"]
    id: str
    event: str
    anchor: str
    days_home: int
    days_abroad: int
    sets: str


class ChooseProducts(_Part):
    """Choose what the next messages speak of.

    Nothing to choose ends the flow with `if_none`; without it the journey goes on and speaks of nothing.
    """

    kind: Literal["choose"]
    id: str
    chooser: Literal["review-products", "complement", "newest"]
    if_none: str | None = None


class Message(_Part):
    """A message. It is due when the step is reached; `only_if` is asked now and again when it leaves.

    `ttl_hours`, or `until` (an anchor), bounds how late it may leave. `survives_exit`: it leaves
    although the journey ended meanwhile.
    """

    kind: Literal["message"]
    id: str
    channel: Literal["email", "sms-or-email"] = "email"
    purpose: Literal["answer", "service", "marketing", "transactional"]
    priority: int
    ttl_hours: int | None = None
    until: str | None = None
    only_if: tuple[str, ...] = ()
    voucher: VoucherTerms | None = None
    content: str
    shown_as: str | None = None
    is_on: bool = True

    @model_validator(mode="after")
    def _has_an_end(self) -> "Message":
        if (self.ttl_hours is None) == (self.until is None):
            raise ValueError(f"step {self.id}: give either ttl_hours or until")
        return self

    @property
    def name(self) -> str:
        """The step's name in keys, screens and the API (`W1`)."""
        return self.shown_as or self.id

    @property
    def survives_exit(self) -> bool:
        """An answer was promised; the end of the journey does not take it back."""
        return self.purpose == "answer"


class Split(_Part):
    """Go to `then` if the condition holds, else on to the next step."""

    kind: Literal["split"]
    id: str
    condition: str
    then: str


class SetState(_Part):
    """An attempt to win the customer back begins: their state says so from here on."""

    kind: Literal["state"]
    id: str
    to: Literal["reactivating"]


class End(_Part):
    """The journey ends here."""

    kind: Literal["end"]
    id: str


Step = Annotated[
    Wait | WaitFor | ChooseProducts | Message | Split | SetState | End, Field(discriminator="kind")
]


class Anchor(_Part):
    """A named moment, so long after another one; before it, if negative."""

    name: str
    anchor: str
    days: int = 0
    hours: int = 0


class Entry(_Part):
    """How somebody gets in: an event that meets the conditions, or the calendar's plan.

    `occurrence` and `subject` may hold `{subject}`, the event's own subject.
    """

    id: str
    events: tuple[str, ...] = ()
    where: dict[str, str] = {}
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

    @cached_property
    def by_id(self) -> "dict[str, Step]":
        """The steps by their ids."""
        return {step.id: step for step in self.steps}

    @cached_property
    def following(self) -> dict[str, str]:
        """The id of each step's next one, `end` after the last."""
        ids = [step.id for step in self.steps]
        return dict(zip(ids, [*ids[1:], "end"], strict=True))

    def step_after(self, step_id: str) -> str:
        """The id of the following step, or `end`."""
        return self.following[step_id]

    def step(self, step_id: str) -> "Step | None":
        """A step by its id; None for `end`."""
        return self.by_id.get(step_id)


class Exit(_Part):
    """An event that ends the journey.

    `about`: any, own (same subject), own-voucher, or another subject: other-later than the entry,
    other-since it, its own moment included.
    """

    event: str
    where: dict[str, str] = {}
    about: Literal["any", "own", "own-voucher", "other-later", "other-since"] = "any"


class Definition(_Part):
    """A whole flow. Several entries are several ways in, each with its own steps."""

    key: str
    entries: tuple[Entry, ...]

    @model_validator(mode="after")
    def _is_sound(self) -> "Definition":
        for entry in self.entries:
            _check_entry(entry)
        return self

    def entry(self, entry_id: str) -> Entry:
        """An entry by its id.

        Raises:
            KeyError: there is none.
        """
        for entry in self.entries:
            if entry.id == entry_id:
                return entry
        raise KeyError(entry_id)

    @cached_property
    def asks_for_classes(self) -> bool:
        """Whether any condition looks at the classes of customers."""
        return any(asks_for_classes(_conditions(entry)) for entry in self.entries)

    def messages(self) -> list[Message]:
        """Every message that is on, in order."""
        return [
            step for entry in self.entries for step in entry.steps if isinstance(step, Message) and step.is_on
        ]


def _conditions(entry: Entry) -> list[str]:
    """Every condition that an entry or a step of it asks, in order."""
    named = [*entry.only_if]
    for step in entry.steps:
        if isinstance(step, Message):
            named += step.only_if
        if isinstance(step, Split):
            named.append(step.condition)
    return named


def _check_entry(entry: Entry) -> None:
    ids = [step.id for step in entry.steps]
    if len(set(ids)) != len(ids):
        raise ValueError(f"entry {entry.id}: two steps share an id")
    for step in entry.steps:
        if isinstance(step, Split) and step.then not in ids:
            raise ValueError(f"step {step.id} leads to {step.then}, which does not exist")
    for condition in _conditions(entry):
        if (wrong := problem(condition)) is not None:
            raise ValueError(f"entry {entry.id}: {wrong}")


@cache
def recipe(key: str) -> Definition:
    """A default recipe by its flow's key."""
    return Definition.model_validate(json.loads((RECIPES / f"{key}.json").read_text()))


@cache
def recipe_keys() -> tuple[str, ...]:
    """The flows that exist, in the order of PRODUCT.md."""
    order = ("welcome", "review", "cross_sell", "birthday", "reactivation", "abandoned_checkout")
    return tuple(key for key in order if (RECIPES / f"{key}.json").exists())
