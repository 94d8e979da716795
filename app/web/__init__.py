"""The merchant's screens, the API, the customer's pages and the health of the process."""

from collections.abc import Callable

from flask import Flask

from app.web import (
    account,
    activity,
    assets,
    auth,
    catalogue,
    changes,
    confirmations,
    customers,
    editor,
    embedded,
    errors,
    flow_start,
    flow_versions,
    flows,
    formats,
    guide,
    headers,
    health,
    held,
    home,
    install,
    joining,
    keys,
    leaving,
    lists,
    members,
    orders,
    outbox,
    preferences,
    previewing,
    privacy,
    provider_words,
    public,
    ratings,
    rehearsing,
    reviews,
    second_factor,
    senders,
    settings,
    sign_in,
    steps,
    stopping,
    timeline_words,
    tracing,
    why,
    why_words,
    zones,
)
from app.web.api import blueprint as api
from app.web.context import runtime

MAX_BODY_BYTES = 2 * 1024 * 1024
_SESSION_DAYS = 30
_BLUEPRINTS = (
    assets.blueprint,
    sign_in.blueprint,
    joining.blueprint,
    account.blueprint,
    second_factor.blueprint,
    members.blueprint,
    keys.blueprint,
    leaving.blueprint,
    catalogue.blueprint,
    health.blueprint,
    home.blueprint,
    customers.blueprint,
    why.blueprint,
    privacy.blueprint,
    orders.blueprint,
    flows.blueprint,
    steps.blueprint,
    flow_versions.blueprint,
    flow_start.blueprint,
    rehearsing.blueprint,
    editor.blueprint,
    previewing.blueprint,
    outbox.blueprint,
    reviews.blueprint,
    held.blueprint,
    activity.blueprint,
    changes.blueprint,
    settings.blueprint,
    zones.blueprint,
    senders.blueprint,
    stopping.blueprint,
    guide.blueprint,
    lists.blueprint,
    install.blueprint,
    embedded.blueprint,
    public.blueprint,
    preferences.blueprint,
    ratings.blueprint,
    confirmations.blueprint,
    api,
)


def register(app: Flask, migration_head: Callable[[], str | None] = lambda: None) -> None:
    """Put every page of ours on the app; `app.extensions["ritorno"]` must be the Runtime already.

    Args:
        app: the app that `app.wsgi` makes.
        migration_head: the newest version of the database that this program knows; None is not compared.
    """
    tracing.register(app)
    _set_up_sessions(app)
    app.extensions[health.MIGRATION_HEAD] = migration_head
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    embedded.register(app)
    formats.register(app)
    app.jinja_env.filters["said"] = provider_words.said
    app.jinja_env.filters["step_value"] = timeline_words.step_value
    app.jinja_env.filters.update(
        about=why_words.about, order_of=why_words.order_of, reasons=why_words.reasons
    )
    app.before_request(auth.bound_open_forms)
    headers.register(app)
    errors.register(app)


def _set_up_sessions(app: Flask) -> None:
    with app.app_context():
        settings_of_process = runtime().settings
    app.secret_key = settings_of_process.signing_key
    app.config.update(
        SESSION_COOKIE_NAME="ritorno",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings_of_process.base_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=_SESSION_DAYS * 86_400,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
    )
