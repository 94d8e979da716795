"""The page that answers why somebody got, or did not get, a flow's messages on a day."""

from datetime import date

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app import access_log, clock
from app.errors import BadInput
from app.flows.definition import recipe_keys
from app.flows.moments import local_date
from app.flows.why import why
from app.messaging import zones
from app.models import Store
from app.web.acting import showed
from app.web.auth import merchant_required
from app.web.context import chosen_store, customer_of, runtime

blueprint = Blueprint("why", __name__)


@blueprint.get("/app/customers/<int:customer_id>/why")
@merchant_required
def show(customer_id: int) -> ResponseReturnValue:
    """The answer for `flow` and `on`; of the first flow and of today where they are not given."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        customer = customer_of(session, store.id, customer_id)
        today = local_date(clock.now(), zones.zone_named(store.timezone))
        flow_key = request.args.get("flow") or recipe_keys()[0]
        on = asked_day(request.args.get("on"), store)
        answer = why(session, store, customer.id, flow_key=flow_key, on=on, now=clock.now())
    showed(store.id, access_log.WHY, customer_id=customer.id)
    return render_template(
        "why.html", customer=customer, answer=answer, flow_keys=recipe_keys(), today=today.isoformat()
    )


def asked_day(text: str | None, store: Store) -> date:
    """The day that a request names, today in the store's zone where it names none.

    Raises:
        BadInput: it is no day.
    """
    if not text:
        return local_date(clock.now(), zones.zone_named(store.timezone))
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadInput("a day is written like 2026-11-02", "on") from error
    if not _EARLIEST <= day <= _LATEST:
        raise BadInput("no message is that old or that far ahead", "on")
    return day


_EARLIEST, _LATEST = date(1990, 1, 1), date(2100, 1, 1)
