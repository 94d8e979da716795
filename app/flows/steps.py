"""The typed steps that a flow is made of, as data."""

from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.messaging.conditions import ENDED_BY_EXITS

LONGEST_TAG = 40
"""Of a tag that we give; both what platforms allow and what a merchant reads at a glance."""
LONGEST_WAIT = 400
"""In days or hours: a year and what a birthday needs around it."""


class Part(BaseModel):
    """What cannot be changed, and has nothing that nobody knows.

    Its own validator is made at its first use: most parts are only ever read as a part of the whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class VoucherTerms(Part):
    """A code minted for the person when the message leaves.

    `name` is unique in the enrollment: messages that name the same voucher share one code. It ends
    at the anchor `ends_at`, plus `ends_after_days`. `setting` names the store setting with the value, in
    whose place a version may say its own `percent`.
    A `perk` is that percentage, but free shipping where it is 0 and for promo buyers.
    """

    name: str
    kind: Literal["percentage", "amount", "free_shipping", "by-class", "perk"]
    setting: str | None = None
    percent: int | None = Field(default=None, ge=0, le=100)
    ends_at: str
    ends_after_days: int = 0


class Wait(Part):
    """Wait until a moment: an anchor plus days and hours, or plus days at a local time of day.

    `delay` adds days that depend on the order's products; `sets` keeps the moment as a new anchor.
    """

    kind: Literal["wait"]
    id: str
    anchor: str
    days: int = Field(default=0, ge=-LONGEST_WAIT, le=LONGEST_WAIT)
    hours: int = Field(default=0, ge=-LONGEST_WAIT, le=LONGEST_WAIT)
    at: str | None = Field(default=None, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    delay: Literal["review-products"] | None = None
    sets: str | None = None

    @cached_property
    def span(self) -> timedelta:
        """How long it waits without the delay and the time of day."""
        return timedelta(days=self.days, hours=self.hours)


class WaitFor(Part):
    """Wait for an event of the same subject; its moment becomes the anchor `sets`.

    None within the days (counted from `anchor`): the moment is taken as `anchor` + the store's median
    transit, or + the same days where there is no median yet.
    """

    kind: Literal["wait-for"]
    id: str
    event: str
    anchor: str
    days_home: int = Field(ge=1, le=90)
    days_abroad: int = Field(ge=1, le=90)
    sets: str


class ChooseProducts(Part):
    """Choose what the next messages speak of.

    Nothing to choose ends the flow with `if_none`; without it the journey goes on and speaks of nothing.
    """

    kind: Literal["choose"]
    id: str
    chooser: Literal["review-products", "complement", "newest"]
    if_none: str | None = None


class Message(Part):
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

    @cached_property
    def asked_at_once(self) -> tuple[str, ...]:
        """The conditions that are asked when the step is reached, too."""
        return tuple(condition for condition in self.only_if if condition not in ENDED_BY_EXITS)

    @property
    def may_be_text(self) -> bool:
        """Whether it leaves as a text to those who agreed to texts."""
        return self.is_on and self.channel != "email"

    @property
    def survives_exit(self) -> bool:
        """An answer was promised; the end of the journey does not take it back."""
        return self.purpose == "answer"


class Split(Part):
    """Go to `then` if the condition holds, else on to the next step."""

    kind: Literal["split"]
    id: str
    condition: str
    then: str


class SetState(Part):
    """An attempt to win the customer back begins: their state says so from here on."""

    kind: Literal["state"]
    id: str
    to: Literal["reactivating"]


class End(Part):
    """The journey ends here."""

    kind: Literal["end"]
    id: str


class WaitEvent(Part):
    """Wait until something happens to the customer, and no longer than so long after `anchor`.

    It came: on to `came`, its moment kept as the anchor `sets`, if named. It did not: the next step.
    `about`: own (the journey's own subject) or any. `where` must stand in the event's details.
    """

    kind: Literal["wait-event"]
    id: str
    event: str
    where: dict[str, str] = Field(default_factory=dict)
    about: Literal["own", "any"] = "any"
    anchor: str = "entered"
    days: int = Field(default=0, ge=0, le=LONGEST_WAIT)
    hours: int = Field(default=0, ge=0, le=LONGEST_WAIT)
    came: str
    sets: str | None = None

    @model_validator(mode="after")
    def _ends(self) -> "WaitEvent":
        if self.days + self.hours == 0:
            raise ValueError(f"step {self.id}: give the longest wait in days or hours, above 0")
        return self


class Arm(Part):
    """One way of a split by lot; of all weights its share of the people goes to `then`."""

    name: str
    weight: int = Field(ge=1, le=1000)
    then: str


class SplitByArm(Part):
    """Send people different ways by lot, always the same ones the same way."""

    kind: Literal["arms"]
    id: str
    arms: tuple[Arm, ...] = Field(min_length=2, max_length=10)


class Tag(Part):
    """Give the customer tags, or take some; the storefront is told."""

    kind: Literal["tag"]
    id: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_which(self) -> "Tag":
        tags = [*self.add, *self.remove]
        if not tags:
            raise ValueError(f"step {self.id}: name a tag to add or to remove")
        if len(set(tags)) != len(tags):
            raise ValueError(f"step {self.id}: a tag is named twice; name each once")
        for tag in tags:
            if not tag.strip() or tag != tag.strip() or "," in tag or len(tag) > LONGEST_TAG:
                raise ValueError(
                    f"step {self.id}: {tag!r} is no tag; no comma, 1 to {LONGEST_TAG} characters"
                )
        return self


class Score(Part):
    """Points for the customer on a programme's scale of 0 to 100; a journey counts each step once."""

    kind: Literal["score"]
    id: str
    programme: str = Field(default="lead", pattern=r"^[a-z][a-z0-9-]{0,29}$")
    points: int = Field(ge=-100, le=100)


class Webhook(Part):
    """Tell an address of the merchant's that the journey came here; signed, and tried until it answers."""

    kind: Literal["webhook"]
    id: str
    url: str = Field(max_length=500)

    @model_validator(mode="after")
    def _is_secure(self) -> "Webhook":
        parts = urlsplit(self.url)
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.fragment:
            raise ValueError(f"step {self.id}: the address must begin with https://, without a password")
        return self


Effect = Tag | Score | Webhook
"""Steps that do something beside the message."""

Step = Annotated[
    Wait
    | WaitFor
    | WaitEvent
    | ChooseProducts
    | Message
    | Split
    | SplitByArm
    | SetState
    | Tag
    | Score
    | Webhook
    | End,
    Field(discriminator="kind"),
]
