"""WooCommerce: install, webhooks, REST v3 and records."""
