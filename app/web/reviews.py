"""Reviews: what customers said, what of it may be quoted, and the average that counts everybody."""

from collections.abc import Sequence
from urllib.parse import quote

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import access_log, audit, clock
from app.db import is_one_of
from app.errors import BadInput
from app.members.roles import MARKETER
from app.messaging import testimonials
from app.models import Customer, Product, Review
from app.models.review import APPROVED, HIDDEN, LOW, PENDING, STARS, STATES, WRITTEN
from app.stores import settings
from app.web import paging
from app.web.acting import actor, showed
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import LARGEST_ID, chosen_store, rows_of, runtime

blueprint = Blueprint("reviews", __name__)

_PER_PAGE = 25
_NEWEST = paging.Order((Review.id,), is_descending=True)
_SHOWN = {
    "pending": paging.Kinds(Review.state, (PENDING,)),
    "low": paging.Kinds(Review.rating, LOW),
    "approved": paging.Kinds(Review.state, (APPROVED,)),
    "hidden": paging.Kinds(Review.state, (HIDDEN,)),
    "all": paging.Kinds(Review.rating, STARS),
}
_ACTS = {"approve": APPROVED, "hide": HIDDEN}
_DONE = {"approve": audit.REVIEW_APPROVED, "hide": audit.REVIEW_HIDDEN}


@blueprint.get("/app/reviews")
@merchant_required
def listing() -> ResponseReturnValue:
    """Newest first: those to look at, unless something else is asked for."""
    show = request.args.get("show", "pending")
    if show not in _SHOWN:
        raise BadInput("reviews are shown by one of a few states", "show")
    with runtime().database.read() as session:
        store = chosen_store(session)
        statement = rows_of(Review, store.id).where(is_one_of(Review.status, WRITTEN))
        cursor = request.args.get("cursor")
        page = paging.fetch(session, statement, _NEWEST, cursor=cursor, limit=_PER_PAGE, kinds=_SHOWN[show])
        stars = testimonials.stars(session, store.id)
        parts = {
            "people": _people(session, store.id, page.rows),
            "products": _products(session, store.id, page.rows),
            "counts": _counts(stars),
            "whole": testimonials.ratings(stars),
        }
    showed(store.id, access_log.REVIEWS, count=len(page.rows))
    return render_template(
        "reviews.html",
        page=page,
        show=show,
        views=list(_SHOWN),
        quoted_from=settings.number(store, "reviews.quoted_from"),
        mail_to=_mail_to,
        **parts,
    )


@blueprint.post("/app/reviews")
@role_required(MARKETER)
def moderate() -> ResponseReturnValue:
    """Approve or hide those that were ticked, or the one whose own button was pressed."""
    act = next((name for name in _ACTS if request.form.get(name)), request.form.get("act", ""))
    if act not in _ACTS:
        raise BadInput("a review is approved or hidden", "act")
    one = request.form.get(act)
    ids = [_id(text) for text in ([one] if one else request.form.getlist("id")[:_PER_PAGE])]
    with runtime().database.write() as session:
        store = chosen_store(session)
        mine = (Review.store_id == store.id, Review.id.in_(ids))
        changed = session.execute(
            update(Review).where(*mine).values(state=_ACTS[act]).returning(Review.id)
        ).all()
        for review in changed:
            audit.record(
                session, store.id, actor(), _DONE[act], now=clock.now(), subject=f"review:{review.id}"
            )
    flash(translate(f"reviews.done.{act}", n=len(changed)) if changed else translate("reviews.done.none"))
    return redirect(url_for("reviews.listing", show=request.form.get("show") or None), code=303)


def _mail_to(address: str) -> str:
    """A link that begins a private answer in the merchant's own mail program."""
    return f"mailto:{quote(address, safe='@')}?subject={quote(translate('reviews.mail.subject'))}"


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < len(str(LARGEST_ID))):
        raise BadInput("a review is named by its number", "id")
    return int(text)


def _people(session: Session, store_id: int, reviews: Sequence[Review]) -> dict[int, Customer]:
    """Who wrote them, by id."""
    wanted = {review.customer_id for review in reviews if review.customer_id is not None}
    found = session.scalars(rows_of(Customer, store_id).where(Customer.id.in_(wanted)))
    return {customer.id: customer for customer in found}


def _products(session: Session, store_id: int, reviews: Sequence[Review]) -> dict[str, str]:
    """The titles of the products that they are about, by the platform's id."""
    wanted = {review.product_external_id for review in reviews if review.product_external_id}
    found = session.scalars(rows_of(Product, store_id).where(Product.external_id.in_(wanted)))
    return {product.external_id: product.title for product in found}


def _counts(stars: Sequence[tuple[int, str, int]]) -> dict[str, int]:
    """How many each view holds."""
    by_state = dict.fromkeys(STATES, 0)
    for _, state, n in stars:
        by_state[state] += n
    low = sum(n for rating, _, n in stars if rating in LOW)
    return by_state | {"low": low, "all": sum(by_state.values())}
