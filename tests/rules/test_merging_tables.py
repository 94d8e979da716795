"""Every table that names a customer is moved by a merge, or says why it is not."""

from app.consent import LEDGER, STATES
from app.db import Base
from app.merging import journeys, moving
from app.messaging import preferences

MOVED_BY_THEMSELVES = {
    LEDGER.name: "the same statement may stand there for both",
    STATES.name: "of two states the strictest holds",
    preferences.PREFERENCES.name: "of two wishes the stricter holds",
    journeys.ENROLLMENTS.name: "the same occasion may stand there for both",
    journeys.MESSAGES.name: "the key names the customer",
}
"""Beside `moving.MOVED`: what the modules of their own see to."""


def test_every_table_with_a_customer_is_moved_by_a_merge() -> None:
    naming = {table.name for table in Base.metadata.tables.values() if "customer_id" in table.c}
    moved = {table.name for table in (*moving.MOVED, *moving.DROPPED)}

    assert naming - moved - MOVED_BY_THEMSELVES.keys() == set()
    assert moved | MOVED_BY_THEMSELVES.keys() == naming


def test_a_customer_is_named_by_no_other_column() -> None:
    """A column such as `referred_by` would need a decision, too."""
    known = {"customer_id", "merged_customer_id"}
    found = {
        column.name
        for table in Base.metadata.tables.values()
        for column in table.c
        if "customer" in column.name and str(column.type) in {"BIGINT", "INTEGER"}
    }

    assert found == known
