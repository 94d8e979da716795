"""Deliveries written before their time, while the app works on what it was told last.

What is made ready here shows the world as it will be if nobody but the script acts, and notes all that it
was told of the world. When the delivery is due, the world is asked the same again, and only if every answer
is the same is the prepared one sent. Nothing is made, journalled or shown before its time, and what is lost
with the process is written again.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, TypeVar, cast

from connectors.sandbox.deliveries import Builder, write_requests
from connectors.sandbox.model import Checkout, Order, Product, Shopper, Voucher, WorldView
from connectors.sandbox.moments import aware
from connectors.sandbox.plan import Planned
from connectors.sandbox.script import Fact
from connectors.sandbox.wire import Request, Target
from connectors.sandbox.world import COUNTED, World, is_of_customer
from connectors.sandbox.written import Asked, Written, written

_MOST_BYTES = 32 * 1024 * 1024
_FACTS_A_PIECE, _DELIVERIES_A_PIECE = 64, 4
_REST_SECONDS = 0.0002
"""After half a millisecond's work, so that a request that came meanwhile has its turn: who only lets go of
the interpreter for a moment has it back before another thread is awake."""

T = TypeVar("T")
_Question = tuple[Callable[..., object], tuple[object, ...], object]
"""What is asked of a world, and what it answered."""


class _Ready(NamedTuple):
    """The requests of a delivery to these targets, and what they take for true."""

    targets: Sequence[Target]
    questions: Sequence[_Question]
    requests: Sequence[Request]


Expect = Callable[[int, Sequence[Fact]], Iterable[tuple[Planned, list[Target]]]]
"""The deliveries that will be due by a moment, with their targets, given the facts until then."""


class Ahead:
    """Writes what is likely to be sent next, on a thread that ends with its work."""

    def __init__(self, world: World, builders: Mapping[str, Builder], expect: Expect) -> None:
        self._world = world
        self._builders = builders
        self._expect = expect
        self._ready: dict[str, _Ready] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, to: int) -> None:
        """Write what will be due by `to`, until `end` is called; what nobody took is dropped."""
        self.end()
        self._stop.clear()
        self._ready = {}
        self._thread = threading.Thread(target=self._write, args=(to,), name="ahead", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Write no more; what is ready can be taken."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def take(self, planned: Planned, targets: list[Target]) -> Sequence[Request] | None:
        """The requests of a delivery that is due, if they are ready and tell of the world as it is."""
        ready = self._ready.pop(planned.key, None)
        if ready is None or ready.targets != targets:
            return None
        is_so = all(ask(self._world, *of) == answer for ask, of, answer in ready.questions)
        return ready.requests if is_so else None

    def _write(self, to: int) -> None:
        facts: list[Fact] = []
        for fact in self._world.script.facts(self._world.now_seconds, to):
            facts.append(fact)
            if len(facts) % _FACTS_A_PIECE == 0 and self._rests():
                return
        outlook, room = _Outlook(self._world, to, facts), _MOST_BYTES
        for number, (planned, targets) in enumerate(self._expect(to, facts)):
            if room < 0 or (number % _DELIVERIES_A_PIECE == 0 and self._rests()):
                return
            with suppress(KeyError):  # Of somebody who is not there any more.
                room -= self._make_ready(planned, targets, outlook)

    def _make_ready(self, planned: Planned, targets: list[Target], outlook: "_Outlook") -> int:
        """Write one delivery; how many bytes it has."""
        outlook.begin()
        # What a body never asks for the outlook does not have: to ask it would end the thread.
        requests = write_requests(planned, targets, cast("WorldView", outlook), self._builders)
        self._ready[planned.key] = _Ready(targets, outlook.questions(), requests)
        return sum(len(request.body) for request in requests)

    def _rests(self) -> bool:
        """Let others have their turn; True when it is time to end."""
        return self._stop.wait(_REST_SECONDS)


class _Outlook(Asked):
    """The world as it will be if only the script goes on; notes what it is asked.

    It has what the bodies of webhooks ask for, and nothing else of `WorldView`.
    """

    def __init__(self, world: World, to: int, facts: Sequence[Fact]) -> None:
        self._world = world
        self._later = world.as_of(to)
        self._changed_at: dict[int, int] = {}
        self._paid: Counter[int] = Counter()
        for fact in facts:
            if fact.kind in COUNTED:
                self._paid[world.script.book.baskets.household[fact.subject]] += COUNTED[fact.kind]
            elif is_of_customer(fact.kind) and not world.script.shoppers[fact.subject].is_guest:
                self._changed_at[fact.subject] = fact.at
        self.begin()

    def begin(self) -> None:
        """Begin to note anew."""
        self._noted: dict[tuple[Callable[..., object], tuple[object, ...]], object] = {}

    def questions(self) -> Sequence[_Question]:
        """What was asked since then, each question with its first answer."""
        return [(ask, of, answer) for (ask, of), answer in self._noted.items()]

    def order(self, basket: int) -> Order | None:
        return self._note(self._later.order(basket), World.order, basket)

    def shopper(self, household: int) -> Shopper | None:
        return self._note(self._later.shopper(household), World.shopper, household)

    def product(self, product_id: int) -> Product | None:
        product = self._later.product(product_id)
        # What exists already stays as it is.
        if product is not None and self._world.product(product_id) is None:
            self._note(product, World.product, product_id)
        return product

    def checkout(self, number: int) -> Checkout | None:
        return self._note(self._later.checkout(number), World.checkout, number)

    def customer_updated_at(self, shopper: Shopper) -> datetime:
        at = self._changed_at.get(shopper.household)
        changed = self._later.customer_updated_at(shopper) if at is None else aware(at)
        return self._note(changed, World.customer_updated_at, shopper)

    def redeemed_codes(self, basket: int) -> tuple[str, ...]:
        return self._note(self._later.redeemed_codes(basket), World.redeemed_codes, basket)

    def orders_count(self, household: int) -> int:
        theirs = self._world.merges.merged_into(household)
        count = self._later.orders_count(household) + sum(self._paid[one] for one in theirs)
        return self._note(count, World.orders_count, household)

    def voucher(self, platform: str, code: str) -> Voucher | None:
        return self._note(self._later.voucher(platform, code), World.voucher, platform, code)

    def remembered(self, kind: str) -> Sequence[Mapping[str, object]]:
        found = self._later.remembered(kind)
        self._note(len(found), _count_remembered, kind)
        return found

    def written(self, kind: str, key: str) -> Written:
        return _Noting(self, written(self._world, kind, key), kind, key)

    def note_written(self, kind: str, key: str, value: object, count: int) -> None:
        """So many facts have that value; they grow in number only."""
        self._note(count, _count_written, kind, key, value)

    def _note(self, answer: T, ask: Callable[..., object], *of: object) -> T:
        self._noted.setdefault((ask, of), answer)
        return answer


class _Noting(Written):
    """The same facts by their key; which were asked for is noted."""

    def __init__(self, outlook: _Outlook, found: Written, kind: str, key: str) -> None:
        super().__init__(key)
        self._outlook = outlook
        self._found = found
        self._kind = kind

    def all_of(self, value: object) -> Sequence[Mapping[str, object]]:
        facts = self._found.all_of(value)
        self._outlook.note_written(self._kind, self._key, value, len(facts))
        return facts

    def latest(self) -> list[Mapping[str, object]]:
        # Of all of them: that there are no more is what it takes for true.
        self._outlook.remembered(self._kind)
        return self._found.latest()


def _count_remembered(world: World, kind: str) -> int:
    return len(world.remembered(kind))


def _count_written(world: World, kind: str, key: str, value: object) -> int:
    return len(written(world, kind, key).all_of(value))
