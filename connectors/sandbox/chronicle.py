"""A fact as a line of the journal, with every value that a judge of the app's behaviour needs."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from connectors.sandbox.model import CURRENCY, WOOCOMMERCE, Product, Shopper
from connectors.sandbox.moments import rfc3339, seconds_of
from connectors.sandbox.script import Fact, Kind, Script

Line = dict[str, Any]


def describe(script: Script, fact: Fact) -> Line:
    """The journal line of a fact."""
    name, tell = _TELLERS[fact.kind]
    if fact.kind is Kind.FULFILLED and fact.platform == WOOCOMMERCE:
        name = "order.completed"
    return {"at": rfc3339(fact.at), "fact": name, "platform": fact.platform, **tell(script, fact.subject)}


def describe_start(script: Script) -> Line:
    """The first line of the journal: what the world holds and what of the data set was left out."""
    return {
        "at": rfc3339(script.span.start),
        "fact": "world.started",
        "end": rfc3339(script.span.end),
        "orders": len(script.book),
        "shoppers": len(script.shoppers),
        "products": len(script.products),
        "skipped_baskets": script.book.baskets.skipped,
    }


def describe_redemption(platform: str, basket: int, code: str, at: int) -> Line:
    """The line of a code that an order carries."""
    return {
        "at": rfc3339(at),
        "fact": "voucher.redeemed",
        "platform": platform,
        "basket": basket,
        "code": code,
    }


def _product(script: Script, product_id: int) -> Line:
    product: Product = script.products[product_id]
    return {
        "product_id": product_id,
        "title": product.title,
        "department": product.department,
        "category": product.category,
        "price_minor": product.price_minor,
        "cross_sell_ids": product.cross_sell_ids,
    }


def _shopper(script: Script, household: int) -> Line:
    shopper: Shopper = script.shoppers[household]
    values = {name: _plain(value) for name, value in asdict(shopper).items() if name != "platform"}
    return values | {"customer_id": None if shopper.is_guest else household}


def _plain(value: object) -> object:
    return rfc3339(seconds_of(value)) if isinstance(value, datetime) else value


def _checkout(script: Script, number: int) -> Line:
    begun = script.checkouts[number]
    return {
        "number": number,
        **_order_moment(script, begun.order),
        "email": script.shoppers[script.book.baskets.household[begun.order]].email,
        "completed_at": rfc3339(begun.completed) if begun.completed else None,
    }


def _household(script: Script, household: int) -> Line:
    shopper = script.shoppers[household]
    return {"household": household, "email": shopper.email, "level": shopper.email_consent_level}


def _order(script: Script, index: int) -> Line:
    book, baskets = script.book, script.book.baskets
    return {
        "basket": baskets.basket[index],
        "household": baskets.household[index],
        "total_minor": book.total_minor(index),
        "discount_minor": book.discount_minor(index),
        "currency": CURRENCY,
        "lines": [
            {
                "product_id": baskets.product[line],
                "quantity": baskets.quantity[line],
                "total_minor": baskets.total_minor[line],
            }
            for line in book.lines_of(index)
        ],
    }


def _order_moment(script: Script, index: int) -> Line:
    baskets = script.book.baskets
    return {
        "basket": baskets.basket[index],
        "household": baskets.household[index],
        "total_minor": script.book.total_minor(index),
    }


def _money_back(script: Script, index: int) -> Line:
    return {
        **_order_moment(script, index),
        "refunded_minor": script.book.refunded_minor(index),
        "line_numbers": script.book.refunded_lines.get(index, ()),
    }


_TELLERS: Mapping[Kind, tuple[str, Callable[[Script, int], Line]]] = {
    Kind.PRODUCT: ("product.created", _product),
    Kind.REGISTERED: ("shopper.registered", _shopper),
    Kind.EMAIL_CONSENT: ("shopper.email_consent", _household),
    Kind.SMS_CONSENT: ("shopper.sms_consent", _household),
    Kind.WITHDRAWN: ("shopper.email_withdrawn", _household),
    Kind.PAYING: ("shopper.paying", _household),
    Kind.CHECKOUT: ("checkout.started", _checkout),
    Kind.PLACED: ("order.placed", _order),
    Kind.PAID: ("order.paid", _order_moment),
    Kind.FULFILLED: ("order.fulfilled", _order_moment),
    Kind.DELIVERED: ("order.delivered", _order_moment),
    Kind.CANCELLED: ("order.cancelled", _money_back),
    Kind.REFUNDED: ("order.refunded", _money_back),
}
