"""A shop that sends by both emulated providers, all of it in real processes."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import urllib3
from sqlalchemy import func, select

from app.db import table_of
from app.models import Message, MessageAttempt, Sender, Store
from app.runtime import Runtime
from app.stores import settings as store_settings
from connectors.channels.local import LocalChannel
from jobs import doubts
from jobs.kit import Kit
from tests import seeds
from tests.faults.faults_books import Books, count_books
from tests.faults.faults_messages import CODE, MAIL, TEXT, add_due
from tests.faults.faults_processes import Deaths, Kept, until

MESSAGES, ATTEMPTS, SENDERS = table_of(Message), table_of(MessageAttempt), table_of(Sender)
FAKETIME = Path(f"/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketime.so.1")
_MOVING = ("queued", "preparing", "sending")


@dataclass
class Rig:
    """The shop, the providers' process, and the processes of Ritorno that run now."""

    folder: Path
    runtime: Runtime
    sandbox_url: str
    port: int
    store_id: int
    environment: dict[str, str]
    kept: list[Kept] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    hurried_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    # --- what is to be sent ---------------------------------------------------------------------

    def queue(
        self, mails: int, texts: int = 0, codes: int = 0, *, due_since: timedelta = timedelta(0)
    ) -> None:
        """Put messages into the outbox, due now or for some time; each to a person of its own."""
        kinds = [MAIL] * mails + [TEXT] * texts + [CODE] * codes
        due_at = datetime.now(UTC) - due_since
        with self.runtime.database.write() as session:
            self.messages += [add_due(session, self.store_id, kind, due_at) for kind in kinds]

    def feed(self, *, most: int = 6) -> None:
        """Keep a few messages of each kind due, so that a death cuts few of them."""
        if self.statuses()["queued"] < most:
            self.queue(2, 1, 2)
        self.hurry()

    def trickle(self) -> None:
        """One more mail at a time, and whatever is told of those before."""
        if not self.statuses()["queued"]:
            self.queue(1)
        self.hurry()
        self.post()

    def change(self, **values: str) -> None:
        """Change settings of the shop."""
        with self.runtime.database.write() as session:
            store = session.get_one(Store, self.store_id)
            store_settings.write(session, store, values, vault=self.runtime.vault)

    def answer_first_orders(self) -> None:
        """Have the welcome flow write to newcomers as soon as they have paid, at any hour."""
        self.change(**{"rails.email_hours": "00-24", "consent.soft_opt_in": "on"})
        with self.runtime.database.write() as session:
            seeds.publish(session, self.store_id, "welcome", without_step="to-W5")

    # --- processes ------------------------------------------------------------------------------

    def serve(self, deaths: Deaths | None = None, *, how: Sequence[str] = ("--worker", "none")) -> Kept:
        """A serving process without a worker."""
        return self._keep(("serve", "--port", str(self.port), *how), deaths, {})

    def is_up(self) -> bool:
        """Whether the serving process answers."""
        try:
            return (
                urllib3.request("GET", f"http://127.0.0.1:{self.port}/healthz", retries=False).status == 200
            )
        except urllib3.exceptions.HTTPError:
            return False

    def work(self, deaths: Deaths | None = None, **environment: str) -> Kept:
        """A worker."""
        return self._keep(("worker",), deaths, environment)

    @contextmanager
    def skewed(self, skew: str) -> Iterator[None]:
        """A worker whose clock is wrong by so much, for the time of a block."""
        false = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with (self.folder / "skewed.log").open("ab") as log:
            command = [sys.executable, "-m", "app.cli.entry", "worker"]
            environment = {**os.environ, **self.environment, **false}
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=environment)
        try:
            yield
            assert process.poll() is None
        finally:
            process.terminate()
            process.wait(30)

    def stop(self, *ones: Kept) -> list[tuple[int, float]]:
        """Ask some processes to end, all if none is named."""
        ending = list(ones or self.kept)
        for one in ending:
            self.kept.remove(one)
        return [one.stop() for one in ending]

    def _keep(self, arguments: Sequence[str], deaths: Deaths | None, more: Mapping[str, str]) -> Kept:
        log = self.folder / f"{arguments[0]}.log"
        found = Kept(arguments, {**self.environment, **more}, log, deaths).start()
        self.kept.append(found)
        return found

    # --- the providers --------------------------------------------------------------------------

    def control(self, path: str, body: object | None = None) -> Any:
        """A call to the providers' controls."""
        pool = urllib3.PoolManager(retries=False, timeout=60)
        method = "GET" if body is None else "POST"
        answer = pool.request(method, f"{self.sandbox_url}/control/providers{path}", json=body)
        assert answer.status == 200, answer.data
        return answer.json()

    def post(self) -> None:
        """The providers post whatever they have to say."""
        self.control("/post", {"everything": True})

    # --- time and rest --------------------------------------------------------------------------

    def let_leases_end(self) -> None:
        """As if the machine had been off for two minutes: nobody works while they go by."""
        assert not any(one for one in self.kept if one in self.workers)
        self.outdate_leases()

    def outdate_leases(self) -> None:
        """As if every worker had stood still for two minutes."""
        with self.runtime.database.write() as session:
            session.execute(
                MESSAGES.update()
                .where(MESSAGES.c.store_id == self.store_id, MESSAGES.c.lease_until.is_not(None))
                .values(lease_until=datetime.now(UTC) - timedelta(seconds=1))
            )

    def hurry(self, statuses: Sequence[str] = ("queued", "unknown")) -> None:
        """What waits for half a minute, because it was refused for the moment, is tried now.

        Not too often: what is unknown is asked about first, before anything is sent.
        """
        now = datetime.now(UTC)
        if now < self.hurried_at + timedelta(seconds=3):
            return
        self.hurried_at = now
        waiting = (MESSAGES.c.store_id == self.store_id, MESSAGES.c.status.in_(statuses))
        with self.runtime.database.write() as session:
            # In the order in which the workers take several: an update of all takes them as they lie.
            session.execute(select(MESSAGES.c.id).where(*waiting).order_by(MESSAGES.c.id).with_for_update())
            session.execute(MESSAGES.update().where(*waiting).values(next_at=now))
            session.execute(
                SENDERS.update()
                .where(SENDERS.c.store_id == self.store_id)
                .values(pause=None, paused_until=None)
            )

    @property
    def workers(self) -> list[Kept]:
        """The workers that run."""
        return [one for one in self.kept if one.is_worker]

    def statuses(self) -> Counter[str]:
        """How many messages stand where."""
        with self.runtime.database.read() as session:
            mine = MESSAGES.c.store_id == self.store_id
            return Counter(session.execute(select(MESSAGES.c.status).where(mine)).scalars())

    def unknown(self, channel: str) -> set[int]:
        """Those of a channel that rest as unknown."""
        with self.runtime.database.read() as session:
            theirs = select(MESSAGES.c.id).where(
                MESSAGES.c.store_id == self.store_id, MESSAGES.c.channel == channel
            )
            return set(session.execute(theirs.where(MESSAGES.c.status == "unknown")).scalars())

    def standing(self, messages: Collection[int]) -> list[str]:
        """All that the database holds of these, and of the accounts that carry them: why they do not move."""
        with self.runtime.database.read() as session:
            theirs = select(MESSAGES).where(MESSAGES.c.store_id == self.store_id, MESSAGES.c.id.in_(messages))
            senders = select(SENDERS).where(SENDERS.c.store_id == self.store_id)
            rows = [*session.execute(theirs), *session.execute(senders)] if messages else []
            return [str(dict(row._mapping)) for row in rows]

    def called_at(self, messages: Collection[int]) -> dict[int, datetime]:
        """When the last call for each of these messages began."""
        last = select(ATTEMPTS.c.message_id, func.max(ATTEMPTS.c.started_at).label("last")).group_by(
            ATTEMPTS.c.message_id
        )
        theirs = last.where(ATTEMPTS.c.store_id == self.store_id, ATTEMPTS.c.message_id.in_(messages))
        with self.runtime.database.read() as session:
            return {row.message_id: row.last for row in session.execute(theirs)}

    def is_resting(self) -> bool:
        """Whether nothing is on its way."""
        return not any(self.statuses()[status] for status in _MOVING)

    def rest(self, seconds: float = 90.0) -> None:
        """Undisturbed from here on, until nothing is on its way any more and every event was told."""
        self.control("/faults", [])

        def _step() -> None:
            self.post()
            self.hurry()

        until(self.is_resting, seconds, step=_step)
        self.post()
        until(lambda: not self.statuses()["sent"], 15.0, step=self.post)

    def ask_later(self) -> None:
        """Ask the providers eleven minutes from now, when their own look-ups may speak.

        Twilio does not repeat a callback whose connection broke: what it told is to be asked for.
        """
        kit = Kit.build(self.runtime, LocalChannel(None))
        doubts.run(kit, datetime.now(UTC) + timedelta(minutes=11))

    # --- the books ------------------------------------------------------------------------------

    def books(self) -> Books:
        """What both sides say now."""
        logged = self.control("/accepted/count")
        times = {int(mid): number for one in logged.values() for mid, number in one.items() if mid.isdigit()}
        return count_books(self.runtime.database, self.store_id, self.messages, times)
