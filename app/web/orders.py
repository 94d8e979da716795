"""Orders: the store's newest, as the mirror holds them."""

from collections.abc import Sequence

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log
from app.models import Attribution, Customer, Order
from app.web import paging
from app.web.acting import showed
from app.web.auth import merchant_required
from app.web.context import chosen_store, rows_of, runtime

blueprint = Blueprint("orders", __name__)

_PER_PAGE = 25
_LATEST = paging.Order((Order.placed_at, Order.id), is_descending=True)


@blueprint.get("/app/orders")
@merchant_required
def listing() -> ResponseReturnValue:
    """Newest first, with who bought and which message brought the order."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        page = paging.fetch(
            session,
            rows_of(Order, store.id),
            _LATEST,
            cursor=request.args.get("cursor"),
            limit=_PER_PAGE,
        )
        buyers = _buyers(session, store.id, page.rows)
        brought = _brought(session, store.id, [order.id for order in page.rows])
    showed(store.id, access_log.ORDERS, count=len(page.rows))
    return render_template("orders.html", page=page, buyers=buyers, brought=brought)


def _buyers(session: Session, store_id: int, orders: Sequence[Order]) -> dict[int, Customer]:
    ids = {order.customer_id for order in orders if order.customer_id is not None}
    statement = rows_of(Customer, store_id).where(Customer.id.in_(ids))
    return {customer.id: customer for customer in session.scalars(statement)}


def _brought(session: Session, store_id: int, order_ids: list[int]) -> dict[int, Attribution]:
    statement = rows_of(Attribution, store_id).where(Attribution.order_id.in_(order_ids))
    return {row.order_id: row for row in session.scalars(statement)}
