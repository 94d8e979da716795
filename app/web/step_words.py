"""The steps of a flow in the merchant's words: what each does, and what goes with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.flows.definition import ChooseProducts, End, Entry, Message, SetState, Split, Step, Wait, WaitFor
from app.flows.steps import Score, SplitByArm, Tag, VoucherTerms, WaitEvent, Webhook
from app.messaging.conditions import OF_CLASSES, OF_SCORES
from app.messaging.content import OWN, is_own
from app.models import Store
from app.stores import settings
from app.web.catalogue import translate, word
from app.web.formats import share

ALWAYS_TRUE = frozenset({"enrollment-alive", "is-reactivating"})
"""Conditions that go without saying."""
_SIGNS = {
    **dict.fromkeys(("wait", "wait-for", "wait-event"), "wait"),
    **dict.fromkeys(("split", "arms"), "split"),
    **dict.fromkeys(("tag", "score", "webhook", "state"), "state"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One step in words. `kind` picks the sign before it."""

    kind: str
    text: str
    notes: Sequence[str] = ()


def told(step: Step, entry: Entry, store: Store) -> Told:
    """What a step does; its notes are short phrases."""
    return Told(_SIGNS.get(step.kind, step.kind), _text(step, entry), _notes(step, entry, store))


def name_of(step: Step | None) -> str:
    """What a step is called in sentences about another one."""
    if step is None:
        return translate("step.kind.end")
    if isinstance(step, Message):
        said = word("step", step.id)
        return said if is_own(step.content) else f"{step.name} · {said}"
    return word("step.kind", step.kind)


def called(name: str) -> str:
    """What a message is called by its name alone: `W2`, or the merchant's own by its number."""
    return word("step", name) if name.startswith(OWN) else name


def name_and_text(step: Step, entry: Entry) -> str:
    """What a step is called where it stands alone: a message by its name, else by what it says."""
    return name_of(step) if isinstance(step, Message) else _text(step, entry)


def condition(name: str) -> str:
    """A condition in words."""
    kind, _, argument = name.partition(":")
    named = argument.replace(":", " ")
    if argument and kind not in OF_SCORES:
        named = word("class" if kind in OF_CLASSES else "step", argument)
    return word("condition", kind).replace("{argument}", named)


def when(name: str) -> str:
    """A condition as it stands after "if", where that has words of its own."""
    kind, _, argument = name.partition(":")
    found = word("when", kind)
    if found == kind:
        return condition(name)
    return found.replace("{argument}", word("class" if kind in OF_CLASSES else "step", argument))


def _text(step: Step, entry: Entry) -> str:
    match step:
        case Wait():
            return _wait(step)
        case WaitFor():
            return translate("flow.wait_for", event=word("event", step.event))
        case WaitEvent():
            return _wait_event(step)
        case ChooseProducts():
            return word("chooser", step.chooser)
        case Split():
            return translate("flow.split", condition=when(step.condition), then=_target(entry, step.then))
        case SplitByArm():
            return translate("flow.arms")
        case End():
            return translate("flow.end")
        case Message():
            return word("step", step.id)
        case _:
            return _act(step)


def _notes(step: Step, entry: Entry, store: Store) -> list[str]:
    match step:
        case Wait():
            return [translate("flow.wait.products")] if step.delay else []
        case WaitFor():
            return [translate("flow.wait_for.bounds", home=step.days_home, abroad=step.days_abroad)]
        case SplitByArm():
            return _shares(step, entry)
        case Message():
            return _of_message(step, entry, store)
        case _:
            return []


def _wait(step: Wait) -> str:
    anchor = word("anchor", step.anchor)
    amount, unit = (step.days, "days") if step.days or not step.hours else (step.hours, "hours")
    if amount == 0:
        text = translate("flow.wait.on", anchor=anchor)
    elif amount > 0:
        text = translate(f"flow.wait.{unit}_after", n=amount, anchor=anchor)
    else:
        text = translate(f"flow.wait.{unit}_before", n=-amount, anchor=word("anchor.before", step.anchor))
    return f"{text}, {translate('flow.wait.at', at=step.at)}" if step.at else text


def _wait_event(step: WaitEvent) -> str:
    return translate(
        f"flow.wait_event.{'days' if step.days else 'hours'}",
        event=word("event", step.event),
        n=step.days or step.hours,
        anchor=word("anchor", step.anchor),
    )


def _shares(step: SplitByArm, entry: Entry) -> list[str]:
    """What part of the people goes which way."""
    of_all = sum(arm.weight for arm in step.arms)
    return [f"{arm.name} {share(arm.weight, of_all)} → {_target(entry, arm.then)}" for arm in step.arms]


def _target(entry: Entry, step_id: str) -> str:
    return name_of(entry.by_id.get(step_id))


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


def _of_message(step: Message, entry: Entry, store: Store) -> list[str]:
    """Purpose, channel, conditions and code, each a short phrase."""
    notes = [word("purpose", step.purpose)]
    if step.channel != "email":
        notes.append(word("channel", step.channel))
    notes += [condition(name) for name in step.only_if if name not in ALWAYS_TRUE]
    return notes if step.voucher is None else [*notes, _code(step.voucher, entry, store)]


def _code(terms: VoucherTerms, entry: Entry, store: Store) -> str:
    """What a code is worth, and how long it is good for where the recipe says so."""
    text = word("voucher", terms.kind)
    percent = percent_of(terms, store)
    if percent:
        text = f"{text} ({translate('flow.code.percent', n=percent)})"
    days = code_days(entry)
    if terms.ends_at in days:
        since, n = days[terms.ends_at]
        text = f"{text}, {translate('flow.code.days', n=n, anchor=word('anchor', since))}"
    return text


def percent_of(terms: VoucherTerms, store: Store) -> int | None:
    """A code's percentage: the version's own, else that of the settings; None of a code that has none."""
    if terms.setting is None:
        return None
    return settings.number(store, terms.setting) if terms.percent is None else terms.percent


def least_percent(terms: VoucherTerms) -> int:
    """The least that a code may take off; a perk of 0 is free shipping."""
    return 0 if terms.kind == "perk" else 1


def code_days(entry: Entry) -> Mapping[str, tuple[str, int]]:
    """The moments of a way at which codes end: since which moment, and so many days."""
    return {one.name: (one.anchor, one.days) for one in entry.anchors if one.days > 0}
