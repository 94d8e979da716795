"""What a batch holds while it is worked on: the journeys it touches and what they brought forth."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.flows.definition import Definition, Entry
from app.flows.engine import Journey
from app.flows.facts import BatchFacts, place_of
from app.flows.foreseen import Found
from app.flows.holdout import is_held_out
from app.flows.moments import Place
from app.flows.shop import Shop
from app.flows.steps import Effect
from app.messaging.outbox import NewDecision, NewMessage
from app.models import Store
from app.stores import settings


@dataclass(frozen=True, slots=True)
class LiveFlow:
    """A flow of the store with the definition of its published version."""

    key: str
    is_active: bool
    active_since: datetime | None
    version_id: int
    definition: Definition


@dataclass(slots=True, eq=False)
class Held:
    """One enrollment in hand; `id` is None until it is written.

    `state`: what it makes of the customer's. `effects`: what is done beside messages once it is written.
    `begun_by`: the timeline entry that let it in, which neither ends it nor moves it on. `entry`: once it was
    asked for (`Batch.entry_of`).
    """

    id: int | None
    flow_key: str
    version_id: int
    customer_id: int
    occurrence: str
    subject: str
    entered_at: datetime
    turn: int
    journey: Journey
    is_changed: bool = False
    stopped_at: datetime | None = None
    begun_by: int | None = None
    entry: Entry | None = None
    state: str | None = None
    messages: list[NewMessage] = field(default_factory=list)
    decisions: list[NewDecision] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, int, str]:
        """What makes the enrollment unique in its store."""
        return self.flow_key, self.customer_id, self.occurrence


@dataclass(slots=True)
class Batch:
    """Everything that one run of the flows of one store reads and changes.

    `shop` answers what is looked up on the way; `notes` are decisions about people without a journey.
    `earlier` finds, by customer, the entries that earlier runs read and that happened at the moment of the
    earliest one of this run or later, and `already_read` grows by what this one reads: what came late must
    still see what came before it. `known` are the keys of other journeys, which nothing in this run concerns.
    """

    shop: Shop
    store: Store
    now: datetime
    flows: Mapping[str, LiveFlow]
    facts: BatchFacts
    held: dict[int, Held]
    fresh: dict[tuple[str, int, str], Held] = field(default_factory=dict)
    definitions: dict[int, Definition] = field(default_factory=dict)
    earlier: Found[int, Sequence[Any]] = field(default_factory=dict)
    already_read: dict[int, list[Any]] = field(default_factory=dict)
    known: Collection[tuple[str, int, str]] = frozenset()
    places: dict[int, Place] = field(default_factory=dict)
    notes: list[NewDecision] = field(default_factory=list)
    _people: dict[int, list[Held]] = field(default_factory=dict, init=False)
    _holdout: tuple[str, int] | None = field(default=None, init=False)
    _ways_in: dict[str, list[tuple[LiveFlow, Entry]]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """A batch asks for journeys by customer, again and again."""
        for held in self.held.values():
            self._people.setdefault(held.customer_id, []).append(held)

    def add(self, held: Held) -> None:
        """Take in a journey that begins."""
        self.fresh[held.key] = held
        self._people.setdefault(held.customer_id, []).append(held)

    def ways_in(self, kind: str) -> list[tuple[LiveFlow, Entry]]:
        """The ways in that an entry of this type may open, found once a batch."""
        found = self._ways_in.get(kind)
        if found is None:
            flows = [flow for flow in self.flows.values() if flow.is_active]
            found = [(flow, entry) for flow in flows for entry in flow.definition.entries_on.get(kind, ())]
            self._ways_in[kind] = found
        return found

    def again(self, now: datetime) -> None:
        """Begin anew with the journeys in hand: what began meanwhile is written, and taken into `held`."""
        self.now, self.already_read = now, {}
        if self.fresh:
            self.fresh = {}
        if self.notes:
            self.notes = []

    def let_go(self, held: Held) -> None:
        """Forget a journey."""
        self._people[held.customer_id].remove(held)

    def knows(self, flow_key: str, customer_id: int, occurrence: str) -> bool:
        """Whether there is a journey for the same occasion in hand."""
        return (flow_key, customer_id, occurrence) in self.known or any(
            held.occurrence == occurrence and held.flow_key == flow_key
            for held in self._people.get(customer_id, ())
        )

    def asked_now(self, customer_id: int) -> frozenset[str]:
        """The products that this batch asks the customer to review, not written yet."""
        return frozenset(
            item["external_id"]
            for held in self._people.get(customer_id, ())
            for message in held.messages
            if message.step == "M3"
            for item in message.context.get("products", ())
        )

    def place_of(self, customer: Any) -> Place:
        """Where a customer is, worked out once a batch."""
        place = self.places.get(customer.id)
        if place is None:
            place = self.places[customer.id] = place_of(self.store, customer)
        return place

    def of(self, customer_id: int) -> list[Held]:
        """The customer's journeys in hand that no exit has stopped, in a stable order."""
        mine = [item for item in self._people.get(customer_id, ()) if item.stopped_at is None]
        if len(mine) <= 1:
            return mine
        return sorted(mine, key=lambda item: (item.id is None, item.id or 0, item.key))

    def entry_of(self, held: Held) -> Entry:
        """The entry, in the version that the journey is on; a journey never changes either."""
        if held.entry is None:
            flow = self.flows[held.flow_key]
            is_latest = flow.version_id == held.version_id
            definition = flow.definition if is_latest else self.definitions[held.version_id]
            held.entry = definition.entry(held.journey.entry_id)
        return held.entry

    def is_held_out(self, flow_key: str, person: str) -> bool:
        """Whether a person (see `holdout`) stays out of a flow; the share is read once a batch."""
        if self._holdout is None:
            self._holdout = self.store.domain, settings.number(self.store, "rails.holdout_percent")
        domain, percent = self._holdout
        return is_held_out(domain=domain, flow=flow_key, person=person, percent=percent)
