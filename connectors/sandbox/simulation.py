"""Lets time pass: facts are made, webhooks delivered, messages reacted to; and takes all of it up again."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from threading import Lock
from typing import Any

from connectors.sandbox.ahead import Ahead
from connectors.sandbox.deliveries import App, Builder, Subscriptions, is_success, write_requests
from connectors.sandbox.errands import Outcome, Queue, Runner
from connectors.sandbox.journal import ADVANCES, DELIVERIES, REACTIONS, SINK, Journal, wait_for
from connectors.sandbox.model import WOOCOMMERCE
from connectors.sandbox.moments import rfc3339
from connectors.sandbox.plan import Planned, plan_deliveries
from connectors.sandbox.reactions import (
    Reaction,
    plan_reactions,
    wants_to_redeem,
    words_like_codes,
    write_reaction,
)
from connectors.sandbox.script import Fact, Script
from connectors.sandbox.sink import Sink
from connectors.sandbox.wire import Request, Target
from connectors.sandbox.woo_events import run_queue
from connectors.sandbox.woo_webhooks import note_attempt
from connectors.sandbox.world import World

APP = "app"
_LOST, _DELIVERED, _FAILED, _REJECTED, _BELIEVED = (
    "lost",
    "delivered",
    "failed",
    "rejected",
    "forged_accepted",
)
_LAST_NEWS = frozenset({"customers/delete", "customers/merge"})
_REPORTED = ("delivered", "duplicates", "lost", "rejected")


class Simulation:
    """One world with its queues. One advance runs at a time; the sink and the APIs answer meanwhile."""

    def __init__(
        self,
        script: Script,
        journal: Journal,
        app: App,
        *,
        builders: Mapping[str, Builder],
        runner: Runner | None = None,
    ) -> None:
        self.app = app
        self.world = World(script, journal)
        self.sink = Sink(journal)
        self.journal = journal
        self._builders = builders
        self._runner = runner or Runner()
        self._subscriptions = Subscriptions(self.world, app)
        self._deliveries: Queue[Planned] = Queue()
        self._ahead = Ahead(self.world, builders, self._expected)
        self._step = 0
        self._reactions: Queue[Reaction] = Queue()
        self._known_reactions: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._advancing = Lock()
        self._planning = Lock()
        self._open()

    def advance(self, to: int) -> dict[str, Any]:
        """Let time pass up to `to` and do everything due; with `to` equal to now, only what is due.

        Raises:
            ValueError: `to` is in the past.
        """
        with self._advancing:
            if to < self.world.now_seconds:
                raise ValueError(f"{rfc3339(to)} has passed; it is {rfc3339(self.world.now_seconds)}")
            self._ahead.end()
            before = self._counts.copy()
            if to > self.world.now_seconds:
                self._step = to - self.world.now_seconds
                self._queue(plan_deliveries(self.world.script, self.world.make_facts(to)))
            syncing = self.journal.start_sync()
            error = self._flush()
            self.journal.sync()
            wait_for(syncing)
            # While the app works on all of this: the next step will be as long, if anything.
            self._ahead.begin(to + self._step)
            changes = {name: self._counts[name] - before[name] for name in _REPORTED}
            pending = self._count_pending()
            return {"now": rfc3339(to), **changes, "pending": pending, "blocked": bool(error), "error": error}

    def next_at(self) -> int | None:
        """The next moment at which anything is due: now for what waits, None when nothing will happen."""
        now = self.world.now_seconds
        moments = (
            self.world.script.next_fact_at(now),
            self._deliveries.next_due(),
            self._reactions.next_due(),
        )
        known = [moment for moment in moments if moment is not None]
        return max(now, min(known)) if known else None

    def state(self) -> dict[str, Any]:
        """Where the world stands; counts are totals since the first start."""
        now, span = self.world.now_seconds, self.world.script.span
        pending = self._count_pending()
        return {
            "now": rfc3339(now),
            "start": rfc3339(span.start),
            "end": rfc3339(span.end),
            "pending": pending,
            "counts": dict.fromkeys(_REPORTED, 0) | dict(self._counts) | {"messages": len(self.sink)},
            "finished": now >= span.end and not pending,
        }

    def accept(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Sink messages, for good when this ends, and plan what their readers will do.

        Raises:
            ValueError: a message is incomplete.
        """
        now = self.world.now_seconds
        accepted = self.sink.accept(messages, now)
        syncing = self.journal.start_sync(SINK)
        for message in messages:
            self._plan_reactions(message, now)
        wait_for(syncing)
        return accepted

    def merge(self, kept: int, merged: int, deletion: str) -> None:
        """The merchant merges two customers; the deliveries that tell of it are due now.

        Raises:
            ValueError: they are not two customers of the Shopify shop.
        """
        before = {planned.key for planned in self.world.merges.deliveries()}
        self.world.merge(kept, merged, deletion)
        self._queue(one for one in self.world.merges.deliveries() if one.key not in before)

    def move_app(self, ritorno_url: str) -> None:
        """From now on the app is reached at this address."""
        self.app.ritorno_url = ritorno_url.rstrip("/")
        self.world.remember(APP, {"ritorno_url": self.app.ritorno_url})

    def close(self) -> None:
        """Stop the threads and close the journal."""
        self._ahead.end()
        self._runner.close()
        self.journal.close()

    def _open(self) -> None:
        advances = list(self.journal.read(ADVANCES))
        if not advances:
            self.world.begin()
            self.journal.sync()
            return
        self.world.load(advances[-1])
        for moved in self.world.remembered(APP):
            self.app.ritorno_url = str(moved["ritorno_url"])
        self._known_reactions.update(self._count_reactions())
        for message, accepted_at in self.sink.restore():
            self._plan_reactions(message, accepted_at)
        self.world.replay()
        self._queue_unfinished()

    def _queue_unfinished(self) -> None:
        """Plan again what the facts so far cause, less what the journal says is done."""
        script, now = self.world.script, self.world.now_seconds
        done = set()
        for line in self.journal.read(DELIVERIES):
            done.add(int(line["id"], 16))
            self._count_delivery(line["outcome"], is_duplicate=line["duplicate"])
        planned = [
            *plan_deliveries(script, script.facts(script.span.start, now)),
            *self.world.merges.deliveries(),
        ]
        self._queue(delivery for delivery in planned if int(delivery.key, 16) not in done)

    def _queue(self, planned: Iterable[Planned]) -> None:
        """Queue what somebody listens for; who subscribes later hears only of later facts."""
        for delivery in planned:
            if self._subscriptions.targets(delivery):
                self._deliveries.push(delivery)

    def _count_reactions(self) -> list[str]:
        keys = []
        for line in self.journal.read(REACTIONS):
            keys.append(line["key"])
            self._counts[line["kind"]] += 1
        return keys

    def _plan_reactions(self, message: Mapping[str, Any], accepted_at: int) -> None:
        config = self.world.script.config
        reactions = plan_reactions(
            message,
            accepted_at=accepted_at,
            seed=config.seed,
            rates=config.rates,
            app_url=self.app.ritorno_url,
        )
        with self._planning:
            for reaction in reactions:
                if reaction.key not in self._known_reactions:
                    self._known_reactions.add(reaction.key)
                    self._reactions.push(reaction)
        if wants_to_redeem(message, accepted_at=accepted_at, seed=config.seed, rates=config.rates):
            self._plan_redemption(message, accepted_at)

    def _plan_redemption(self, message: Mapping[str, Any], accepted_at: int) -> None:
        shopper = self.world.script.find_shopper(str(message["to"]))
        if shopper is None:
            return
        for word in words_like_codes(message):
            if self.world.voucher(shopper.platform, word):
                self.world.intentions.add(shopper.household, accepted_at, word)

    def _flush(self) -> str:
        """Deliveries first, then reactions; why something still waits, or nothing."""
        now = self.world.now_seconds
        error = self._runner.flush(self._deliveries, now, self._write_delivery, self._record_deliveries)
        if error:
            return error
        run_queue(self.world)
        return self._runner.flush(self._reactions, now, write_reaction, self._record_reactions)

    def _write_delivery(self, planned: Planned) -> Sequence[Request]:
        targets = self._subscriptions.targets(planned)
        if planned.is_lost or not targets or self._is_of_nobody(planned):
            return ()
        ready = self._ahead.take(planned, targets)
        return write_requests(planned, targets, self.world, self._builders) if ready is None else ready

    def _expected(self, to: int, facts: Sequence[Fact]) -> Iterator[tuple[Planned, list[Target]]]:
        """What will be sent by `to`, as far as it is known by now."""
        for planned in chain(self._deliveries.due_by(to), plan_deliveries(self.world.script, facts)):
            targets = self._subscriptions.targets(planned)
            if planned.due <= to and targets and not planned.is_lost and not self._is_of_nobody(planned):
                yield planned, targets

    def _is_of_nobody(self, planned: Planned) -> bool:
        """News of a customer who was merged away meanwhile; the shop has none left to show."""
        is_of_customer = planned.topic.startswith("customers") and planned.topic not in _LAST_NEWS
        return is_of_customer and self.world.merges.is_gone(planned.subject_id)

    def _record_deliveries(self, done: Sequence[tuple[Planned, Outcome]]) -> None:
        acked_at = rfc3339(self.world.now_seconds)
        for planned, outcome in done:
            if not outcome.status and not (planned.is_lost and self._subscriptions.targets(planned)):
                continue
            verdict = _verdict(planned, outcome.status)
            self._count_delivery(verdict, is_duplicate=planned.is_duplicate)
            if planned.platform == WOOCOMMERCE and outcome.status and not planned.is_forged:
                self._note_attempt(planned, outcome.status)
            moment = acked_at if outcome.status else None
            line = {"acked_at": moment, "status": outcome.status or None, "outcome": verdict}
            self.journal.append(DELIVERIES, planned.line() | line)
        self.journal.flush(DELIVERIES)

    def _note_attempt(self, planned: Planned, status: int) -> None:
        for target in self._subscriptions.targets(planned):
            note_attempt(self.world, target.webhook_id, status)

    def _count_delivery(self, verdict: str, *, is_duplicate: bool) -> None:
        self._counts[verdict] += 1
        if is_duplicate and verdict == _DELIVERED:
            self._counts[_DELIVERED] += 1
            self._counts["duplicates"] += 1

    def _record_reactions(self, done: Sequence[tuple[Reaction, Outcome]]) -> None:
        done_at = rfc3339(self.world.now_seconds)
        for reaction, outcome in done:
            self._counts[reaction.kind] += 1
            line = reaction.line() | {"done_at": done_at, "status": outcome.status}
            self.journal.append(REACTIONS, line)
        self.journal.flush(REACTIONS)

    def _count_pending(self) -> int:
        now = self.world.now_seconds
        return self._deliveries.count_due(now) + self._reactions.count_due(now)


def _verdict(planned: Planned, status: int) -> str:
    if planned.is_lost:
        return _LOST
    if planned.is_forged:
        return _REJECTED if status == 401 else _BELIEVED if status < 300 else _FAILED
    return _DELIVERED if is_success(planned.platform, status) else _FAILED
