"""What differs between two versions of a flow, in words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.flows.definition import Definition, Entry, Message
from app.flows.steps import Step
from app.models import Store
from app.web import step_words
from app.web.catalogue import translate


@dataclass(frozen=True, slots=True)
class Difference:
    """One step that differs.

    Attributes:
        kind: added, removed, moved or changed; a word of the texts.
        way: of which way in, by its key in the texts.
        where: which step, or before which message.
        old, new: what it says; "" where there is nothing.
    """

    kind: str
    way: str
    where: str
    old: str = ""
    new: str = ""


def between(old: Definition, new: Definition, store: Store) -> list[Difference]:
    """Every step that was added, taken out, moved or changed, in the order of the new version."""
    before = {entry.id: entry for entry in old.entries}
    return [
        difference
        for entry in new.entries
        for difference in _of_way(f"{new.key}.{entry.id}", before.get(entry.id), entry, store)
    ]


def _of_way(way: str, before: Entry | None, after: Entry, store: Store) -> Iterator[Difference]:
    if before is None:
        return
    moved = _moved(before, after)
    for step in after.steps:
        says, where = _says(step, after, store), _where(step, after)
        if step.id not in before.by_id:
            yield Difference("added", way, where, "", _joined(says))
            continue
        said = _says(before.by_id[step.id], before, store)
        if said != says:
            # Of what both say, nothing: a merchant looks for the difference.
            yield Difference(
                "changed",
                way,
                where,
                _joined(part for part in said if part not in says),
                _joined(part for part in says if part not in said),
            )
        elif step.id in moved:
            yield Difference("moved", way, where, "", _joined(says))
    for step in before.steps:
        if step.id not in after.by_id:
            yield Difference("removed", way, _where(step, before), _joined(_says(step, before, store)))


def _moved(before: Entry, after: Entry) -> set[str]:
    """The steps that both have and that stand behind another one of them than before."""
    return {
        name
        for name, behind in _behind(after, before.by_id).items()
        if _behind(before, after.by_id)[name] != behind
    }


def _behind(entry: Entry, known: Mapping[str, Step]) -> dict[str, str]:
    ids = [step.id for step in entry.steps if step.id in known]
    return dict(zip(ids, ["", *ids[:-1]], strict=True))


def _says(step: Step, entry: Entry, store: Store) -> list[str]:
    words = step_words.told(step, entry, store)
    parts = [words.text, *words.notes]
    if isinstance(step, Message):
        parts.append(translate("flow.message.on" if step.is_on else "flow.message.off"))
    return parts


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(parts)


def _where(step: Step, entry: Entry) -> str:
    """A message by its name; anything else by the message that follows it."""
    if isinstance(step, Message):
        return step_words.called(step.name)
    ids = [one.id for one in entry.steps]
    behind = entry.steps[ids.index(step.id) :]
    following = next((one for one in behind if isinstance(one, Message)), None)
    if following is None:
        return translate("changes.last")
    return translate("changes.before", step=step_words.called(following.name))
