"""The flow engine: who is enrolled, what ends an enrollment, which step comes when."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from heapq import heappop, heappush
from itertools import groupby

from tests.oracle.mirror import Mirror
from tests.oracle.model import EnrollmentKey
from tests.oracle.recipes import CONSENT, FALLBACK
from tests.oracle.state import ACTIVE, COMPLETED, EXITED, HELD_OUT, Enrollment, Entry, Order, Person

_Timer = tuple[Enrollment, str]
_Item = tuple[int, int, tuple[str, str], Entry | _Timer]
"""Its moment, whether it is a timer, and by what two of one moment are told apart."""


class Engine:
    """All enrollments and the timers of their steps.

    Args:
        starts: what an entry of a kind begins.
        ring: what a step does when it is due.
    """

    def __init__(
        self,
        mirror: Mirror,
        starts: Mapping[str, Sequence[Callable[[Engine, Person, Entry], None]]],
        ring: Callable[[Engine, Enrollment, int, str], None],
    ) -> None:
        self.enrollments: dict[EnrollmentKey, Enrollment] = {}
        self.mirror = mirror
        self.now = 0
        self._starts = starts
        self._ring = ring
        self._timers: list[tuple[int, int, Enrollment, str]] = []
        self._timers_set = 0
        self._over: list[_Item] | None = None

    def tick(self, now: int) -> None:
        """Read the pending entries and the timers that are due, per person in the order of their moments."""
        self.now = now
        due: dict[int, list[_Item]] = defaultdict(list)
        people, self.mirror.touched = self.mirror.touched, {}
        for number, person in people.items():
            due[number] = [(entry.at, 0, entry.name, entry) for entry in person.pending]
            person.pending = []
        while self._timers and self._timers[0][0] <= now:
            at, _, enrollment, step = heappop(self._timers)
            due[id(enrollment.person)].append((at, 1, enrollment.key.name, (enrollment, step)))
            people[id(enrollment.person)] = enrollment.person
        for number, items in due.items():
            self._run(people[number], items)

    def enroll(
        self, person: Person, flow: str, occurrence: str, entered_at: int, *, order: Order | None = None
    ) -> Enrollment | None:
        """A new enrollment, or None when the flow is off or the person was in it for the same occasion."""
        store = self.mirror.stores[person.platform].settings
        key = EnrollmentKey(person.platform, person.shopper.key, flow, occurrence)
        if flow not in store.flows or key in self.enrollments:
            return None
        text = f"{store.domain.lower()}:{flow}:{person.shopper.key}"
        is_held_out = int(sha256(text.encode()).hexdigest(), 16) % 100 < store.holdout_percent
        enrollment = Enrollment(key, person, entered_at, HELD_OUT if is_held_out else ACTIVE, order)
        self.enrollments[key] = enrollment
        if not is_held_out:
            person.watched.append(enrollment)
        return enrollment

    def follow(self, enrollment: Enrollment, plan: list[tuple[int, str]]) -> None:
        """Give an enrollment its coming steps, as (due, step); none means that it is complete."""
        if enrollment.state != ACTIVE:
            return
        enrollment.plan, enrollment.is_waiting = plan, False
        self._advance(enrollment)
        self._replay(enrollment)

    def wait(self, enrollment: Enrollment, until: int) -> None:
        """Let an enrollment wait for an entry; FALLBACK rings at a moment, come or not."""
        if enrollment.state != ACTIVE:
            return
        enrollment.is_waiting = True
        self._set_timer(enrollment, until, FALLBACK)
        self._replay(enrollment)

    def _run(self, person: Person, items: list[_Item]) -> None:
        """What these make due is done in a further pass."""
        while items:
            self._over = []
            in_order = sorted(items, key=lambda item: item[:3])
            for (at, is_timer), found in groupby(in_order, key=lambda item: item[:2]):
                if is_timer:
                    for *_, item in found:
                        self._ring_timer(at, item)
                else:
                    self._read(person, [item for *_, item in found if isinstance(item, Entry)])
            items, self._over = self._over, None

    def _ring_timer(self, at: int, timer: Entry | _Timer) -> None:
        assert not isinstance(timer, Entry)
        enrollment, step = timer
        if enrollment.state == ACTIVE:
            self._ring(self, enrollment, at, step)
            if step != FALLBACK:
                self._advance(enrollment)

    def _set_timer(self, enrollment: Enrollment, at: int, step: str) -> None:
        self._timers_set += 1
        if self._over is not None and at <= self.now:
            self._over.append((at, 1, enrollment.key.name, (enrollment, step)))
        else:
            heappush(self._timers, (at, self._timers_set, enrollment, step))

    def _read(self, person: Person, entries: list[Entry]) -> None:
        """The entries of one moment: whom one lets in, another ends, whichever was written first."""
        for entry in entries:
            insort(person.history, entry)
        for enrollment in person.watched:
            if any(ends(enrollment, entry) for entry in entries):
                _end(enrollment)
        person.watched = [enrollment for enrollment in person.watched if _is_open(enrollment)]
        for entry in entries:
            for start in self._starts.get(entry.kind, ()):
                start(self, person, entry)

    def _replay(self, enrollment: Enrollment) -> None:
        """What happened at the entry's moment or later and was read ends it as if it came in time."""
        history = enrollment.person.history
        since = history[bisect_left(history, enrollment.entered_at, key=lambda entry: entry.at) :]
        if any(ends(enrollment, entry) for entry in since):
            _end(enrollment)

    def _advance(self, enrollment: Enrollment) -> None:
        if enrollment.state == ACTIVE and enrollment.plan:
            self._set_timer(enrollment, *enrollment.plan.pop(0))
        elif enrollment.state == ACTIVE:
            enrollment.state = COMPLETED


def ends(enrollment: Enrollment, entry: Entry) -> bool:
    """Whether a timeline entry is an exit of an enrollment. Source: docs/recipes.md, Enrollment."""
    if entry.kind == "consent.unsubscribed":
        return True
    if entry.kind in ("order.cancelled", "order.refunded"):
        return enrollment.order is not None and entry.order is enrollment.order
    key = enrollment.key
    if entry.kind == "order.paid":
        return key.flow == "welcome" and key.occurrence == CONSENT
    if entry.kind == "order.placed":
        return key.flow == "cross_sell" and entry.at > enrollment.entered_at
    if entry.kind == "voucher.redeemed":
        return key.flow == "birthday" and entry.redeemed is not None and entry.redeemed[0] is enrollment
    return False


def _end(enrollment: Enrollment) -> None:
    """A complete enrollment stays complete, but its messages that have not left are stopped as well."""
    enrollment.has_exited = True
    if enrollment.state == ACTIVE:
        enrollment.state = EXITED


def _is_open(enrollment: Enrollment) -> bool:
    is_queued = any(message.status == "queued" for message in enrollment.messages.values())
    return not enrollment.has_exited and (enrollment.state == ACTIVE or is_queued)
