"""What no merchant can edit away: the steps that a recipe came with, and what they see to.

A recipe's messages may be switched off and asked more of, its waits may be made longer or shorter, and steps
of the merchant's own may stand between its steps. Who gets in, what ends the journey, what is asked before a
message leaves and the steps that choose, split and wait for parcels stay as they came.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.flows import checks, own_messages, spans
from app.flows.checks import Wrong
from app.flows.definition import Anchor, ChooseProducts, Definition, Entry, Message, SetState, Split
from app.flows.steps import Step, Wait, WaitEvent, WaitFor

FREE: Mapping[str, frozenset[str]] = {
    "wait": frozenset({"days", "hours", "at", "anchor"}),
    "wait-for": frozenset({"days_home", "days_abroad"}),
    "message": frozenset({"is_on", "only_if", "voucher"}),
}
"""The fields of a recipe's steps that may be edited, by kind."""
OWN = ("message", "wait", "wait-event", "split", "arms", "tag", "score", "webhook", "end")
"""The kinds of steps that a merchant may add, in the order in which they are offered."""
LONGEST_CODE = 366
"""Days that a code may be good for."""
MOST_STEPS = 60
"""In one way; who comes by walks them at once as far as nothing is waited for."""
_SEE_TO_SOMETHING = (ChooseProducts, Split, SetState, WaitFor)


def problems(origin: Definition, edited: Definition) -> list[Wrong]:
    """What is wrong with an edited flow, the checks of every definition included.

    Args:
        origin: the flow as its recipe came.
    """
    if not _has_its_ways(origin, edited):
        return [Wrong("", "", "ways", "who gets in and what ends a journey stay as the recipe has them")]
    return [
        wrong
        for before, after in zip(origin.entries, edited.entries, strict=True)
        for wrong in _of_entry(before, after)
    ] + [*_ids(edited), *own_messages.problems(origin, edited)]


def is_own(origin: Definition, step_id: str) -> bool:
    """Whether a step is the merchant's, not the recipe's."""
    return all(step_id not in entry.by_id for entry in origin.entries)


def is_fixed(origin: Definition, step: Step) -> bool:
    """Whether nothing of a step may be edited."""
    return not is_own(origin, step.id) and step.kind not in FREE


def _of_entry(origin: Entry, edited: Entry) -> list[Wrong]:
    sound = checks.problems(edited.steps, edited.moments, edited.only_if)
    kept = [*_size(edited), *_kept(origin, edited), *_anchors(origin.anchors, edited.anchors)]
    if sound or kept:
        return [*sound, *kept]
    return [*_passed(origin, edited), *_held_up(origin, edited), *spans.problems(edited)]


def _has_its_ways(origin: Definition, edited: Definition) -> bool:
    def ways(one: Definition) -> list[Any]:
        return [(entry.model_dump(exclude={"steps", "anchors"}), len(entry.anchors)) for entry in one.entries]

    return origin.key == edited.key and ways(origin) == ways(edited)


def _ids(edited: Definition) -> Iterator[Wrong]:
    """Figures are counted by step, so that no two ways may have a step of one name."""
    ids = [step.id for entry in edited.entries for step in entry.steps]
    for name in sorted({one for one in ids if ids.count(one) > 1}):
        yield Wrong(name, "", "id", f"two ways have a step called {name}; give each an id of its own")


def _size(edited: Entry) -> Iterator[Wrong]:
    if len(edited.steps) > MOST_STEPS:
        yield Wrong("", "", "too-many", f"a way has {MOST_STEPS} steps at the most")


def _kept(origin: Entry, edited: Entry) -> Iterator[Wrong]:
    """The recipe's steps are there, in their order, changed only where they may be."""
    order = [step.id for step in edited.steps if step.id in origin.by_id]
    if order != [step.id for step in origin.steps]:
        yield Wrong("", "", "recipe-order", "the recipe's own steps stay, in their order")
    for step in edited.steps:
        before = origin.by_id.get(step.id)
        if before is None:
            if step.kind not in OWN:
                yield Wrong(step.id, "", "recipe-only", f"step {step.id}: only a recipe has such a step")
        elif not _is_allowed(before, step):
            yield Wrong(step.id, "", "recipe-step", f"step {step.id}: the recipe needs it as it is")


def _is_allowed(before: Step, after: Step) -> bool:
    if before.kind != after.kind:
        return False
    free = FREE.get(before.kind, frozenset())
    if isinstance(before, Wait) and (before.sets or before.delay):
        free = frozenset({"days"})
    is_same = before.model_dump(exclude=set(free)) == after.model_dump(exclude=set(free))
    if isinstance(before, Message) and isinstance(after, Message):
        asks_the_same = after.only_if[: len(before.only_if)] == before.only_if
        return is_same and asks_the_same and _terms(before) == _terms(after)
    return is_same


def _terms(message: Message) -> Any:
    """All of a code but its percentage; what was no percentage may not become one."""
    voucher = message.voucher
    return voucher and voucher.model_dump(exclude={"percent"} if voucher.setting else set())


def _anchors(before: tuple[Anchor, ...], after: tuple[Anchor, ...]) -> Iterator[Wrong]:
    for old, new in zip(before, after, strict=True):
        if old.model_dump(exclude={"days"}) != new.model_dump(exclude={"days"}):
            yield Wrong("", "", "ways", f"the moment {old.name} stays as the recipe has it")
        elif new.days != old.days and not 1 <= new.days <= LONGEST_CODE:
            yield Wrong("", "code_days", "code-days", f"a code is good for 1 to {LONGEST_CODE} days")


def _passed(origin: Entry, edited: Entry) -> Iterator[Wrong]:
    """Whatever leads to a message leads through what the recipe has see to it."""
    needed, sure = checks.sure_at(origin.steps), checks.sure_at(edited.steps)
    for step in origin.steps:
        skipped = needed[step.id].passed - sure[step.id].passed if isinstance(step, Message) else frozenset()
        for name in sorted(skipped):
            if isinstance(origin.by_id[name], _SEE_TO_SOMETHING):
                text = f"step {step.id} must come after {name}, whichever way leads there"
                yield Wrong(step.id, "then", "passed-over", text, name)


def _held_up(origin: Entry, edited: Entry) -> Iterator[Wrong]:
    """Nobody is made to wait for what was promised at once, nor before a parcel is waited for."""
    own_wait = ""
    for step in edited.steps:
        if isinstance(step, Wait | WaitEvent) and step.id not in origin.by_id:
            own_wait = step.id
        is_at_once = isinstance(step, WaitFor) or _is_promised(origin, step)
        if own_wait and is_at_once and own_wait in checks.sure_at(edited.steps)[step.id].passed:
            yield Wrong(own_wait, "", "held-up", f"nobody may wait before {step.id}", step.id)


def _is_promised(origin: Entry, step: Step) -> bool:
    """An answer to something that the customer did, for which the recipe lets nobody wait."""
    if not isinstance(step, Message) or step.purpose != "answer" or step.id not in origin.by_id:
        return False
    before = checks.sure_at(origin.steps)[step.id].passed
    return not any(isinstance(origin.by_id[name], Wait) for name in before)
