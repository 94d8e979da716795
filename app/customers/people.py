"""Whom the news of a batch are about: the living by their rows, the erased by their tombstones."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app.customers.rows import identity_of, normalise_email
from app.tombstones import Tombstone
from connectors.base import CustomerRecord


class Telling(NamedTuple):
    """News of a person; `at` is when they did what it tells of (placed the order), if that is known."""

    record: CustomerRecord
    at: datetime | None = None


class Person(NamedTuple):
    """A mirrored customer, as the mirror's later steps need it.

    `is_by_former_id`: the news name an id that was merged into this person's since.
    """

    id: int
    email: str | None
    external_id: str | None
    is_erased: bool = False
    is_by_former_id: bool = False


class People:
    """The people of a batch.

    Args:
        living: the rows by identity.
        stones: the erased by identity.
    """

    def __init__(self, living: Mapping[str, Person | None], stones: Mapping[str, Tombstone]) -> None:
        self._living = living
        self._stones = stones

    @property
    def has_erased(self) -> bool:
        """Whether the batch speaks of anybody who was erased."""
        return bool(self._stones)

    def living_ids(self) -> set[int]:
        """The rows of everybody in the batch who was not erased."""
        return {person.id for person in self._living.values() if person is not None and not person.is_erased}

    def of(self, record: CustomerRecord, at: datetime | None = None) -> Person | None:
        """Whom the news are about; None for somebody without id and e-mail, or erased before we knew them."""
        identity = identity_of(record)
        if identity is None:
            return None
        stone = self._stone(identity, record, at)
        if stone is None:
            return self._living.get(identity)
        if stone.customer_id is None:
            return None
        return Person(stone.customer_id, None, None, is_erased=True)

    def is_erased(self, record: CustomerRecord, at: datetime | None = None) -> bool:
        """Whether the news are about somebody who was erased."""
        identity = identity_of(record)
        return identity is not None and self._stone(identity, record, at) is not None

    def _stone(self, identity: str, record: CustomerRecord, at: datetime | None) -> Tombstone | None:
        """The tombstone that the news fall under.

        A platform's id is erased for good. An e-mail is for what was done up to the erasure only: who
        orders or registers with it later is somebody new.
        """
        stone = self._stones.get(identity)
        if identity.startswith("id:"):
            if stone is not None or identity in self._living:
                return stone
            stone = self._stones.get(f"email:{normalise_email(record.email)}")
            began_at = record.created_at or at
            return stone if stone is not None and began_at and began_at <= stone.erased_at else None
        began_at = at or record.updated_at
        return stone if stone is not None and (began_at is None or began_at <= stone.erased_at) else None
