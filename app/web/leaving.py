"""Leaving: a store is disconnected, or disconnected and erased, by its owner who types its name."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.errors import BadInput
from app.members.roles import OWNER
from app.models import Store
from app.privacy import asked, requests, shops
from app.stores import commands
from app.web.acting import actor
from app.web.auth import role_required
from app.web.catalogue import translate
from app.web.context import choose_store, chosen_store, runtime, visit

blueprint = Blueprint("leaving", __name__)
DISCONNECT, ERASE = "disconnect", "erase"


@blueprint.get("/app/settings/leaving")
@role_required(OWNER)
def show() -> ResponseReturnValue:
    """What leaving means, before anything is done; and how far it is."""
    return _page()


@blueprint.post("/app/settings/leaving/disconnect")
@role_required(OWNER)
def disconnect() -> ResponseReturnValue:
    """Stop everything for the store and forget its keys."""
    store = _typed_store()
    if store is None:
        return _page(doubted=DISCONNECT), 400
    commands.disconnect(runtime(), store.id, by=actor())
    flash(translate("leaving.disconnected", store=store.domain))
    return redirect(url_for("leaving.show"), code=303)


@blueprint.post("/app/settings/leaving/erase")
@role_required(OWNER)
def erase() -> ResponseReturnValue:
    """Disconnect the store, and have all that is kept of it erased two days later."""
    store = _typed_store()
    if store is None:
        return _page(doubted=ERASE), 400
    commands.disconnect(runtime(), store.id, by=actor())
    with runtime().database.write() as session:
        asked.erase_shop(session, store, source="screen", now=clock.now(), by=actor())
    flash(translate("leaving.erasure", store=store.domain))
    return redirect(url_for("leaving.show"), code=303)


def _typed_store() -> Store | None:
    """The chosen store, if its reader typed its name; it stays the chosen one when it is connected no more.

    Raises:
        BadInput: the shop's admin is where an app is removed, and opening it there would connect it again.
    """
    if visit() is not None:
        raise BadInput("inside Shopify's admin the app is removed there")
    with runtime().database.read() as session:
        store = chosen_store(session)
        is_sure = request.form.get("domain", "").strip().lower() == store.domain
        if is_sure:
            choose_store(session, store.id)
    return store if is_sure else None


def _page(*, doubted: str = "") -> str:
    with runtime().database.read() as session:
        store = chosen_store(session)
        request_ = requests.of_shop(session, store.id)
    is_leaving = request_ is not None and store.uninstalled_at is not None
    return render_template(
        "leaving.html",
        doubted=doubted,
        asked_at=request_ and request_.received_at,
        erased_at=store.uninstalled_at + shops.SOFT_DELETE if is_leaving and store.uninstalled_at else None,
        is_inside=visit() is not None,
    )
