"""Shopify: install, webhooks, Admin GraphQL and records."""
