"""The GraphQL documents, read once from their files, each with the fragments that it needs.

Each costs at most 1,000 points by the linear model (2 + first x node), the most that Shopify runs.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent / "graphql"


def _document(*names: str) -> str:
    return "\n".join((_FOLDER / f"{name}.graphql").read_text(encoding="utf-8") for name in names)


_ORDER = ("order_fields", "customer_fields", "line_fields", "parcel_fields")
_PRODUCT = ("product_fields", "variant_fields")

IDENTITY = _document("identity")

CUSTOMERS = _document("customers", "customer_fields")
CUSTOMERS_COUNT = _document("customers_count")
CUSTOMER = _document("customer", "customer_fields")

ORDERS = _document("orders", "order_parts", *_ORDER)
ORDERS_COUNT = _document("orders_count")
ORDER = _document("order", "order_parts", *_ORDER)
ORDER_OUTLINES = _document("order_outlines", "order_outline_fields")
SEVERAL_ORDERS = _document("several_orders", "order_parts", *_ORDER)
ORDER_LINES = _document("order_lines", "line_fields")
ORDER_REFUNDS = _document("order_refunds", "refund_fields")
SEVERAL_REFUNDS = _document("several_refunds", "refund_fields")
ORDER_PARCELS = _document("order_parcels", "parcel_fields")

CHECKOUTS = _document("checkouts", "checkout_fields")
CHECKOUTS_COUNT = _document("checkouts_count")
CHECKOUT = _document("checkout", "checkout_fields")

PRODUCTS = _document("products", "product_parts", *_PRODUCT)
PRODUCTS_COUNT = _document("products_count")
PRODUCT = _document("product", "product_parts", *_PRODUCT)
PRODUCT_VARIANTS = _document("product_variants", "variant_fields")

LOOK = _document(
    "look", "order_outline_fields", *_PRODUCT, "product_parts", "customer_fields", "checkout_fields"
)
LOOK_OFTEN = _document("look_often", "order_outline_fields", "checkout_fields")

VOUCHER_ADD = _document("voucher_add")
VOUCHER_BY_CODE = _document("voucher_by_code")
VOUCHER_CREATE = _document("voucher_create")
VOUCHER_CREATE_FREE_SHIPPING = _document("voucher_create_free_shipping")
VOUCHER_CREATION = _document("voucher_creation")
VOUCHER_CREATION_CODES = _document("voucher_creation_codes")

CONSENT_EMAIL = _document("consent_email")
CONSENT_SMS = _document("consent_sms")

TAGS_ADD = _document("tags_add")
TAGS_REMOVE = _document("tags_remove")

MARKETING_ACTIVITY = _document("marketing_activity")
MARKETING_ENGAGEMENT = _document("marketing_engagement")

SUBSCRIPTIONS = _document("subscriptions")

BULK_RUN = _document("bulk_run")
BULK_STATE = _document("bulk_state")
BULK_CUSTOMERS = _document("bulk_customers", "customer_fields")
BULK_ORDERS = _document("bulk_orders", *_ORDER)
BULK_PRODUCTS = _document("bulk_products", *_PRODUCT)
