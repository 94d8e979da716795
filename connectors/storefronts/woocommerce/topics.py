"""Which webhook topics exist, which of them we ask for, and what each one tells."""

from collections.abc import Mapping
from enum import StrEnum

from connectors.base import Resource

STATEMENTS = "action.wc_ritorno_consent"
"""What our plugin for WordPress tells; a store without the plugin accepts the topic and never uses it."""

# Source: facts of two measured stores, section 3 (minimum subscription set). Coupons are asked for so
# that a voucher changed in the shop is seen; their redemption shows in orders.
MINIMUM_TOPICS = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "order.created",
    "order.updated",
    "order.deleted",
    "order.restored",
    "product.created",
    "product.updated",
    "product.deleted",
    "product.restored",
    "coupon.updated",
    "coupon.deleted",
    STATEMENTS,
)


class News(StrEnum):
    """What a topic promises in its body."""

    STATE = "state"
    DELETED = "deleted"


_RESOURCES = {"customer": Resource.CUSTOMERS, "order": Resource.ORDERS, "product": Resource.PRODUCTS}

_NEWS = {
    "created": News.STATE,
    "updated": News.STATE,
    "restored": News.STATE,
    "published": News.STATE,
    "deleted": News.DELETED,
}


def meaning(topic: str) -> tuple[Resource, News] | None:
    """The resource of a topic and what its body is, or None for topics that we have no use for.

    Coupons, `action.*` and names of later versions are of the last kind: kept, and nothing made of them. Our
    plugin's STATEMENTS speak of no resource.
    """
    return _MEANINGS.get(topic)


_MEANINGS: Mapping[str, tuple[Resource, News]] = {
    f"{noun}.{verb}": (resource, news)
    for noun, resource in _RESOURCES.items()
    for verb, news in _NEWS.items()
}
