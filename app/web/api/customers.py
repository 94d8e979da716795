"""`/customers`: people, and what they allow."""

from collections.abc import Sequence

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log, audit, clock, consent
from app.consent import NewConsent
from app.customers import aliases, normalise_email
from app.errors import BadInput
from app.flows.definition import recipe_keys
from app.flows.why import why_each
from app.models import ConsentState, Customer, Store
from app.privacy import asked
from app.segments import classing, scoring
from app.web import why_words
from app.web.acting import actor, showed
from app.web.api import bodies, lists, shapes
from app.web.auth import api_key_required, changing_by_key
from app.web.context import customer_of, row_of, rows_of, runtime
from app.web.why import asked_day

blueprint = Blueprint("customers", __name__)


@blueprint.get("/customers")
@api_key_required
def listing() -> ResponseReturnValue:
    """Customers by rising id; by exact e-mail or the platform's id if asked."""
    lists.check_filters("email", "external_id")
    statement = rows_of(Customer, g.store_id)
    email, external_id = lists.text_filter("email"), lists.text_filter("external_id")
    if email is not None:
        statement = statement.where(Customer.email == normalise_email(email))
    with runtime().database.read() as session:
        if external_id is not None:
            heir = aliases.find(session, g.store_id, [external_id]).get(external_id)
            name = external_id if heir is None else heir.external_id
            statement = statement.where(Customer.external_id == name)
        found = lists.page(session, statement, Customer.id)
        shaped = _shaped(session, found.rows)
    showed(g.store_id, access_log.CUSTOMERS, count=len(found.rows))
    return {"data": shaped, "next": found.next}


@blueprint.get("/customers/<int:customer_id>")
@api_key_required
def one(customer_id: int) -> ResponseReturnValue:
    """One customer; by the id of one who was merged into another, that one."""
    with runtime().database.read() as session:
        customer = customer_of(session, g.store_id, customer_id)
        shaped = _shaped(session, [customer])[0]
    showed(g.store_id, access_log.CUSTOMER, customer_id=customer.id)
    return shaped


@blueprint.post("/customers/<int:customer_id>/consents")
@api_key_required
def record_consent(customer_id: int) -> ResponseReturnValue:
    """Append a statement to the ledger; the same statement told twice is one. Answers what holds now."""
    body = bodies.posted(bodies.ConsentBody)
    with changing_by_key() as session:
        customer = customer_of(session, g.store_id, customer_id)
        if customer.erased_at is not None:
            raise BadInput("this customer was erased at their own wish", "id")
        statement = NewConsent(
            store_id=g.store_id,
            customer_id=customer.id,
            channel=body.channel,
            state=body.state,
            basis=body.basis,
            occurred_at=body.at,
            source=body.source,
            address=customer.email if body.channel == "email" else customer.phone,
            wording=body.text,
            is_own=True,
        )
        consent.record(session, [statement], clock.now())
        _record(session, customer.id, body)
        session.flush()
        return _shaped(session, [customer])[0], 201


@blueprint.get("/customers/<int:customer_id>/why")
@api_key_required
def explain(customer_id: int) -> ResponseReturnValue:
    """Why the flows' messages of a day (`on`, today by default) left or not; of one flow if asked."""
    lists.check_filters("flow", "on")
    flow = lists.text_filter("flow")
    with runtime().database.read() as session:
        store = session.get_one(Store, g.store_id)
        g.store = store
        customer = customer_of(session, store.id, customer_id)
        on = asked_day(request.args.get("on"), store)
        keys = [flow] if flow else recipe_keys()
        answers = why_each(session, store, customer.id, flow_keys=keys, on=on, now=clock.now())
    showed(g.store_id, access_log.WHY, customer_id=customer.id)
    return {"data": [why_words.shape(answer) for answer in answers], "next": None}


@blueprint.delete("/customers/<int:customer_id>")
@api_key_required
def erase(customer_id: int) -> ResponseReturnValue:
    """Forget a customer, once or again; answers what is left of them."""
    with runtime().database.read() as session:
        customer_id = customer_of(session, g.store_id, customer_id).id
    asked.erase_now(runtime(), g.store_id, customer_id, source="api", now=clock.now(), by=actor())
    with runtime().database.read() as session:
        return _shaped(session, [row_of(session, Customer, g.store_id, customer_id)])[0]


def _record(session: Session, customer_id: int, body: bodies.ConsentBody) -> None:
    """The statement itself, with its words, stands in the ledger."""
    audit.record(
        session,
        g.store_id,
        actor(),
        audit.CONSENT_RECORDED,
        now=clock.now(),
        subject=f"customer:{customer_id}",
        details=body.model_dump(mode="json", include={"channel", "state", "basis", "at"}),
    )


def _shaped(session: Session, rows: Sequence[Customer]) -> list[shapes.Json]:
    """Customers with consents, classes and scores, by four queries however many they are."""
    currency = session.get_one(Store, g.store_id).currency
    held: dict[int, dict[str, ConsentState]] = {row.id: {} for row in rows}
    for state in session.scalars(rows_of(ConsentState, g.store_id).where(ConsentState.customer_id.in_(held))):
        held[state.customer_id][state.channel] = state
    classes = classing.kept(session, g.store_id, rows, clock.now())
    scores = scoring.scores_of(session, g.store_id, list(held))
    return [
        shapes.customer(row, held[row.id], currency, classes=classes[row.id], scores=scores.get(row.id, {}))
        for row in rows
    ]
