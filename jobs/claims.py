"""Claiming a store's due messages: for everybody at once, or person by person where that fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from uuid import uuid4

from app import asides, commits, failpoints
from app.messaging import claim, due
from app.messaging.claim import Claimed
from app.models import Store
from app.models.set_aside import OUTBOX
from app.stores import rows, stopping
from jobs.alone import one_by_one, set_aside
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

Taken = tuple[Store, Claimed]


@dataclass(frozen=True, slots=True)
class Claims:
    """What is claimed of one store at a moment.

    Attributes:
        is_again: somebody's messages were set aside here, and are to be tried again.
    """

    kit: Kit
    store_id: int
    now: datetime
    is_again: bool = False

    def take(self, limit: int, token: str = "") -> Taken | None:
        """Claim what is due, under a claim's token or a new one; None where there is no such store any more.

        Raises:
            Exception: the claim failed for a reason that is nobody's own.
        """
        token = token or uuid4().hex
        result = run_guarded(partial(self._claim, token, limit, None))
        if not isinstance(result, Failed):
            return result
        found: list[Taken | None] = []
        ended = run_guarded(partial(self._one_by_one, result, limit, token, found))
        # What was claimed by then is `sending`, and is called out; what failed fails again at the next claim.
        if isinstance(ended, Failed) and not any(found):
            raise ended.error
        return _together([taken for taken in found if taken is not None])

    def _one_by_one(self, failure: Failed, limit: int, token: str, found: list[Taken | None]) -> None:
        alone = partial(self._claim, token, limit)
        failed = one_by_one(failure, partial(self._people, limit), alone, found)
        for person, its in failed.items():
            with self.kit.database.of_store(self.store_id).write() as session:
                until = set_aside(session, self.store_id, OUTBOX, person, failure=its, now=self.now)
                due.put_off(session, self.store_id, person, until)

    def _claim(self, token: str, limit: int, person: int | None) -> Taken | None:
        kit = self.kit
        with kit.database.of_store(self.store_id).write() as session:
            stopping.hold_off(session, self.store_id)
            store = rows.find(session, self.store_id)
            if store is None:
                return None
            claimed = claim.claim(
                session,
                kit.letters,
                store,
                accounts=kit.carriers.accounts.of(store),
                now=self.now,
                limit=limit,
                token=token,
                person=person,
            )
            if self.is_again and person is None:
                asides.drop_due(session, self.store_id, OUTBOX, self.now)
            if claimed.outgoing:
                claimed.mark = commits.mark(session)
            if claimed.looked_at:
                failpoints.reached("outbox.in-claim")
        if claimed.looked_at:
            failpoints.reached("outbox.after-claim")
        return store, claimed

    def _people(self, limit: int) -> Sequence[int]:
        with self.kit.database.of_store(self.store_id).write() as session:
            return list(dict.fromkeys(due.people_due(session, self.store_id, self.now, limit)))


def _together(taken: Sequence[Taken]) -> Taken | None:
    """One claim of several under one token, each a transaction of its own: nothing tells who wrote since."""
    if not taken:
        return None
    parts = [claimed for _, claimed in taken]
    claimed = Claimed(
        token=parts[0].token,
        looked_at=sum(part.looked_at for part in parts),
        outgoing=list(chain.from_iterable(part.outgoing for part in parts)),
        wanted=list(chain.from_iterable(part.wanted for part in parts)),
        asked=list(chain.from_iterable(part.asked for part in parts)),
        prepared_ids=list(chain.from_iterable(part.prepared_ids for part in parts)),
        is_local=all(part.is_local for part in parts),
    )
    return taken[0][0], claimed
