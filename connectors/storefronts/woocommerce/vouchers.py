"""A voucher as a WooCommerce coupon: one use, one shopper, one expiry."""

from zoneinfo import ZoneInfo

from connectors.base import ConnectorError, JsonObject
from connectors.writing import VoucherSpec

# Source: facts of two measured stores, section 4 (coupons).
CODE_EXISTS = "woocommerce_rest_coupon_code_already_exists"

_DISCOUNT_TYPES = {"percentage": "percent", "amount": "fixed_cart", "free_shipping": "fixed_cart"}


def coupon_code(code: str) -> str:
    """The code as the store keeps it: it lower-cases every code."""
    return code.strip().lower()


def coupon(spec: VoucherSpec, *, timezone: str, currency: str) -> JsonObject:
    """The body that makes a voucher's coupon.

    WooCommerce has no start of validity, and reads `date_expires` as the store's own time.

    Args:
        timezone: the store's IANA zone.
        currency: the store's, or "" where it is not known.

    Raises:
        ConnectorError: permanent; a kind or product that a coupon cannot express, or an amount in
            another currency, which the store would take for its own.
    """
    if spec.kind not in _DISCOUNT_TYPES:
        raise ConnectorError(f"WooCommerce has no voucher of kind {spec.kind}", permanent=True)
    if spec.kind == "amount" and currency and spec.currency != currency:
        raise ConnectorError("the voucher's currency is not the store's", permanent=True)
    if not all(product.isascii() and product.isdigit() for product in spec.product_external_ids):
        raise ConnectorError("a voucher's product is not one of this store", permanent=True)
    is_free_shipping = spec.kind == "free_shipping"
    return {
        "code": coupon_code(spec.code),
        "description": spec.title,
        "discount_type": _DISCOUNT_TYPES[spec.kind],
        "amount": "0" if is_free_shipping else spec.value,
        "free_shipping": is_free_shipping,
        "individual_use": True,
        "usage_limit": 1,
        "usage_limit_per_user": 1,
        "product_ids": [int(product) for product in spec.product_external_ids],
        "date_expires": spec.expires_at.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%dT%H:%M:%S"),
    }
