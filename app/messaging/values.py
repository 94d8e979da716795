"""What the templates see of one message: plain mappings, lists and texts, nothing secret."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import money
from app.db import Among, table_of
from app.messaging import formats
from app.messaging.editions import Editions
from app.messaging.facts import Loaded
from app.models import Product

PRODUCTS = table_of(Product)
_READ = ("external_id", "title", "price_minor", "currency", "url", "image_url")
_SPOKEN_OF = select(*(PRODUCTS.c[name] for name in _READ)).where(
    PRODUCTS.c.store_id == bindparam("store"), Among(PRODUCTS.c.external_id, "products")
)


@dataclass(frozen=True, slots=True)
class Goods:
    """What the messages of a batch share.

    Attributes:
        products: the rows that they speak of, by external id.
        quotes: the shop's praise by language.
        editions: the merchant's own texts.
    """

    products: Mapping[str, Any] = field(default_factory=dict)
    quotes: Mapping[str, str] = field(default_factory=dict)
    editions: Editions = field(default_factory=dict)


def products_of(
    session: Session, store_id: int, rows: Iterable[Any], baskets: Iterable[Any] = ()
) -> dict[str, Any]:
    """The product rows that the messages and the baskets they are about speak of, by external id."""
    others = {line["product_external_id"] for basket in baskets for line in basket.lines} - {None}
    ids = sorted({item["external_id"] for row in rows for item in row.context.get("products", ())} | others)
    found: dict[str, Any] = {}
    for start in range(0, len(ids), 400):
        asked = {"store": store_id, "products": ids[start : start + 400]}
        found |= {row.external_id: row for row in session.execute(_SPOKEN_OF, asked).all()}
    return found


def values_of(
    loaded: Loaded, row: Any, goods: Goods, *, language: str, zone: Any, rating_url: str | None = None
) -> dict[str, object]:
    """The variables of one message (see `variables.FIELDS`); what is unknown is missing.

    Args:
        rating_url: the page where what the message asks about is rated; None if it asks nothing.
    """
    customer = loaded.customers[row.customer_id]
    values: dict[str, object] = {
        "customer": _known(first_name=customer.first_name, last_name=customer.last_name, city=customer.city),
        "store": _known(**loaded.terms_for(row.channel).texts, testimonial=goods.quotes.get(language)),
    }
    order = loaded.orders.get(row.context.get("order", ""))
    if order is not None:
        placed_on = order.placed_at.astimezone(zone).date().isoformat()
        values["order"] = {"number": order.number, "placed_on": placed_on}
    items: Sequence[Mapping[str, Any]] = row.context.get("products", ())
    if items:
        shown = [_product(item, goods.products.get(item["external_id"]), language) for item in items]
        values["products"] = shown
        for number, one in enumerate(shown if rating_url else (), start=1):
            one["review_url"] = f"{rating_url}?product={number}"
    if rating_url:
        values["review"] = {"url": rating_url}
    basket = loaded.baskets.get(row.context.get("checkout", ""))
    if basket is not None:
        values |= _basket(basket, goods.products, language)
    return values | _voucher(loaded, row, language, zone)


def _voucher(loaded: Loaded, row: Any, language: str, zone: Any) -> dict[str, object]:
    """The code that the message brings, once it exists in the shop."""
    terms = row.context.get("voucher")
    voucher = loaded.vouchers.get((row.enrollment_id, terms["name"])) if terms else None
    if voucher is None or voucher.minted_at is None:
        return {}
    worth = formats.discount(voucher.kind, voucher.value, loaded.store.currency, language)
    ends_on = voucher.expires_at.astimezone(zone).isoformat()
    return {"voucher": {"code": voucher.code, "value_text": worth, "ends_on": ends_on}}


_QUANTITY = {"it": "Quantità {} · {}", "en": "Quantity {} · {}"}


def _basket(basket: Any, goods: Mapping[str, Any], language: str) -> dict[str, object]:
    """What somebody left at the till, as the shop priced it, and the way back to it."""
    items = [_line(line, basket.currency, goods, language) for line in basket.lines]
    total = money.shown(basket.total_minor, basket.currency, language)
    return {"products": items, "basket": _known(total_text=total, url=basket.recovery_url)}


def _line(
    line: Mapping[str, Any], currency: str, goods: Mapping[str, Any], language: str
) -> dict[str, object]:
    product = goods.get(line["product_external_id"])
    price = money.shown(line["total_minor"], currency, language)
    if line["quantity"] > 1:
        price = _QUANTITY[language].format(line["quantity"], price)
    shown = _known(url=product.url, image_url=product.image_url) if product is not None else {}
    return {**shown, "title": line["title"] or "–", "price_text": price}


_WHY = {
    "it": {
        "merchant": "Scelto per chi ha comprato {with}",
        "co-purchase": "In {together} ordini su {of} insieme a {with}",
    },
    "en": {
        "merchant": "Chosen for buyers of {with}",
        "co-purchase": "In {together} of {of} orders with {with}",
    },
}


def _product(item: Mapping[str, Any], product: Any, language: str) -> dict[str, object]:
    shown: dict[str, object] = {"title": product.title if product is not None else item.get("title", "")}
    if product is not None:
        shown["price_text"] = money.shown(product.price_minor, product.currency, language)
        shown |= _known(url=product.url, image_url=product.image_url)
    why = _WHY[language].get(item.get("why", ""))
    if why is not None:
        shown["reason"] = why.format_map(item)
    return shown


def _known(**values: Any) -> dict[str, object]:
    return {name: value for name, value in values.items() if value}
