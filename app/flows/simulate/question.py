"""What a dry run is asked, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from app import timeline
from app.flows import facts
from app.flows.batch import LiveFlow
from app.flows.definition import Entry, WaitFor
from app.flows.steps import WaitEvent
from app.messaging.terms import Terms
from app.models import Store
from app.stores import settings

LONG_AGO = datetime.min.replace(tzinfo=UTC)
TickAt = Callable[[datetime], datetime | None]
"""The first tick that is not before a moment; None where no tick comes any more."""


def at_once(moment: datetime) -> datetime | None:
    """A worker that never sleeps."""
    return moment


@dataclass(frozen=True)
class Question:
    """Which flow, from when to when, beside which others.

    Attributes:
        flows: the asked one and those that are on, each with the moment from which it lets people in.
        until: the last moment that is replayed.
        covered_since: from when on the ledger and the timeline were written as things happened; what is
            older came by backfill, with the platform's moments.
        tick_at: when the workers looked.
    """

    store: Store
    flow_key: str
    flows: Mapping[str, LiveFlow]
    since: datetime
    until: datetime
    covered_since: datetime
    tick_at: TickAt = at_once

    @cached_property
    def begin(self) -> datetime:
        """From when on anybody may enter any of the flows."""
        return min(flow.active_since for flow in self.flows.values() if flow.active_since is not None)

    @cached_property
    def active_flows(self) -> frozenset[str]:
        """The keys of the flows that are on in the replay."""
        return frozenset(self.flows)

    @cached_property
    def asks_for_classes(self) -> bool:
        """Whether any condition of the flows looks at the classes of customers."""
        return any(flow.definition.asks_for_classes for flow in self.flows.values())

    @cached_property
    def asks_goods(self) -> bool:
        """Whether any flow chooses products or waits as long as they want to be used."""
        chooses = any(step.kind == "choose" for entry in self._entries for step in entry.steps)
        return chooses or self.waits_for_goods

    @cached_property
    def waits_for_goods(self) -> bool:
        """Whether any flow waits as long as products want to be used."""
        return any(getattr(step, "delay", None) for entry in self._entries for step in entry.steps)

    @cached_property
    def listened(self) -> frozenset[str]:
        """The types that may start, move on or end a journey; what nobody listens to changes none."""
        steps = [step for entry in self._entries for step in entry.steps]
        starts = {kind for entry in self._entries if entry.has_messages for kind in entry.events}
        ends = {rule.event for entry in self._entries for rule in entry.exits}
        waits = {step.event for step in steps if isinstance(step, WaitFor | WaitEvent)}
        return frozenset(starts | ends | waits | {timeline.ERASED}) - timeline.UNHEARD

    @property
    def _entries(self) -> list[Entry]:
        return [entry for flow in self.flows.values() for entry in flow.definition.entries]

    @cached_property
    def starts(self) -> frozenset[str]:
        """The types that may let somebody in; an erasure, which ends everything, is among them."""
        known = (flow.definition.entries_on for flow in self.flows.values())
        return frozenset({timeline.ERASED}.union(*known))

    @cached_property
    def terms(self) -> dict[str, Terms]:
        """What the store set for each channel, as far as it was asked for."""
        return {}

    @cached_property
    def allows_soft_opt_in(self) -> bool:
        """Whether a sale is a basis for mails in this store."""
        return settings.is_on(self.store, "consent.soft_opt_in")

    @cached_property
    def allows_perk(self) -> bool:
        """Whether the merchant lets a basket's reminders end with a perk."""
        return facts.perk_allowed(self.store)


class WouldBe(NamedTuple):
    """A message that would have been made, and what would have become of it.

    `is_assumed`: the ledger begins later; its first entry was taken to hold before, too.
    """

    customer_id: int
    step: str
    channel: str
    due_at: datetime
    status: str
    reason: str | None
    sent_at: datetime | None
    is_assumed: bool


class Stay(NamedTuple):
    """A time in the backlog: silent `since` then, waiting until `left_at`, or to the end if that is None."""

    since: datetime
    joined_at: datetime
    left_at: datetime | None = None


class Released(NamedTuple):
    """Who was silent before and is let in, and when."""

    customer_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waited in the backlog, and what was found of them while nobody let them in."""

    customer_id: int
    stays: list[Stay]
    report: "Report"


@dataclass(slots=True)
class Report:
    """What a dry run found. Amounts are minor units of the store's currency, if every code were used once.

    `forgotten_baskets`: how often somebody would have entered for a basket that is kept no longer.
    `silent_before`: how many had fallen silent before; they are let in little by little, a share of the
    `reachable` a day: of all who could be written to when the flow would have been switched on. `waiting`
    are those of whom it is not decided yet whether their turn comes, `released` those who were let in.
    """

    messages: list[WouldBe] = field(default_factory=list)
    held_out: int = 0
    enrolled: int = 0
    vouchers: int = 0
    vouchers_cost: float = 0.0
    people: int = 0
    forgotten_baskets: int = 0
    silent_before: int = 0
    reachable: int = 0
    waiting: list[Waiting] = field(default_factory=list)
    released: list[Released] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Put a part's people and findings to these."""
        self.count(other)
        self.find(other)
        self.waiting += other.waiting

    def count(self, other: "Report") -> None:
        """Put a part's people to these."""
        self.people += other.people
        self.silent_before += other.silent_before
        self.reachable += other.reachable

    def find(self, other: "Report") -> None:
        """Put what was found of some people to this."""
        self.messages += other.messages
        self.released += other.released
        self.held_out += other.held_out
        self.enrolled += other.enrolled
        self.vouchers += other.vouchers
        self.vouchers_cost += other.vouchers_cost
        self.forgotten_baskets += other.forgotten_baskets
