"""A flow with one step changed, added, moved or taken out. Pure: whether it is sound is asked afterwards."""

from typing import Any

from app.errors import NotFound
from app.flows.definition import Definition, Entry
from app.flows.steps import Step


def entry_of(definition: Definition, step_id: str) -> Entry:
    """The way in that has the step.

    Raises:
        NotFound: none has.
    """
    for entry in definition.entries:
        if step_id in entry.by_id:
            return entry
    raise NotFound("this flow has no such step")


def with_step(definition: Definition, step: Step) -> Definition:
    """The step in place of the one of its id; its code's percentage in all messages that name the code."""
    entry = entry_of(definition, step.id)
    steps = tuple(step if one.id == step.id else one for one in entry.steps)
    voucher = getattr(step, "voucher", None)
    if voucher is not None:
        steps = tuple(_with_percent(one, voucher) for one in steps)
    return _with_entry(definition, entry, steps=steps)


def with_code_days(definition: Definition, step_id: str, anchor: str, days: int) -> Definition:
    """The moment `anchor` so many days later than what it counts from, for the whole way in."""
    entry = entry_of(definition, step_id)
    anchors = tuple(
        one.model_copy(update={"days": days}) if one.name == anchor else one for one in entry.anchors
    )
    return _with_entry(definition, entry, anchors=anchors)


def with_new(definition: Definition, entry_id: str, step: Step, after: str) -> Definition:
    """One step more in a way, behind another one, or as the first ("").

    Raises:
        NotFound: there is no such way, or no such step in it.
    """
    for entry in definition.entries:
        if entry.id == entry_id and (not after or after in entry.by_id):
            place = 1 + list(entry.by_id).index(after) if after else 0
            steps = (*entry.steps[:place], step, *entry.steps[place:])
            return _with_entry(definition, entry, steps=steps)
    raise NotFound("this flow has no such step")


def without(definition: Definition, step_id: str) -> Definition:
    """One step less."""
    entry = entry_of(definition, step_id)
    return _with_entry(definition, entry, steps=tuple(one for one in entry.steps if one.id != step_id))


def moved(definition: Definition, step_id: str, by: int) -> Definition:
    """The step so many places further down, or up; it stays where there is no such place."""
    entry = entry_of(definition, step_id)
    steps = list(entry.steps)
    place = [one.id for one in steps].index(step_id)
    if 0 <= place + by < len(steps):
        steps.insert(place + by, steps.pop(place))
    return _with_entry(definition, entry, steps=tuple(steps))


def new_id(definition: Definition, kind: str) -> str:
    """An id that no step of the flow has."""
    taken = {step.id for entry in definition.entries for step in entry.steps}
    return next(name for number in range(1, 10_000) if (name := f"{kind}-{number}") not in taken)


def _with_percent(step: Step, voucher: Any) -> Step:
    mine = getattr(step, "voucher", None)
    if mine is None or mine.name != voucher.name or mine.percent == voucher.percent:
        return step
    return step.model_copy(update={"voucher": mine.model_copy(update={"percent": voucher.percent})})


def _with_entry(definition: Definition, entry: Entry, **values: Any) -> Definition:
    """Built without checks, and without what the old ones had worked out."""
    fields = {name: getattr(entry, name) for name in Entry.model_fields}
    changed = Entry.model_construct(**(fields | values))
    entries = tuple(changed if one.id == entry.id else one for one in definition.entries)
    return Definition.model_construct(key=definition.key, entries=entries)
