"""The doors that stand in front of the pages: deliveries are kept, and links answered, without them."""

from dataclasses import dataclass

from app.db import RECEIVE_BUSY_SECONDS, Database
from app.runtime import Runtime
from webhooks.deliveries import Deliveries
from webhooks.door import WebhookDoor, WsgiApp
from webhooks.finder import LinkFinder
from webhooks.links import LinkDoor
from webhooks.unwaited import UnwaitedDeliveries
from webhooks.writer import InboxWriter


@dataclass(frozen=True, slots=True)
class Site:
    """The WSGI app of a process, and the threads behind it: who keeps deliveries, and who looks links up.

    `unwaited` takes deliveries from a server that need not have a thread wait for each.
    """

    application: WebhookDoor
    unwaited: UnwaitedDeliveries
    inbox: InboxWriter
    finder: LinkFinder

    def close(self) -> None:
        """Finish what was taken."""
        self.finder.close()
        self.inbox.close()


def create_inbox(runtime: Runtime) -> InboxWriter:
    """The writer of deliveries, with a connection of its own that waits for a lock for a moment only."""
    return InboxWriter(_of_receivers(runtime))


def create_finder(runtime: Runtime) -> LinkFinder:
    """Who looks links up, over a connection of its own."""
    return LinkFinder(_of_receivers(runtime).over_all_stores())


def in_front_of(pages: WsgiApp, runtime: Runtime) -> Site:
    """A site of these pages."""
    inbox, finder = create_inbox(runtime), create_finder(runtime)
    linked = LinkDoor(runtime, finder, inbox, pages)
    deliveries = Deliveries(runtime)
    door = WebhookDoor(deliveries, inbox, linked)
    return Site(door, UnwaitedDeliveries(deliveries, inbox), inbox, finder)


def _of_receivers(runtime: Runtime) -> Database:
    return Database(runtime.database.url, pool_size=1, busy_seconds=RECEIVE_BUSY_SECONDS)
