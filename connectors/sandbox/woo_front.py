"""What stands before WooCommerce: the web server's redirect and 404, WordPress' theme, a hidden index.

Source: behaviours measured on WooCommerce 10.0 and 10.5 (November 2026), plain permalinks among them: there
is no `/wp-json/`, and `?rest_route=` answers but looks at no key.
"""

from urllib.parse import urlsplit

from flask import Response

from connectors.sandbox.woo_rest import WooError
from connectors.sandbox.woo_traits import PLAIN, Traits

_NOT_FOUND = "<!DOCTYPE html><title>Page not found</title><h1>Oops! That page can\u2019t be found.</h1>"
_MOVED = "<!DOCTYPE html><title>301 Moved Permanently</title><h1>Moved Permanently</h1>"
_REWRITTEN = ("/wp-json", "/wc-auth", "/checkout", "/product")


def answer(store: Traits, host: str, path: str) -> Response | None:
    """The answer that never comes to WordPress' API, if this request gets one.

    Args:
        host: as the caller wrote it.
        path: below the store's home, with its query.
    """
    if store.redirects and host != urlsplit(store.home).netloc:
        return Response(_MOVED, 301, {"Location": f"{store.home}{path}"}, mimetype="text/html")
    if store.permalinks == PLAIN and path.startswith(_REWRITTEN):
        return not_found()
    return None


def page(store: Traits) -> Response:
    """The shop's start page."""
    body = f"<!DOCTYPE html><title>Shop</title><a href='{store.home}/'>Shop</a>"
    return Response(body, mimetype="text/html")


def is_wordpress(store: Traits, path: str) -> bool:
    """Whether WordPress' own files lie there: they answer `?rest_route=` as the home does."""
    return bool(store.site) and f"{store.home}/{path}".rstrip("/") == store.site


def not_found() -> Response:
    """The theme's page for what does not exist."""
    return Response(_NOT_FOUND, 404, mimetype="text/html")


def no_route() -> WooError:
    """WordPress knows no such route."""
    message = "No route was found matching the URL and request method."
    return WooError("rest_no_route", message, 404)


def hidden_index() -> WooError:
    """A plugin shows the index to nobody who is not logged in."""
    message = "You must be logged in to access the REST API."
    return WooError("rest_login_required", message, 401)


def refuse_route(route: str) -> WooError:
    """The answer to `?rest_route=`: WooCommerce looks for its keys in calls below `/wp-json/` only."""
    if not route.startswith("/wc/v3/"):
        return hidden_index() if route == "/" else no_route()
    return WooError("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", 401)
