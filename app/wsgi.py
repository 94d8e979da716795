"""Puts the web side together: Flask for pages and the API, the doors of webhooks and links in front of it."""

from flask import Flask

from app import doors, migrate, web
from app.doors import Site
from app.runtime import Runtime


def create_app(runtime: Runtime) -> Flask:
    """The Flask app: the merchant's screens, the API, the customer's pages."""
    app = Flask("app.web", template_folder="templates", static_folder=None)
    app.extensions["ritorno"] = runtime
    web.register(app, migration_head=migrate.head)
    return app


def create_site(runtime: Runtime) -> Site:
    """Everything that a server process answers with."""
    return doors.in_front_of(create_app(runtime).wsgi_app, runtime)
