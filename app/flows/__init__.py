"""Flows: triggers and steps as data, people on their way through them."""
