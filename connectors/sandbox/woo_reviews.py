"""Product reviews over WooCommerce's REST API: a list that is empty, for nobody in this world writes any.

Source: arguments of WooCommerce 10.0's `/wc/v3/products/reviews` (November 2026).
"""

from connectors.sandbox.woo_rest import Call, Reply, choice, moment, paged

ORDERS = ("date", "date_gmt", "id", "include", "product")
STATUSES = ("all", "hold", "approved", "spam", "trash")


def list_reviews(call: Call) -> Reply:
    """GET /products/reviews."""
    choice(call.arguments, "status", STATUSES, "approved")
    choice(call.arguments, "orderby", ORDERS, "date_gmt")
    choice(call.arguments, "order", ("asc", "desc"), "desc")
    moment(call.arguments, "after")
    return paged(call, [], lambda number: {"id": number})
