"""A flow's definition as a drawing and as lines that a merchant reads, with what became of everybody."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.flows.definition import Definition, End, Entry, Message, Split, Step
from app.flows.steps import SplitByArm, WaitEvent
from app.messaging.content import is_own
from app.models import Flow, FlowVersion, Store
from app.web import step_words
from app.web.catalogue import translate, word
from app.web.figures import Money, Sent
from app.web.step_figures import Figures, People


@dataclass(slots=True)
class Line:
    """One step in words. `kind` picks the sign before it; one that is drawn elsewhere already is a `goto`.

    Attributes:
        key: what is written before a message (`W2`, "" before a merchant's), else the step's id.
        sent: of messages only.
        edited_at: the step whose text can be edited, "" for all but the messages of this version.
        is_own: the merchant changed its text.
        is_added: the merchant's own step, not the recipe's.
        people: who waits here and who left here.
        brought: how many orders, and what they brought.
    """

    kind: str
    key: str
    text: str
    id: str = ""
    notes: Sequence[str] = ()
    sent: Sent | None = None
    is_on: bool = True
    edited_at: str = ""
    is_own: bool = False
    is_added: bool = False
    people: People = field(default_factory=People)
    brought: tuple[int, Money] | None = None


@dataclass(slots=True)
class Fork:
    """One of several ways on; without pieces it leads straight to where they meet.

    `is_last`: the journey ends after it, and no step of its own says so.
    """

    label: str
    pieces: Sequence["Piece"]
    is_last: bool = False


@dataclass(slots=True)
class Piece:
    """A step in the drawing with the ways that part at it; they meet again before the next piece."""

    line: Line
    forks: Sequence[Fork] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """One way into the flow; `key` names it in the texts (`welcome.consent`).

    The drawing is `pieces`; `lines` are the same steps one below the other.
    """

    key: str
    lines: Sequence[Line] = ()
    pieces: Sequence[Piece] = ()
    entry_id: str = ""


def definition_of(session: Session, store_id: int, flow_key: str) -> Definition | None:
    """What the flow does now; None when it was never published."""
    statement = (
        select(FlowVersion.definition)
        .join(Flow, Flow.version_id == FlowVersion.id)
        .where(Flow.store_id == store_id, Flow.key == flow_key, FlowVersion.store_id == store_id)
    )
    stored = session.execute(statement).scalar_one_or_none()
    return Definition.model_validate(stored) if stored else None


def ways(
    definition: Definition,
    store: Store,
    found: Figures | None,
    *,
    own: Set[str] = frozenset(),
    origin: Definition | None = None,
) -> list[Way]:
    """Every way in with its steps, then the messages that only older versions had.

    Args:
        found: what became of everybody; None where that is not shown.
        own: the contents that the merchant changed.
        origin: the recipe, by which the merchant's own steps are told.
    """
    known = {step.id for entry in origin.entries for step in entry.steps} if origin is not None else None
    reader = _Reader(store, found, dict(found.sent) if found else {}, own, known)
    told = [reader.way(definition.key, entry) for entry in definition.entries]
    older = [_older(key, found) for key in sorted(reader.left)] if found else []
    return [*told, Way("older", older)] if older else told


@dataclass(slots=True)
class _Reader:
    """Reads ways; `left` are the figures of messages that none of them has had yet."""

    store: Store
    found: Figures | None
    left: dict[str, Sent]
    own: Set[str]
    known: Set[str] | None
    counted: set[str] = field(default_factory=set)

    def way(self, flow_key: str, entry: Entry) -> Way:
        """One way in as lines and as a drawing."""
        lines = {step.id: self._line(step, entry) for step in entry.steps}
        pieces = _Drawing(entry, lines).from_step(entry.steps[0].id, None)
        return Way(f"{flow_key}.{entry.id}", list(lines.values()), pieces, entry.id)

    def _line(self, step: Step, entry: Entry) -> Line:
        words = step_words.told(step, entry, self.store)
        line = Line(words.kind, step.id, words.text, step.id, words.notes)
        if self.found is not None:
            line.people = self.found.people.get(step.id, line.people)
        if step.id in entry.passed_over:
            line.is_on, line.notes = False, [*line.notes, translate("flow.wait.skipped")]
        line.is_added = self.known is not None and step.id not in self.known
        if isinstance(step, Message):
            if self.found is not None:
                self._count(line, step, self.found)
            # A merchant's own is called by its number alone, which its text says.
            line.key, line.edited_at = "" if is_own(step.content) else step.name, step.id
            line.is_on, line.is_own = step.is_on, step.content in self.own
        return line

    def _count(self, line: Line, step: Message, found: Figures) -> None:
        """Two messages of one name share one count, which stands beside the first."""
        if step.name in self.counted:
            line.notes = [*line.notes, translate("journey.with", step=step.name)]
            return
        self.counted.add(step.name)
        line.sent = self.left.pop(step.name, Sent())
        line.brought = found.brought.get(step.name)


def _older(name: str, found: Figures) -> Line:
    return Line("message", name, word("step", name), sent=found.sent[name], brought=found.brought.get(name))


class _Drawing:
    """Puts the steps of one way into a tree: where ways part, each is drawn until they meet again."""

    def __init__(self, entry: Entry, lines: Mapping[str, Line]) -> None:
        self._entry, self._lines = entry, lines
        self._drawn: set[str] = set()
        self._meets = _meeting_places(entry)

    def from_step(self, step_id: str, until: str | None) -> list[Piece]:
        """The pieces from a step up to another one, or to the end (None)."""
        pieces: list[Piece] = []
        here: str | None = step_id
        while here is not None and here != until and here not in self._drawn:
            self._drawn.add(here)
            meets = self._meets[here]
            branches = _branches(self._entry.by_id[here], self._entry)
            line = self._lines[here]
            goes_on = self._goes_on(branches)
            if goes_on is not None:
                is_else = goes_on == branches[0][1]
                line.notes = [*line.notes, translate("flow.end.else" if is_else else "flow.end.so")]
                pieces.append(Piece(line))
                here = goes_on
            elif len({target for _, target in branches}) < 2:
                pieces.append(Piece(line))
                here = meets
            else:
                pieces.append(Piece(line, [self._fork(*one, meets) for one in branches]))
                here = meets
        if here is not None and here != until:
            pieces.append(Piece(Line("goto", here, step_words.name_of(self._entry.by_id[here]))))
        return pieces

    def _goes_on(self, branches: Sequence[tuple[str, str | None]]) -> str | None:
        """The only way on where the other one of two is nothing but the recipe's end: no fork is drawn."""
        if len(branches) != 2:
            return None
        ends = [
            target is None or (self._lines[target].kind == "end" and not self._lines[target].is_added)
            for _, target in branches
        ]
        return branches[ends.index(False)][1] if sorted(ends) == [False, True] else None

    def _fork(self, label: str, target: str | None, meets: str | None) -> Fork:
        if target is None or target == meets:
            return Fork(label, [], is_last=target is None)
        pieces = self.from_step(target, meets)
        is_last = meets is None and pieces[-1].line.kind not in ("end", "goto") and not pieces[-1].forks
        return Fork(label, pieces, is_last)


def _branches(step: Step, entry: Entry) -> list[tuple[str, str | None]]:
    """Where a step leads: the label of each way and its first step, None for the end."""
    after = _after(entry, step.id)
    match step:
        case Split():
            return [(translate("flow.fork.yes"), step.then), (translate("flow.fork.no"), after)]
        case WaitEvent():
            return [(translate("flow.fork.came"), step.came), (translate("flow.fork.silence"), after)]
        case SplitByArm():
            return [(arm.name, arm.then) for arm in step.arms]
        case End():
            return [("", None)]
        case _:
            return [("", after)]


def _meeting_places(entry: Entry) -> dict[str, str | None]:
    """The first step that all who were at a step come to afterwards; None where that is only the end."""
    ids = [step.id for step in entry.steps]
    ahead: dict[str, list[str]] = {}
    for step in reversed(entry.steps):
        targets = [target for _, target in _branches(step, entry)]
        sure = [set(ahead[target]) | {target} if target is not None else set() for target in targets]
        ahead[step.id] = sorted(set.intersection(*sure), key=ids.index)
    return {name: next(iter(ahead[name]), None) for name in ids}


def _after(entry: Entry, step_id: str) -> str | None:
    following = entry.following[step_id]
    return following if following in entry.by_id else None
