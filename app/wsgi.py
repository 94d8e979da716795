"""Puts the web side together: Flask for pages and the API, the webhook door in front of it."""

from dataclasses import dataclass

from flask import Flask

from app import migrate, web
from app.asgi import create_inbox
from app.runtime import Runtime
from webhooks.deliveries import Deliveries
from webhooks.door import WebhookDoor
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
    door = WebhookDoor(Deliveries(runtime), inbox, create_app(runtime).wsgi_app)
    return Site(door, inbox)
