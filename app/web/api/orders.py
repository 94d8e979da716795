"""`/orders` and `/products`: the mirror."""

from collections.abc import Sequence

from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log
from app.models import Order, OrderLine, Product
from app.web.acting import showed
from app.web.api import lists, shapes
from app.web.auth import api_key_required
from app.web.context import row_of, rows_of, runtime

blueprint = Blueprint("orders", __name__)


@blueprint.get("/orders")
@api_key_required
def listing() -> ResponseReturnValue:
    """Orders by rising id; by the platform's id or by customer if asked."""
    lists.check_filters("external_id", "customer")
    external_id, customer_id = lists.text_filter("external_id"), lists.id_filter("customer")
    is_narrow = external_id is not None or customer_id is not None
    statement = (rows_of if is_narrow else lists.rows_by_id)(Order, g.store_id)
    if external_id is not None:
        statement = statement.where(Order.external_id == external_id)
    if customer_id is not None:
        statement = statement.where(Order.customer_id == customer_id)
    with runtime().database.read() as session:
        found = lists.page(session, statement, Order.id)
        shaped = _shaped(session, found.rows)
    showed(g.store_id, access_log.ORDERS, customer_id=customer_id, count=len(found.rows))
    return {"data": shaped, "next": found.next}


@blueprint.get("/orders/<int:order_id>")
@api_key_required
def one(order_id: int) -> ResponseReturnValue:
    """One order."""
    with runtime().database.read() as session:
        order = row_of(session, Order, g.store_id, order_id)
        shaped = _shaped(session, [order])[0]
    showed(g.store_id, access_log.ORDERS, customer_id=order.customer_id)
    return shaped


@blueprint.get("/products")
@api_key_required
def products() -> ResponseReturnValue:
    """Products by rising id; by the platform's id if asked."""
    lists.check_filters("external_id")
    statement = rows_of(Product, g.store_id)
    external_id = lists.text_filter("external_id")
    if external_id is not None:
        statement = statement.where(Product.external_id == external_id)
    with runtime().database.read() as session:
        return lists.envelope(lists.page(session, statement, Product.id), shapes.product)


def _shaped(session: Session, rows: Sequence[Order]) -> list[shapes.Json]:
    lines: dict[int, list[OrderLine]] = {row.id: [] for row in rows}
    statement = rows_of(OrderLine, g.store_id).where(OrderLine.order_id.in_(lines))
    for line in session.scalars(statement.order_by(OrderLine.order_id, OrderLine.external_id)):
        lines[line.order_id].append(line)
    return [shapes.order(row, lines[row.id]) for row in rows]
