"""A worker: the clock of one process (APScheduler, in memory) over the stages of the tick.

Rows hold the truth, so every process may run every stage; the job store is never shared, because
APScheduler runs shared jobs twice (DEPENDENCIES.md section 2).
"""

import threading
from datetime import UTC

from apscheduler.schedulers.background import BackgroundScheduler

from app import clock
from jobs import tick
from jobs.kit import Kit
from jobs.schedule import CLOCK

_DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
_ROUNDS = 20


class Worker:
    """Runs the stages at their intervals until it is stopped."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._stages = dict(tick.STAGES)
        self._turns = {name: threading.Lock() for name in self._stages}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=_DEFAULTS)

    def start(self) -> None:
        """Begin; call it after any fork."""
        for job in CLOCK:
            self._scheduler.add_job(self.look, "interval", seconds=job.seconds, args=(job.name,), id=job.name)
        self._scheduler.start()

    def stop(self) -> None:
        """Stop taking work and wait for what is under way."""
        self._kit.stopping.set()
        self._scheduler.shutdown(wait=True)

    def look(self, name: str) -> None:
        """One turn of a stage: round after round while there is work, so that a storm drains.

        One at a time: whoever comes meanwhile has its turn after that, for there may be more by then.
        """
        with self._turns[name]:
            self._drain(name)

    def _drain(self, name: str) -> None:
        for _ in range(_ROUNDS):
            if self._kit.stopping.is_set():
                return
            if not tick.run_stage(name, lambda: self._stages[name](self._kit, clock.now())):
                return
