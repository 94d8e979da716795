"""The form of one step: its fields with what stands in them, by the step's kind."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from app.flows import checks, guards, own_messages
from app.flows.definition import Definition, Entry, Message
from app.flows.steps import (
    LONGEST_WAIT,
    Score,
    Split,
    SplitByArm,
    Step,
    Tag,
    Wait,
    WaitEvent,
    WaitFor,
    Webhook,
)
from app.models import Store
from app.web import step_words
from app.web.catalogue import translate, word
from app.web.form_fields import Choices, Field, group, number, select, worded
from app.web.step_conditions import condition_choices, condition_fields

EVENTS = (
    *("order.placed", "order.paid", "order.fulfilled", "order.delivered", "checkout.started"),
    *("message.clicked", "message.replied", "voucher.redeemed", "review.received", "support.opened"),
)
"""What a merchant may let people wait for."""
CHANNELS = ("email", "sms-or-email")
"""How a message of the merchant's may go out, the usual way first."""
MOST_ARMS = 10
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Place:
    """The step that is edited, where it stands, and the recipe that its flow came from.

    Attributes:
        can_text: whether the store's text messages have a way out.
    """

    origin: Definition
    definition: Definition
    entry: Entry
    step: Step
    store: Store
    can_text: bool = False

    @property
    def is_own(self) -> bool:
        """Whether the step is the merchant's."""
        return guards.is_own(self.origin, self.step.id)

    @property
    def channels(self) -> Sequence[str]:
        """The channels that this message may be given; none where there is nothing to choose."""
        if not isinstance(self.step, Message) or not self.is_own:
            return ()
        offered = CHANNELS if self.can_text else CHANNELS[:1]
        return () if {*offered, self.step.channel} == {CHANNELS[0]} else CHANNELS

    @property
    def later(self) -> Choices:
        """The steps that this one may lead to, with what they say."""
        ids = list(self.entry.by_id)
        begin = ids.index(self.step.id) + 1
        return [(name, step_words.name_and_text(self.entry.by_id[name], self.entry)) for name in ids[begin:]]

    @property
    def asked_by_recipe(self) -> tuple[str, ...]:
        """What the recipe asks before this message leaves; before one of the merchant's, of all others."""
        if self.is_own:
            return own_messages.asked(next(one for one in self.origin.entries if one.id == self.entry.id))
        found = (entry.by_id[self.step.id] for entry in self.origin.entries if self.step.id in entry.by_id)
        return next((step.only_if for step in found if isinstance(step, Message)), ())


@dataclass(slots=True)
class Form:
    """What the page shows of a step; `typed` stands in place of what the step says.

    Attributes:
        left_open: the fields that are empty until somebody typed into them.
    """

    place: Place
    typed: MultiDict[str, str] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    left_open: Set[str] = frozenset()

    @property
    def fields(self) -> list[Field]:
        """The fields, with what was typed and what is wrong with it."""
        return [
            self._filled(one)
            for one in _FIELDS.get(type(self.place.step), _none)(self.place, self.place.step)
        ]

    @property
    def general(self) -> Sequence[str]:
        """What is wrong with the whole, or with fields that the form has not."""
        known = {one.name for part in self.fields for one in (part, *part.parts)}
        return list(dict.fromkeys(text for name, text in self.errors.items() if name not in known))

    def _filled(self, one: Field) -> Field:
        if self.typed is not None and one.how != "group":
            one = replace(one, value=self.typed.get(one.name, ""))
        elif one.name in self.left_open:
            one = replace(one, value="")
        parts = [self._filled(part) for part in one.parts]
        return replace(one, parts=parts, error=self.errors.get(one.name, ""))


def _none(_place: Place, _step: Step) -> list[Field]:
    return []


def _wait(place: Place, step: Wait) -> list[Field]:
    if step.sets or step.delay:
        label = "step.field.more" if step.delay else "step.field.days"
        return [number("amount", translate(label), step.days, most=LONGEST_WAIT)]
    amount = step.days if step.days or not step.hours else step.hours
    known = checks.sure_at(place.entry.steps, place.entry.moments)[step.id].known
    anchors = sorted(known | {step.anchor}, key=lambda name: (name != "entered", name))
    return [
        number("amount", translate("step.field.amount"), abs(amount), most=LONGEST_WAIT),
        _unit("hours" if step.hours and not step.days else "days"),
        select("side", "before" if amount < 0 else "after", worded("step.side", ("after", "before"))),
        select("anchor", step.anchor, worded("anchor", anchors)),
        Field("at", "time", translate("step.field.at"), step.at or "", translate("step.help.at")),
    ]


