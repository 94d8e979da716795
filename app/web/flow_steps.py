"""A flow's definition as lines that a merchant reads, with what became of each message."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.flows.checks import leads_to
from app.flows.definition import (
    ChooseProducts,
    Definition,
    End,
    Entry,
    Message,
    SetState,
    Split,
    Step,
    Wait,
    WaitFor,
)
from app.flows.steps import Score, SplitByArm, Tag, WaitEvent, Webhook
from app.messaging.conditions import OF_CLASSES, OF_SCORES
from app.models import Flow, FlowVersion
from app.web.catalogue import translate, word
from app.web.figures import Sent
from app.web.formats import share

_ALWAYS_TRUE_OF = frozenset({"enrollment-alive", "is-reactivating"})


@dataclass(slots=True)
class Line:
    """One step in words. `kind` picks the sign before it; `sent` stands beside messages only.

    `edited_at` is the step whose text can be edited, "" for all but the messages of this version;
    `is_own` says that the merchant changed it.
    """

    kind: str
    key: str
    text: str
    notes: Sequence[str] = ()
    sent: Sent | None = None
    is_on: bool = True
    edited_at: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One way into the flow with its lines; `key` names it in the texts (`welcome.consent`)."""

    key: str
    lines: Sequence[Line] = field(default_factory=list)


def definition_of(session: Session, store_id: int, flow_key: str) -> Definition | None:
    """What the flow does now; None when it was never published."""
    statement = (
        select(FlowVersion.definition)
        .join(Flow, Flow.version_id == FlowVersion.id)
        .where(Flow.store_id == store_id, Flow.key == flow_key, FlowVersion.store_id == store_id)
    )
    stored = session.execute(statement).scalar_one_or_none()
    return Definition.model_validate(stored) if stored else None


def in_words(definition: Definition, sent: Mapping[str, Sent], own: Set[str] = frozenset()) -> list[Way]:
    """Every way in with its steps, then the messages that only older versions had.

    Args:
        own: the contents that the merchant changed.
    """
    left = dict(sent)
    ways = [_way(definition.key, entry, left, own) for entry in definition.entries]
    older = [Line("message", key, word("step", key), sent=left[key]) for key in sorted(left)]
    return [*ways, Way("older", older)] if older else ways


def _way(flow_key: str, entry: Entry, left: dict[str, Sent], own: Set[str]) -> Way:
    lines = [_line(step, left, own) for step in entry.steps]
    for before, line in pairwise(lines):
        if before.kind == "split" and line.kind == "end":
            line.text = translate("flow.end.else")
    led_to = {other for step in entry.steps for other in leads_to(step)}
    for line in lines:
        if line.key in led_to and line.kind != "message":
            line.text = f"{line.key} · {line.text}"
    return Way(f"{flow_key}.{entry.id}", lines)


def _line(step: Step, left: dict[str, Sent], own: Set[str]) -> Line:
    """A step in words; a message takes its figures out of `left`, so that two of one name share one count."""
    match step:
        case Wait():
            notes = [translate("flow.wait.products")] if step.delay else []
            return Line("wait", step.id, _wait(step), notes)
        case WaitFor():
            text = translate("flow.wait_for", event=word("event", step.event))
            return Line("wait", step.id, text, _bounds(step))
        case ChooseProducts():
            return Line("choose", step.id, word("chooser", step.chooser))
        case Split():
            text = translate("flow.split", condition=_when(step.condition), then=word("step", step.then))
            return Line("split", step.id, text)
        case WaitEvent():
            return Line("wait", step.id, _wait_event(step))
        case SplitByArm():
            return Line("split", step.id, translate("flow.arms"), _shares(step))
        case Tag() | Score() | Webhook() | SetState():
            return Line("state", step.id, _act(step))
        case End():
            return Line("end", step.id, translate("flow.end"))
        case Message():
            figures = left.pop(step.name, Sent())
            return Line(
                kind="message",
                key=step.name,
                text=word("step", step.id),
                notes=_notes(step),
                sent=figures,
                is_on=step.is_on,
                edited_at=step.id,
                is_own=step.content in own,
            )


def _wait(step: Wait) -> str:
    anchor = word("anchor", step.anchor)
    amount, unit = (step.days, "days") if step.days or not step.hours else (step.hours, "hours")
    if amount == 0:
        text = translate("flow.wait.on", anchor=anchor)
    elif amount > 0:
        text = translate(f"flow.wait.{unit}_after", n=amount, anchor=anchor)
    else:
        text = translate(f"flow.wait.{unit}_before", n=-amount, anchor=anchor)
    return f"{text}, {translate('flow.wait.at', at=step.at)}" if step.at else text


def _wait_event(step: WaitEvent) -> str:
    unit = "days" if step.days else "hours"
    return translate(
        f"flow.wait_event.{unit}",
        event=word("event", step.event),
        n=step.days or step.hours,
        anchor=word("anchor", step.anchor),
        then=word("step", step.came),
    )


def _shares(step: SplitByArm) -> list[str]:
    """What part of the people goes which way."""
    of_all = sum(arm.weight for arm in step.arms)
    return [f"{arm.name} {share(arm.weight, of_all)} → {word('step', arm.then)}" for arm in step.arms]


def _act(step: Tag | Score | Webhook | SetState) -> str:
    match step:
        case SetState():
            return word("flow.state", step.to)
        case Tag():
            parts = (("flow.tag.add", step.add), ("flow.tag.remove", step.remove))
            return ". ".join(translate(key, tags=", ".join(tags)) for key, tags in parts if tags)
        case Score():
            return translate("flow.score", points=f"{step.points:+d}", programme=step.programme)
        case Webhook():
            return translate("flow.webhook", host=urlsplit(step.url).hostname or "")


def _bounds(step: WaitFor) -> list[str]:
    return [translate("flow.wait_for.bounds", home=step.days_home, abroad=step.days_abroad)]


def _notes(step: Message) -> list[str]:
    """Purpose, channel, conditions and code, each a short phrase."""
    notes = [word("purpose", step.purpose)]
    if step.channel != "email":
        notes.append(word("channel", step.channel))
    notes += [_condition(name) for name in step.only_if if name not in _ALWAYS_TRUE_OF]
    if step.voucher is not None:
        notes.append(word("voucher", step.voucher.kind))
    return notes


def _when(name: str) -> str:
    """A condition as it stands after "if", where that has words of its own."""
    found = word("when", name)
    return found if found != name else _condition(name)


def _condition(name: str) -> str:
    kind, _, argument = name.partition(":")
    named = argument.replace(":", " ")
    if argument and kind not in OF_SCORES:
        named = word("class" if kind in OF_CLASSES else "step", argument)
    return word("condition", kind).replace("{argument}", named)
