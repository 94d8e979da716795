"""The calendar and the clock, each in one table: what runs, how often, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.models import Store
from jobs.kit import Kit


@dataclass(frozen=True, slots=True)
class Slot:
    """A calendar job's range: what happened or is due in [begin, end)."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class CalendarJob:
    """Something of the calendar: each slot once over all processes, missed slots made up.

    `every` must divide a day; `offset` is the slot's place after midnight UTC. A run is given the range
    from its slot (or the first one missed) to the next slot.

    Attributes:
        has_work: whether a run of that range would find anything to do, asked before it begins: one that
            would not is over as it begins. None where there always is something.
    """

    name: str
    purpose: str
    every: timedelta
    offset: timedelta
    run: Callable[[Kit, Slot, datetime], int]
    has_work: Callable[[Kit, Slot, datetime], bool] | None = None

    def latest_slot(self, now: datetime) -> datetime:
        """The latest slot that is not after `now`."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + self.offset
        return midnight + ((now - midnight) // self.every) * self.every


@dataclass(frozen=True, slots=True)
class ClockJob:
    """Something that looks for due work again and again: an APScheduler interval of this process."""

    name: str
    purpose: str
    seconds: float


CLOCK: tuple[ClockJob, ...] = (
    ClockJob("inbox", "deliveries become customers, orders and timeline entries", 1),
    ClockJob("privacy", "who asked to be forgotten is erased, and so are shops that left", 10),
    ClockJob("look-ups", "deletions are confirmed by the storefront", 10),
    ClockJob("equipment", "stores get the flows, pulls and chores that they lack", 5),
    ClockJob("webhook checks", "webhooks that a store lacks or switched off are made anew", 5),
    ClockJob("identities", "what a store says of itself is read, and whether its webhooks arrive", 30),
    ClockJob("backfill", "the history of newly connected stores is read", 1),
    ClockJob("reconciliation", "what webhooks lost is pulled from the storefront", 15),
    ClockJob("sweeps", "what the shop deleted without a word is found at night", 60),
    ClockJob("senders", "the accounts that mails and texts leave by are checked", 5),
    ClockJob("calendar", "the slots of the calendar are run, each once", 15),
    ClockJob("figures", "what messages did is added up for the screens", 60),
    ClockJob("checkouts", "checkouts that rested for an hour count as abandoned", 15),
    ClockJob("attribution", "changed orders find the message that brought them", 5),
    ClockJob("states", "who fell silent, came back or changed class is noticed", 5),
    ClockJob("flows", "entries and timers move people on", 1),
    ClockJob("confirmations", "who agreed to mails is asked to confirm it, where the merchant wants that", 2),
    ClockJob("doubts", "messages whose answer was lost, or of which no word came, are asked about", 5),
    ClockJob("text prices", "what text messages cost is asked of their provider", 60),
    ClockJob("outbox", "due messages are decided, prepared and sent", 1),
    ClockJob("writes", "what people said to us is told to the storefront", 2),
    ClockJob("weeks", "the letter of the week is raised on Monday morning", 60),
    ClockJob("notices", "merchants whose shop stands still are told by mail", 60),
    ClockJob("letters", "invitations of members and links to new passwords leave", 5),
    ClockJob("trials", "texts that merchants send to themselves leave", 2),
    ClockJob("rehearsals", "flows that somebody wants to try are replayed over the store's past", 2),
)


def is_connected(store: Store) -> bool:
    """Whether calendar jobs care for the store."""
    return store.state == "connected"
