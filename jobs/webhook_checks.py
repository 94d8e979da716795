"""The webhooks of WooCommerce stores, looked at every quarter of an hour: what does not serve is made anew.

The store calls the new webhook's address before it answers us, so the web side must be up; never call this
inside a request. What went lost meanwhile is pulled at once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app import failpoints, inbox
from app.mirror import pulls
from app.models import Store
from app.stores import chores, connections, mending, subscribe, verification
from app.stores.chores import Held
from app.stores.mending import Remake
from app.stores.platforms import CONNECTED
from connectors.base import Storefront, Subscription
from connectors.storefronts.woocommerce.topics import meaning
from jobs import access, upkeep
from jobs.kit import Kit

log = structlog.get_logger()
EVERY = timedelta(minutes=15)


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Register the webhooks of new stores and mend those of the others, each store when its time has come."""
    return +Counter({"webhooks checked": upkeep.run(kit, chores.WEBHOOKS, now, _check)})


@dataclass
class _Mending:
    """One check under way; what was made anew is known even where the next call fails."""

    kit: Kit
    held: Held
    store: Store
    now: datetime
    remade: list[Remake] = field(default_factory=list)
    has_registered: bool = False

    def notes(self) -> Mapping[str, Any]:
        """What the merchant is told."""
        if not self.remade:
            return dict(self.held.row.notes)
        return mending.with_remade(self.held.row.notes, self.remade[::-1], self.now)

    def lock(self, session: Session) -> Store | None:
        """The store's row to change, None where it was installed anew or left meanwhile."""
        found = session.get(Store, self.store.id, with_for_update=True)
        is_same = found is not None and found.installed_at == self.store.installed_at
        return found if found is not None and is_same and found.state == CONNECTED else None


def _check(kit: Kit, held: Held, store: Store, now: datetime) -> upkeep.Ending:
    work = _Mending(kit, held, store, now)
    with access.watched(kit, store, now):
        _look_after(work)
    return partial(_end, work=work)


def _end(session: Session, *, work: _Mending) -> int:
    notes = mending.with_reach(
        work.notes(),
        connections.webhook_url(work.kit.runtime, work.store),
        made_at=work.now if work.remade or work.has_registered else None,
        arrived_since=partial(inbox.arrived_since, session, work.store.id),
    )
    chores.finish(session, work.held, now=work.now, next_at=work.now + EVERY, notes=notes)
    return 1


def _look_after(work: _Mending) -> None:
    if not work.store.subscriptions:
        work.has_registered = True
        subscribe.register_webhooks(work.kit.runtime, work.store.id)
        return
    storefront = connections.storefront(work.kit.runtime, work.store)
    url = connections.webhook_url(work.kit.runtime, work.store)
    listed = storefront.subscriptions()
    wrong = mending.remakes(listed, work.store.subscriptions, url)
    if not wrong and _is_noted(work.store, listed):
        return
    with work.kit.database.of_store(work.store.id).write() as session:
        store = work.lock(session)
        if store is None:
            return
        # What was signed with a secret of before the last check has arrived by now, or never will.
        store.webhook_turns = mending.settled(store.webhook_turns, [one.topic for one in wrong])
        if not wrong:
            store.subscriptions = subscribe.rows_of(listed)
    for remake in wrong:
        _make_anew(work, storefront, remake, url)


def _is_noted(store: Store, listed: Sequence[Subscription]) -> bool:
    """Whether the store's row says what is listed, and no older secret is still taken: as of most checks."""
    is_settled = mending.settled(store.webhook_turns, ()) == store.webhook_turns
    return is_settled and subscribe.rows_of(listed) == store.subscriptions


def _make_anew(work: _Mending, storefront: Storefront, remake: Remake, url: str) -> None:
    """Delete, then change the secret, then make: whatever a kill leaves is seen as missing or strange."""
    database = work.kit.database.of_store(work.store.id)
    storefront.unsubscribe(remake.gone)
    with database.write() as session:
        store = work.lock(session)
        if store is None:
            return
        store.webhook_turns = mending.with_turn(store.webhook_turns, remake.topic)
        secret = verification.woocommerce_secret(work.kit.runtime, store, remake.topic)
    failpoints.reached("webhooks.before-call")
    made = storefront.subscribe({remake.topic: url}, secret)
    failpoints.reached("webhooks.after-call")
    work.remade.append(remake)
    log.warning("webhook made anew", store=work.store.id, topic=remake.topic, reason=remake.reason)
    with database.write() as session:
        store = work.lock(session)
        if store is None:
            return
        store.subscriptions = subscribe.rows_of(made)
        chores.move(session, work.held, notes=work.notes())
        _catch_up(session, store, remake.topic, work.now)


def _catch_up(session: Session, store: Store, topic: str, now: datetime) -> None:
    """Have pulled at once what changed since the topic's last good delivery."""
    told = meaning(topic)
    if told is not None:
        last = inbox.last_received_at(session, store.id, topic) or store.installed_at
        pulls.catch_up(session, store.id, told[0], since=last, now=now)
