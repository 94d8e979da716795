"""WooCommerce's coupons: minted by the app, kept in lower case, used by orders.

Source: coupons created, listed and redeemed on WooCommerce 10.0 (captures of November 2026).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox.forms import STORE_ZONE, gmt_time, local_time
from connectors.sandbox.model import WOOCOMMERCE, Voucher, WorldView
from connectors.sandbox.woo_orders import links
from connectors.sandbox.woo_rest import Call, Reply, WooError, bad_parameter, moment, numbers, paged
from connectors.sandbox.written import Fact, written

KINDS = {"percent": "percent", "fixed_cart": "amount", "fixed_product": "amount"}
SETTINGS: Mapping[str, Any] = {
    "description": "",
    "individual_use": False,
    "product_ids": [],
    "excluded_product_ids": [],
    "usage_limit": None,
    "usage_limit_per_user": None,
    "limit_usage_to_x_items": None,
    "free_shipping": False,
    "product_categories": [],
    "excluded_product_categories": [],
    "exclude_sale_items": False,
    "minimum_amount": "0.00",
    "maximum_amount": "0.00",
    "email_restrictions": [],
    "meta_data": [],
}
PUBLISHED, TRASH, DELETED = "publish", "trash", "deleted"


def list_coupons(call: Call) -> Reply:
    """GET /coupons, newest first; `code=` finds one."""
    facts = [fact for fact in _index(call.world).latest() if fact["status"] == PUBLISHED]
    code = call.arguments.get("code", "").strip().lower()
    after = moment(call.arguments, "modified_after")
    wanted = numbers(call.arguments, "include")
    found = [
        int(str(fact["external_id"]))
        for fact in reversed(facts)
        if (not code or fact["code"] == code)
        and (after is None or _changed_at(fact) > after)
        and (not wanted or fact["external_id"] in wanted)
    ]
    return paged(call, found, lambda number: coupon_body(call.world, number))


def get_coupon(call: Call) -> Reply:
    """GET /coupons/<id>."""
    return Reply(coupon_body(call.world, call.number))


def create_coupon(call: Call) -> Reply:
    """POST /coupons."""
    return Reply(_create(call.world, call.sent), 201)


def change_coupon(call: Call) -> Reply:
    """PUT /coupons/<id>: settings, type, amount; the code and its expiry stay as they were minted."""
    return Reply(_change(call.world, call.number, call.sent))


def delete_coupon(call: Call) -> Reply:
    """DELETE /coupons/<id>."""
    return Reply(_delete(call.world, call.number))


def batch_coupons(call: Call) -> Reply:
    """POST /coupons/batch: HTTP 200 with an `error` in each item that failed."""
    world, sent = call.world, call.sent
    creates, updates, deletes = (_items(sent, name) for name in ("create", "update", "delete"))
    if len(creates) + len(updates) + len(deletes) > 100:
        message = "Unable to accept more than 100 items for this request."
        raise WooError("woocommerce_rest_request_entity_too_large", message, 413)
    body: dict[str, Any] = {}
    if creates:
        body["create"] = [_tried(lambda item=item: _create(world, item), 0) for item in creates]
    if updates:
        body["update"] = [
            _tried(lambda item=item: _change(world, item["id"], item), item.get("id", 0)) for item in updates
        ]
    if deletes:
        body["delete"] = [_tried(lambda number=number: _delete(world, number), number) for number in deletes]
    return Reply(body)


def coupon_body(world: WorldView, number: int) -> dict[str, Any]:
    """A coupon as of now.

    Raises:
        WooError: 404, no such coupon.
    """
    fact = _fact(world, number)
    voucher = world.voucher(WOOCOMMERCE, str(fact["code"]))
    created, changed = datetime.fromisoformat(str(fact["created_at"])), _changed_at(fact)
    expires_at = voucher.expires_at if voucher else None
    settings = fact["settings"] if isinstance(fact["settings"], Mapping) else {}
    users = _used_by(world, voucher)
    return {
        "id": number,
        "code": fact["code"],
        "amount": fact["amount"],
        "status": fact["status"],
        "date_created": local_time(created),
        "date_created_gmt": gmt_time(created),
        "date_modified": local_time(changed),
        "date_modified_gmt": gmt_time(changed),
        "discount_type": fact["discount_type"],
        "date_expires": local_time(expires_at),
        "date_expires_gmt": gmt_time(expires_at),
        "usage_count": len(users),
        **{name: settings.get(name, default) for name, default in SETTINGS.items()},
        "used_by": users,
        "_links": links(world, "coupons", number),
    }


def remove_coupon(world: WorldView, number: int, *, is_forced: bool) -> None:
    """Put a coupon into the trash, or delete it for good.

    Raises:
        WooError: 404, no such coupon.
    """
    world.remember("woo_coupon", {**_fact(world, number), "status": DELETED if is_forced else TRASH})


def _create(world: WorldView, sent: Mapping[str, Any]) -> dict[str, Any]:
    if "code" not in sent:
        extra = {"params": ["code"]}
        raise WooError("rest_missing_callback_param", "Missing parameter(s): code", 400, extra)
    code = str(sent["code"]).strip().lower()
    if not code:
        raise WooError("woocommerce_rest_empty_coupon_code", "The coupon code cannot be empty.", 400)
    if world.voucher(WOOCOMMERCE, code) is not None:
        message = "The coupon code already exists"
        raise WooError("woocommerce_rest_coupon_code_already_exists", message, 400)
    discount_type = _discount_type(sent, "fixed_cart")
    amount = _amount(sent, "0.00", discount_type)
    voucher = world.mint(
        Voucher(
            platform=WOOCOMMERCE,
            external_id=0,
            code=code,
            kind=KINDS[discount_type],
            value=format(Decimal(amount).normalize(), "f") if discount_type == "percent" else amount,
            starts_at=None,
            expires_at=_expiry(sent),
            title=str(sent.get("description", "")),
        )
    )
    now = world.now.isoformat()
    fact = {
        "external_id": voucher.external_id,
        "code": code,
        "discount_type": discount_type,
        "amount": amount,
        "settings": _settings(sent),
        "status": PUBLISHED,
        "created_at": now,
        "changed_at": now,
    }
    world.remember("woo_coupon", fact)
    return coupon_body(world, voucher.external_id)


def _change(world: WorldView, number: int, sent: Mapping[str, Any]) -> dict[str, Any]:
    fact = _fact(world, number)
    discount_type = _discount_type(sent, str(fact["discount_type"]))
    settings = fact["settings"] if isinstance(fact["settings"], Mapping) else {}
    changed = {
        **fact,
        "discount_type": discount_type,
        "amount": _amount(sent, str(fact["amount"]), discount_type),
        "settings": {**settings, **_settings(sent)},
        "changed_at": world.now.isoformat(),
    }
    world.remember("woo_coupon", changed)
    return coupon_body(world, number)


def _delete(world: WorldView, number: int) -> dict[str, Any]:
    body = coupon_body(world, number)
    remove_coupon(world, number, is_forced=True)
    return body


def _index(world: WorldView) -> Any:
    return written(world, "woo_coupon", "external_id")


def _fact(world: WorldView, number: int) -> Fact:
    fact: Fact | None = _index(world).last_of(number)
    if fact is None or fact["status"] == DELETED:
        raise WooError("woocommerce_rest_shop_coupon_invalid_id", "Invalid ID.", 404)
    return fact


def _changed_at(fact: Fact) -> datetime:
    return datetime.fromisoformat(str(fact["changed_at"]))


def _settings(sent: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: sent[name] for name in SETTINGS if name in sent}
    for name in ("minimum_amount", "maximum_amount"):
        if name in settings:
            settings[name] = _decimal(name, settings[name])
    return settings


def _discount_type(sent: Mapping[str, Any], default: str) -> str:
    word = str(sent.get("discount_type", default))
    if word not in KINDS:
        message = "discount_type is not one of percent, fixed_cart, and fixed_product."
        raise bad_parameter("discount_type", message, "rest_not_in_enum")
    return word


def _amount(sent: Mapping[str, Any], default: str, discount_type: str) -> str:
    amount = _decimal("amount", sent.get("amount", default))
    if Decimal(amount) < 0 or (discount_type == "percent" and Decimal(amount) > 100):
        raise WooError("coupon_invalid_amount", "Invalid discount amount.", 400)
    return amount


def _decimal(name: str, value: object) -> str:
    try:
        return format(Decimal(str(value)).quantize(Decimal("0.01")), "f")
    except InvalidOperation as error:
        raise bad_parameter(name, f"{name} is not of type string.", "rest_invalid_type") from error


def _expiry(sent: Mapping[str, Any]) -> datetime | None:
    for name, zone in (("date_expires_gmt", UTC), ("date_expires", STORE_ZONE)):
        text = sent.get(name)
        if not text:
            continue
        try:
            parsed = datetime.fromisoformat(str(text))
        except ValueError as error:
            raise bad_parameter(name, "Invalid date.", "rest_invalid_date") from error
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)
    return None


def _used_by(world: WorldView, voucher: Voucher | None) -> list[str]:
    if voucher is None or voucher.redeemed_by_order is None:
        return []
    order = world.order(voucher.redeemed_by_order)
    shopper = world.shopper(order.household) if order else None
    if shopper is None:
        return []
    return [shopper.email if shopper.is_guest else str(shopper.household)]


def _items(sent: Mapping[str, Any], name: str) -> Sequence[Any]:
    items = sent.get(name, ())
    return items if isinstance(items, list) else ()


def _tried(action: Any, number: int) -> dict[str, Any]:
    try:
        result: dict[str, Any] = action()
    except WooError as error:
        return {"id": number, "error": error.body()}
    return result
