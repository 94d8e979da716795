"""The words for platforms and for the states of a store."""

SHOPIFY = "shopify"
WOOCOMMERCE = "woocommerce"
PLATFORMS = (SHOPIFY, WOOCOMMERCE)

CONNECTED = "connected"
NEEDS_RECONNECT = "needs_reconnect"
UNINSTALLED = "uninstalled"
