"""`/reviews`: what customers said, whatever the merchant made of it."""

from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from app import access_log
from app.models import Review
from app.models.review import OBJECTS, STATES, WRITTEN
from app.web.acting import showed
from app.web.api import lists, shapes
from app.web.auth import api_key_required
from app.web.context import row_of, rows_of, runtime

blueprint = Blueprint("reviews", __name__)


@blueprint.get("/reviews")
@api_key_required
def listing() -> ResponseReturnValue:
    """Reviews by rising id, without spam; by customer, product, object and state if asked."""
    lists.check_filters("customer", "product", "object", "state")
    customer_id, product = lists.id_filter("customer"), lists.text_filter("product")
    asked, state = lists.choice_filter("object", OBJECTS), lists.choice_filter("state", STATES)
    is_narrow = customer_id is not None or state is not None
    statement = (rows_of if is_narrow else lists.rows_by_id)(Review, g.store_id)
    if customer_id is not None:
        statement = statement.where(Review.customer_id == customer_id)
    if state is not None:
        statement = statement.where(Review.state == state)
    sift: list[ColumnElement[bool]] = [Review.status.in_(WRITTEN)]
    if product is not None:
        sift.append(Review.product_external_id == product)
    if asked is not None:
        sift.append(Review.object == asked)
    with runtime().database.read() as session:
        found = lists.page(session, statement, Review.id, sift=sift)
        showed(g.store_id, access_log.REVIEWS, count=len(found.rows))
        return lists.envelope(found, shapes.review)


@blueprint.get("/reviews/<int:review_id>")
@api_key_required
def one(review_id: int) -> ResponseReturnValue:
    """One review."""
    with runtime().database.read() as session:
        review = row_of(session, Review, g.store_id, review_id)
        showed(g.store_id, access_log.REVIEWS, customer_id=review.customer_id)
        return shapes.review(review)
