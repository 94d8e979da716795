"""The demo's journey: the main job in simulated time, hour by hour, through a year of orders."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app import clock, logs, migrate, timers
from app.cli.sandboxed import Sandbox
from app.db import is_one_of, table_of
from app.errors import AppError
from app.flows import switch
from app.messaging import settling
from app.mirror import pulls as mirrored
from app.models import Backfill, Message, Store
from app.models.message import OPEN_STATES, QUEUED
from app.stores import chores, commands, writes
from app.web.auth import issue_sign_in_link
from jobs import pulls, run_ledger
from jobs.kit import Kit
from jobs.tick import tick

MESSAGES = table_of(Message)
SENDER = {
    "sender.email": "ciao@sandbox.example.com",
    "sender.postal_address": "Via del Mercato 1, 20121 Milano, Italia",
    "consent.import": "declined",
    "reconcile.every_minutes": "1440",
    "reconcile.sweep_days": "90",
}
WOO_MAPPING = {
    "meta.email_consent": "_wc_other/sandbox/newsletter,sandbox_newsletter",
    "meta.sms_consent": "sandbox_sms",
    "meta.tracking_consent": "sandbox_tracking",
    "meta.birthday": "sandbox_birthday",
}
FLOWS = ("welcome", "review", "cross_sell", "birthday")
"""Those whose every message the demo's journal can be held against; a merchant switches the others on."""
_BLOCKED_PAUSE_SECONDS, _PATIENCE_SECONDS = 0.2, 60.0
_MORNING, _AFTERNOON = timedelta(hours=6), timedelta(hours=17)
"""Six in the morning and in the evening are waking hours in Europe or America, midnight and noon are less.
Five in the afternoon is one from Los Angeles to Rome, all year and for texts as well."""
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything the journey moves: the world outside and the worker inside.

    Attributes:
        step: time goes on by this much at least.
        offset: from midnight UTC to the first of the day's steps.
        platforms: the shops that take part; whatever happens in another one is told to nobody.
    """

    kit: Kit
    sandbox: Sandbox
    step: timedelta
    offset: timedelta
    platforms: Sequence[str] = ("shopify", "woocommerce")

    def prepare(self) -> None:
        """Install the shops if they are not, switch every flow on, settle what a kill left behind."""
        runtime = self.kit.runtime
        migrate.upgrade(runtime.settings.database)
        self.sandbox.post("/control/app", {"ritorno_url": runtime.settings.base_url})
        clock.travel_to(self._now())
        with runtime.database.write() as session:
            run_ledger.forget_unfinished(session)
            for store in session.execute(select(Store)).scalars():
                settling.sweep_own(session, store.id, clock.now())
                mirrored.release_own(session, store.id)
                writes.release_own(session, store.id)
                chores.release_own(session, store.id)
        for platform in self.platforms:
            if not self._is_installed(platform):
                self._install(platform)
        for shown in commands.listing(runtime):
            self._tell_settings(shown)
        tick(self.kit, until_idle=True)
        self._finish_backfill()
        for shown in commands.listing(runtime):
            self._switch_on(shown["id"])

    def travel(self, show: Callable[[datetime, datetime, datetime], None], stop: threading.Event) -> None:
        """Go on from where the world stands to its end; the two processes move in turns."""
        state = self.sandbox.get("/control/state")
        start, end = _moment(state["start"]), _moment(state["end"])
        moment = _moment(state["now"])
        self._advance(moment)
        while not stop.is_set():
            tick(self.kit, moment)
            show(start, moment, end)
            if moment >= end:
                return
            moment = min(self._next(moment), end)
            self._advance(moment)

    def _advance(self, moment: datetime) -> None:
        """Let the world go on; its deliveries cross TCP into the serving threads of this process.

        Raises:
            AppError: they take none of the deliveries for a minute.
        """
        clock.travel_to(moment)
        patient_until = time.monotonic() + _PATIENCE_SECONDS
        while (answer := self.sandbox.post("/control/advance", {"to": _text(moment)})).get("blocked"):
            if answer["delivered"]:
                patient_until = time.monotonic() + _PATIENCE_SECONDS
            if time.monotonic() >= patient_until:
                raise AppError(
                    f"no delivery of the shops is taken: {answer['error']}. The database or keys of "
                    "another demo? `ritorno doctor` looks; with --fresh the demo begins anew"
                )
            # The world knocks at our own serving threads, which are busy or starting; nothing wakes us.
            time.sleep(_BLOCKED_PAUSE_SECONDS)

    def _next(self, moment: datetime) -> datetime:
        """The next moment of the grid at which anything may be due, outside or inside; midnight always is."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        soonest, latest = (self._on_grid(at) for at in (moment + timedelta(seconds=1), midnight))
        # With steps as long as a day there is nothing to choose from.
        return soonest if soonest >= latest else max(soonest, self._on_grid(min([midnight, *self._due()])))

    def _due(self) -> list[datetime]:
        """The first moments at which something is due, outside and inside."""
        outside = self.sandbox.get("/control/next")["at"]
        with self.kit.runtime.database.read() as session:
            inside = [
                timers.next_due(session),
                session.execute(
                    select(func.min(MESSAGES.c.next_at)).where(
                        is_one_of(MESSAGES.c.status, OPEN_STATES), MESSAGES.c.status == QUEUED
                    )
                ).scalar_one(),
            ]
        return [at for at in (*inside, _moment(outside) if outside else None) if at is not None]

    def _on_grid(self, moment: datetime) -> datetime:
        """The first moment of the grid that is not before this one."""
        start = _EPOCH + self.offset
        return start - ((start - moment) // self.step) * self.step

    def _now(self) -> datetime:
        return _moment(self.sandbox.get("/control/state")["now"])

    def _is_installed(self, platform: str) -> bool:
        return any(shown["platform"] == platform for shown in commands.listing(self.kit.runtime))

    def _install(self, platform: str) -> None:
        runtime = self.kit.runtime
        with runtime.database.write() as session:
            token = issue_sign_in_link(session, clock.now())
        login = f"{runtime.settings.base_url}/app/sign-in/{token}"
        # That the demo's own merchant signs in is no news to whoever watches the demo.
        with logs.quiet("app.web.entering"):
            answer = self.sandbox.post("/control/install", {"platform": platform, "login_url": login})
        if not answer["ok"] or not self._is_installed(platform):
            raise AppError(f"the {platform} shop could not be installed: it ended at {answer['final_url']}")

    def _finish_backfill(self) -> None:
        """Read what the shops have already, before the first day begins.

        Raises:
            AppError: a shop failed; time stands still here, so waiting would not help.
        """
        moment = clock.now()
        while True:
            if not pulls.run_backfills(self.kit, moment):
                self._check_backfill()
            with self.kit.runtime.database.read() as session:
                waiting = select(func.min(Backfill.next_at)).where(Backfill.finished_at.is_(None))
                next_at = session.execute(waiting).scalar_one()
            if next_at is None:
                return
            if next_at > moment:
                # The shop is writing its file: its time passes, the world's does not.
                time.sleep(_BLOCKED_PAUSE_SECONDS)
                moment = next_at

    def _check_backfill(self) -> None:
        with self.kit.runtime.database.read() as session:
            failed = select(Backfill.resource, Backfill.error).where(Backfill.error.is_not(None)).limit(1)
            row = session.execute(failed).first()
        if row is not None:
            raise AppError(f"the history of {row.resource} could not be read: {row.error}")

    def _tell_settings(self, shown: Any) -> None:
        """What a merchant would set: who writes, and where the checkout keeps consents and birthdays."""
        values = dict(SENDER)
        if shown["platform"] == "woocommerce":
            values |= WOO_MAPPING
        commands.set_values(self.kit.runtime, shown["id"], values)

    def _switch_on(self, store_id: int) -> None:
        with self.kit.runtime.database.write() as session:
            switch.ensure_flows(session, store_id, clock.now())
            for key in FLOWS:
                switch.activate(session, store_id, key, clock.now())


def progress_line(start: datetime, moment: datetime, end: datetime) -> None:
    """A bar on standard error, redrawn in place on a terminal."""
    if not sys.stderr.isatty():
        return
    share = (moment - start) / (end - start) if end > start else 1.0
    bar = "█" * int(share * 30)
    sys.stderr.write(f"\r  {bar:<30} {share:4.0%}  {moment.date().isoformat()} ")
    sys.stderr.flush()
    if moment >= end:
        sys.stderr.write("\n")


def waking(step: timedelta) -> timedelta:
    """From midnight UTC to a step of the day at which most people may be written to."""
    return _AFTERNOON if step >= _DAY else _MORNING


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
