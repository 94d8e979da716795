"""What the WooCommerce store says about itself: index, system status, general settings, order statuses."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connectors.sandbox.forms import STORE_ZONE
from connectors.sandbox.model import CURRENCY, TIMEZONE, WOO_HOME, WorldView
from connectors.sandbox.woo_rest import Call, Reply, WooError
from connectors.sandbox.woo_traits import HPOS, Traits, traits

STORE_NAME = "Sandbox Bottega"
NAMESPACES = ("oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wc-analytics", "wc/store", "wc/store/v1", "wp/v2")
STATUSES = (
    ("pending", "Pending payment"),
    ("processing", "Processing"),
    ("on-hold", "On hold"),
    ("completed", "Completed"),
    ("cancelled", "Cancelled"),
    ("refunded", "Refunded"),
    ("failed", "Failed"),
    ("checkout-draft", "Draft"),
)
SETTINGS = (
    ("woocommerce_store_address", "Address line 1", "text", "", "Via Garibaldi 10"),
    ("woocommerce_store_city", "City", "text", "", "Torino"),
    ("woocommerce_default_country", "Country / State", "select", "US:CA", "IT:TO"),
    ("woocommerce_store_postcode", "Postcode / ZIP", "text", "", "10122"),
    ("woocommerce_allowed_countries", "Selling location(s)", "select", "all", "all"),
    ("woocommerce_calc_taxes", "Enable taxes", "checkbox", "no", "no"),
    ("woocommerce_enable_coupons", "Enable coupons", "checkbox", "yes", "yes"),
    ("woocommerce_currency", "Currency", "select", "USD", CURRENCY),
    ("woocommerce_currency_pos", "Currency position", "select", "left", "left"),
    ("woocommerce_price_thousand_sep", "Thousand separator", "text", ",", ","),
    ("woocommerce_price_decimal_sep", "Decimal separator", "text", ".", "."),
    ("woocommerce_price_num_decimals", "Number of decimals", "number", "2", "2"),
)
ENVIRONMENT = {
    "store_id": str(uuid5(NAMESPACE_URL, WOO_HOME)),
    "wp_version": "7.0.4",
    "wp_multisite": False,
    "wp_debug_mode": False,
    "wp_cron": True,
    "language": "it_IT",
    "server_info": "nginx/1.22.1",
    "php_version": "8.2.36",
    "default_timezone": "UTC",
}
STATUS_SETTINGS = {
    "api_enabled": False,
    "force_ssl": False,
    "currency": CURRENCY,
    "currency_symbol": "&#36;",
    "currency_position": "left",
    "thousand_separator": ",",
    "decimal_separator": ".",
    "number_of_decimals": 2,
    "HPOS_sync_enabled": False,
}


def index(world: WorldView) -> dict[str, Any]:
    """GET /wp-json/: open to all."""
    store = traits(world)
    offset = world.now.astimezone(STORE_ZONE).utcoffset()
    return {
        "name": STORE_NAME,
        "description": "",
        "url": store.site or store.home,
        "home": store.home,
        "gmt_offset": str(int(offset.total_seconds() // 3600)) if offset else "0",
        "timezone_string": TIMEZONE,
        "page_for_posts": 0,
        "page_on_front": 0,
        "show_on_front": "posts",
        "namespaces": list(NAMESPACES),
        "authentication": [],
        "routes": {},
        "site_logo": 0,
        "site_icon": 0,
        "site_icon_url": "",
        "_links": {"help": [{"href": "https://developer.wordpress.org/rest-api/"}]},
    }


def system_status(call: Call) -> Reply:
    """GET /system_status."""
    store = traits(call.world)
    version = store.version
    plugin = {"plugin": "woocommerce/woocommerce.php", "name": "WooCommerce", "version": version}
    body = {
        "environment": _environment(store),
        "database": {"wc_database_version": version, "database_prefix": "wp_"},
        "active_plugins": [{**plugin, "version_latest": version, "network_activated": False}],
        "inactive_plugins": [],
        "dropins_mu_plugins": {"dropins": [], "mu_plugins": []},
        "theme": {"name": "Storefront", "version": "4.6.1"},
        "settings": {**STATUS_SETTINGS, "HPOS_enabled": store.storage == HPOS},
        "security": {"secure_connection": False, "hide_errors": True},
        "pages": [],
        "post_type_counts": [],
        "logging": {"logging_enabled": True},
    }
    return Reply(body)


def general_settings(call: Call) -> Reply:
    """GET /settings/general."""
    return Reply([_setting(call.world, setting) for setting in SETTINGS])


def general_setting(call: Call) -> Reply:
    """GET /settings/general/<id>."""
    name = call.path.rpartition("/")[2]
    for setting in SETTINGS:
        if setting[0] == name:
            return Reply(_setting(call.world, setting))
    raise WooError("rest_setting_setting_invalid", "Invalid setting.", 404)


def order_statuses(_call: Call) -> Reply:
    """GET /orders/statuses."""
    return Reply([{"slug": slug, "name": name} for slug, name in STATUSES])


def current_currency(call: Call) -> Reply:
    """GET /data/currencies/current."""
    base = f"{traits(call.world).home}/wp-json/wc/v3/data/currencies"
    own = [{"href": f"{base}/{CURRENCY}", "targetHints": {"allow": ["GET"]}}]
    currency_links = {"self": own, "collection": [{"href": base}]}
    body = {
        "code": CURRENCY,
        "name": "United States (US) dollar",
        "symbol": "&#36;",
        "_links": currency_links,
    }
    return Reply(body)


def _environment(store: Traits) -> dict[str, Any]:
    urls = {"home_url": store.home, "site_url": store.site or store.home}
    return {**urls, **ENVIRONMENT, "version": store.version}


def _setting(world: WorldView, setting: tuple[str, str, str, str, str]) -> dict[str, Any]:
    name, label, kind, default, value = setting
    base = f"{traits(world).home}/wp-json/wc/v3/settings/general"
    allowed = {"allow": ["GET", "POST", "PUT", "PATCH"]}
    return {
        "id": name,
        "label": label,
        "description": "",
        "type": kind,
        "default": default,
        "tip": "",
        "value": value,
        "_links": {
            "self": [{"href": f"{base}/{name}", "targetHints": allowed}],
            "collection": [{"href": base}],
        },
    }