def _wait_for(_place: Place, step: WaitFor) -> list[Field]:
    return [
        number("days_home", translate("step.field.days_home"), step.days_home, least=1, most=90),
        number("days_abroad", translate("step.field.days_abroad"), step.days_abroad, least=1, most=90),
    ]


def _wait_event(place: Place, step: WaitEvent) -> list[Field]:
    events = dict.fromkeys((*EVENTS, step.event))
    amount = step.days or step.hours
    return [
        select("event", step.event, worded("event", events)),
        number("amount", translate("step.field.longest"), amount, least=1, most=LONGEST_WAIT),
        _unit("days" if step.days or not step.hours else "hours"),
        select("then", step.came, place.later, label="step.field.came"),
    ]


def _split(place: Place, step: Split) -> list[Field]:
    rows = condition_fields(condition_choices(place.entry, step), [step.condition], 0)
    return [
        group("condition", translate("step.field.condition"), rows),
        select("then", step.then, place.later, label="step.field.then"),
    ]


def _arms(place: Place, step: SplitByArm) -> list[Field]:
    rows = [(arm.name, str(arm.weight), arm.then) for arm in step.arms]
    rows += [("", "", "")] * (len(rows) < MOST_ARMS)
    fields = []
    for place_of, (name, weight, then) in enumerate(rows):
        start = f"arms.{place_of}"
        parts = [
            Field(f"{start}.name", "text", translate("step.field.arm"), name, most=_LONGEST_NAME),
            number(f"{start}.weight", translate("step.field.weight"), weight, least=1, most=1000),
            select(f"{start}.then", then, place.later, "step.field.then"),
        ]
        label = translate("step.field.arm.more" if not name else "step.field.arm.one", n=place_of + 1)
        fields.append(group(start, label, parts))
    return fields


def _tag(_place: Place, step: Tag) -> list[Field]:
    help_ = translate("step.help.tags")
    return [
        Field("add", "text", translate("step.field.add"), ", ".join(step.add), help_, most=400),
        Field("remove", "text", translate("step.field.remove"), ", ".join(step.remove), most=400),
    ]


def _score(_place: Place, step: Score) -> list[Field]:
    return [
        number("points", translate("step.field.points"), step.points, least=-100, most=100),
        Field(
            "programme",
            "text",
            translate("step.field.programme"),
            step.programme,
            translate("step.help.programme"),
            most=30,
        ),
    ]


def _webhook(_place: Place, step: Webhook) -> list[Field]:
    return [Field("url", "url", translate("step.field.url"), step.url, translate("step.help.url"), most=500)]


def _message(place: Place, step: Message) -> list[Field]:
    extra = list(step.only_if[len(place.asked_by_recipe) :])
    rows = condition_fields(condition_choices(place.entry, step), extra, 1)
    fields = [
        Field("is_on", "check", translate("step.field.is_on"), "on" if step.is_on else ""),
        *_channel(place, step),
        group("condition", translate("step.field.only_if"), rows),
    ]
    return [*fields, *_code(place, step)]


def _channel(place: Place, step: Message) -> list[Field]:
    """How a message of the merchant's goes out, where the store has more than one way."""
    if not place.channels:
        return []
    chosen = select("channel", step.channel, worded("channel", place.channels))
    return [replace(chosen, help=translate("step.help.channel"))]


def _code(place: Place, step: Message) -> list[Field]:
    """A code's percentage and how long it is good for, where the recipe leaves them open."""
    if step.voucher is None:
        return []
    fields = []
    percent = step_words.percent_of(step.voucher, place.store)
    if percent is not None:
        least = step_words.least_percent(step.voucher)
        fields.append(number("percent", translate("step.field.percent"), percent, least=least, most=100))
    days = step_words.code_days(place.entry)
    if step.voucher.ends_at in days:
        since, n = days[step.voucher.ends_at]
        label = translate("step.field.code_days", anchor=word("anchor", since))
        fields.append(number("code_days", label, n, least=1, most=guards.LONGEST_CODE))
    return [replace(one, help=translate("step.help.code")) for one in fields]


_FIELDS: Mapping[type, Callable[[Place, Any], list[Field]]] = {
    Wait: _wait,
    WaitFor: _wait_for,
    WaitEvent: _wait_event,
    Split: _split,
    SplitByArm: _arms,
    Tag: _tag,
    Score: _score,
    Webhook: _webhook,
    Message: _message,
}


def _unit(value: str) -> Field:
    return select("unit", value, worded("step.unit", ("days", "hours")))
