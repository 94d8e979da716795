"""What every job needs: the runtime, the way to reach people, and the writer of letters."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.db import Database
from app.messaging.letters import Letters
from app.messaging.render import CompiledContents
from app.runtime import Runtime
from app.stores.accounts import Accounts
from connectors.base import Channel
from connectors.registry import load_storefronts
from jobs.carriers import Carriers, Place


@dataclass(frozen=True, slots=True)
class Kit:
    """The pieces of one worker process."""

    runtime: Runtime
    carriers: Carriers
    letters: Letters
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set once the worker is asked to end: nothing more is claimed, and no new call begun."""
    stopwatch: Callable[[], float] = time.monotonic
    """Seconds that no clock change moves: how long a claim has been held."""
    slots_seen: dict[str, datetime] = field(default_factory=dict)
    """The latest slot of each calendar job that the ledger is known to hold, to ask it less often."""
    unscrubbed: list[datetime] = field(default_factory=list)
    """When something was erased whose copies may still stand in the database's log."""

    @property
    def database(self) -> Database:
        """Every job says whose rows it means: `of_store()` for one, `over_all_stores()` to look for work."""
        return self.runtime.database.of_no_store()

    @classmethod
    def build(
        cls,
        runtime: Runtime,
        outbox: Channel,
        *,
        is_local: bool = False,
        stopping: threading.Event | None = None,
    ) -> "Kit":
        """Put a worker's pieces together.

        Args:
            outbox: carries the messages of stores that no provider's account sends for.
            is_local: it carries those of all stores, whatever accounts they have.
            stopping: set where the process is asked to end; one of the worker's own by default.
        """
        load_storefronts()
        letters = Letters(
            signer=runtime.signer, base_url=runtime.settings.base_url, compiled=CompiledContents()
        )
        accounts = Accounts(runtime.vault, runtime.settings, is_local=is_local)
        stopping = stopping or threading.Event()
        place = Place(runtime.settings.base_url, runtime.signer.installation)
        carriers = Carriers(accounts, outbox, place, stopping.is_set)
        return cls(runtime=runtime, carriers=carriers, letters=letters, stopping=stopping)
