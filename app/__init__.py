"""Ritorno: what a shop's customers hear, when and why."""
