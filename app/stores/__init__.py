"""The installed shops: handshakes, credentials, settings, and the way out to each storefront."""
