"""Customers: the list, and one person with everything that happened."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log, clock
from app.customers import agreeing
from app.flows.definition import recipe_keys
from app.flows.moments import local_date
from app.messaging import addresses, fact_rows, preferences, zones
from app.models import (
    Consent,
    ConsentState,
    Customer,
    Decision,
    Enrollment,
    Message,
    Order,
    Voucher,
)
from app.segments import classing, scoring
from app.segments.classes import CLASSES
from app.web import paging, seeking, timeline_pages, timeline_words
from app.web.acting import showed
from app.web.auth import merchant_required
from app.web.context import chosen_store, customer_of, rows_of, runtime

blueprint = Blueprint("customers", __name__)

_PER_PAGE = 25
_RECENT = 20
_NEWEST = paging.Order((Customer.id,), is_descending=True)


@blueprint.get("/app/customers")
@merchant_required
def listing() -> ResponseReturnValue:
    """Newest first; those only who are meant, if somebody is."""
    sought = seeking.asked(request.args)
    with runtime().database.read() as session:
        store = chosen_store(session)
        statement, sift = seeking.narrowed(rows_of(Customer, store.id), store.id, sought)
        cursor = request.args.get("cursor")
        page = paging.fetch(session, statement, _NEWEST, cursor=cursor, limit=_PER_PAGE, sift=sift)
        consents = _consents(session, store.id, page.rows)
    showed(store.id, access_log.CUSTOMERS, count=len(page.rows))
    return render_template(
        "customers.html",
        page=page,
        sought=sought,
        consents=consents,
        permissions=seeking.PERMISSIONS,
        kinds=CLASSES,
        standings=seeking.STANDINGS,
    )


@blueprint.get("/app/customers/<int:customer_id>")
@merchant_required
def show(customer_id: int) -> ResponseReturnValue:
    """One person; whoever was merged into another leads there."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        customer = customer_of(session, store.id, customer_id)
        if customer.id != customer_id:
            return redirect(url_for("customers.show", customer_id=customer.id), code=303)
        timeline = timeline_pages.page(
            session,
            store.id,
            timeline_pages.LATEST,
            customer_id=customer.id,
            cursor=request.args.get("cursor"),
            limit=_PER_PAGE,
        )
        entries = timeline_words.entries(session, store.id, timeline.rows)
        parts = _parts(session, store.id, customer)
        classes = classing.kept(session, store.id, [customer], clock.now())
        scores = scoring.scores_of(session, store.id, [customer.id]).get(customer.id, {})
    showed(store.id, access_log.CUSTOMER, customer_id=customer.id)
    today = local_date(clock.now(), zones.zone_named(store.timezone)).isoformat()
    return render_template(
        "customer.html",
        customer=customer,
        classes=classes[customer.id],
        scores=scores,
        timeline=timeline,
        entries=entries,
        flow_keys=recipe_keys(),
        today=today,
        **parts,
    )


def _consents(session: Session, store_id: int, people: Sequence[Customer]) -> dict[int, dict[str, str]]:
    """The state of each channel by customer, for the address that they have now."""
    known = {customer.id: customer for customer in people}
    states: dict[int, dict[str, str]] = {customer_id: {} for customer_id in known}
    for row in session.scalars(rows_of(ConsentState, store_id).where(ConsentState.customer_id.in_(known))):
        customer = known[row.customer_id]
        stands = agreeing.stands(row, addresses.address_of(customer, row.channel))
        states[customer.id][row.channel] = stands if customer.erased_at is None else "erased"
    return states


def _parts(session: Session, store_id: int, customer: Customer) -> dict[str, Any]:
    """What stands beside the timeline, newest first."""

    def newest(model: Any, *order: Any) -> list[Any]:
        statement = rows_of(model, store_id).where(model.customer_id == customer.id)
        return list(session.scalars(statement.order_by(*order).limit(_RECENT)))

    return {
        "orders": newest(Order, Order.placed_at.desc(), Order.id.desc()),
        "messages": newest(Message, Message.created_at.desc(), Message.id.desc()),
        "decisions": newest(Decision, Decision.decided_at.desc(), Decision.id.desc()),
        "ledger": newest(Consent, Consent.occurred_at.desc(), Consent.id.desc()),
        "enrollments": newest(Enrollment, Enrollment.entered_at.desc(), Enrollment.id.desc()),
        "vouchers": newest(Voucher, Voucher.id.desc()),
        "consents": _consents(session, store_id, [customer])[customer.id],
        "wishes": preferences.wishes_of(session, store_id, customer.id),
        "standing": fact_rows.states(session, store_id, [customer.id]).get(customer.id),
        "now": clock.now(),
    }
