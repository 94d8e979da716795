"""A product review as a ReviewRecord."""

import re
from html import unescape

from connectors.base import JsonObject, ReviewRecord, UnreadablePayload
from connectors.storefronts.woocommerce.payload import decimal, email, identifier, required_moment, text

_STATUSES = {"approved": "approved", "hold": "held"}
_TAG = re.compile(r"<[^>]*>")
_MOST_STARS = 5


def read_review(payload: JsonObject) -> ReviewRecord:
    """The review in an object of `GET /products/reviews`.

    Raises:
        UnreadablePayload: not a review's shape.

    Source: facts of two measured stores, section 4, "Reviews".
    """
    rating = decimal(payload, "rating")
    if not 0 <= rating <= _MOST_STARS:
        raise UnreadablePayload("rating is out of range")
    status = text(payload, "status")
    return ReviewRecord(
        external_id=identifier(payload, "id"),
        product_external_id=identifier(payload, "product_id"),
        email=email(payload, "reviewer_email"),
        rating=int(rating),
        # WordPress gives the text as HTML, in paragraphs.
        text=unescape(_TAG.sub("", text(payload, "review"))).strip(),
        status=_STATUSES.get(status, status or "unknown"),
        is_verified=payload.get("verified") is True,
        written_at=required_moment(payload, "date_created_gmt"),
    )
