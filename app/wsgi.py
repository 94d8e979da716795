"""Puts the web side together: Flask for pages and the API, the doors of webhooks and links in front of it."""

from dataclasses import dataclass

from flask import Flask

from app import migrate, web
from app.asgi import create_finder, create_inbox
from app.runtime import Runtime
from webhooks.deliveries import Deliveries
from webhooks.door import WebhookDoor
from webhooks.finder import LinkFinder
from webhooks.links import LinkDoor
from webhooks.writer import InboxWriter


@dataclass(frozen=True, slots=True)
class Site:
    """The WSGI app of a process, and the threads behind it: who keeps deliveries, and who looks links up."""

    application: WebhookDoor
    inbox: InboxWriter
    finder: LinkFinder

    def close(self) -> None:
        """Finish what was taken."""
        self.finder.close()
        self.inbox.close()


def create_app(runtime: Runtime) -> Flask:
    """The Flask app: the merchant's screens, the API, the customer's pages."""
    app = Flask("app.web", template_folder="templates", static_folder=None)
    app.extensions["ritorno"] = runtime
    web.register(app, migration_head=migrate.head)
    return app


def create_site(runtime: Runtime) -> Site:
    """Everything that a server process answers with."""
    inbox, finder = create_inbox(runtime), create_finder(runtime)
    linked = LinkDoor(runtime, finder, inbox, create_app(runtime).wsgi_app)
    return Site(WebhookDoor(Deliveries(runtime), inbox, linked), inbox, finder)
