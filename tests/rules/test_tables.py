"""Every row belongs to a store: `store_id` leads every unique key and every index of a tenant's table."""

from collections.abc import Iterator

from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from app import models
from app.db import table_of

TABLES = tuple(table_of(getattr(models, name)) for name in models.__all__)

OF_NO_STORE = {
    "heartbeats": "since when our own ears are open",
    "install_attempts": "an install under way; the store does not exist yet",
    "machine_starts": "the machine's, whoever's rows its file holds",
    "restores": "a backup holds all stores, and is put back for all of them",
    "members": "a person, who may be in several stores",
    "member_letters": "mails to members",
    "member_sessions": "a member signs in to all of their stores at once",
    "recovery_codes": "of a member's login",
    "job_runs": "the ledger of the calendar, one for all",
    "scheduled_jobs": "what the screens show of the schedule",
    "sign_in_attempts": "tries of nobody yet",
    "sign_in_links": "a member signs in to the whole house",
    "stores": "the tenants themselves",
}
LED_BY_SOMETHING_ELSE = {
    "uq_api_keys_key_hash": "a request is known by its key before its store is",
    "ix_chores_next": "the stores whose turn it is to be looked after, for fairness",
    "ix_inbound_events_subject": "whether another shop brought the same first (jobs/strangers.py)",
    "ix_memberships_member": "who signs in is known before their stores are",
    "ix_reconciliations_next": "the stores whose turn it is to be asked again, for fairness",
    "ix_rehearsals_waiting": "the dry runs that wait, the longest waiting first",
    "ix_set_asides_next": "what is to be tried again, whosever it is",
    "ix_timer_cursors_next": "the stores in the order in which they have something due, for fairness",
}


def test_every_table_belongs_to_a_store_or_says_why_not() -> None:
    without = {table.name for table in TABLES if "store_id" not in table.c}

    assert without == OF_NO_STORE.keys()


def test_the_store_leads_every_key_of_a_tenants_table() -> None:
    led_otherwise = {
        name
        for table in TABLES
        if "store_id" in table.c
        for name, first in _keys(table)
        if first != "store_id"
    }

    assert led_otherwise == LED_BY_SOMETHING_ELSE.keys()


def test_every_name_fits_into_postgresql() -> None:
    names = [name for table in TABLES for name in (table.name, *(key for key, _ in _keys(table)))]

    assert [name for name in names if len(name) > 63] == []


def _keys(table: Table) -> Iterator[tuple[str, str]]:
    """Name and first column of each key and index; an id by itself is unique over all stores."""
    kinds = (PrimaryKeyConstraint, UniqueConstraint)
    keys = [found for found in table.constraints if isinstance(found, kinds)]
    for found in (*keys, *table.indexes):
        names = [column.name for column in found.columns]
        if names != ["id"]:
            yield str(found.name), names[0]
