"""Puts the web side together: Flask for pages and the API, the webhook door in front of it."""

from dataclasses import dataclass

from flask import Flask

from app import migrate, web
from app.db import RECEIVE_BUSY_SECONDS, Database
from app.runtime import Runtime
from webhooks.door import WebhookDoor
from webhooks.storefronts import StorefrontDeliveries
from webhooks.writer import InboxWriter


@dataclass(frozen=True, slots=True)
class Site:
    """The WSGI app of a process and the inbox writer behind it."""

    application: WebhookDoor
    inbox: InboxWriter


def create_app(runtime: Runtime) -> Flask:
    """The Flask app: the merchant's screens, the API, the customer's pages."""
    app = Flask("app.web", template_folder="templates", static_folder=None)
    app.extensions["ritorno"] = runtime
    web.register(app, migration_head=migrate.head)
    return app


def create_site(runtime: Runtime) -> Site:
    """Everything that a server process answers with."""
    inbox = create_inbox(runtime)
    door = WebhookDoor(StorefrontDeliveries(runtime), inbox, create_app(runtime).wsgi_app)
    return Site(door, inbox)


def create_inbox(runtime: Runtime) -> InboxWriter:
    """The writer of deliveries, with a connection of its own that waits for a lock for a moment only."""
    return InboxWriter(Database(runtime.database.url, pool_size=1, busy_seconds=RECEIVE_BUSY_SECONDS))
