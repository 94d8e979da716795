"""Which stores want a consent to mails confirmed by a mail, and from when on."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from app.models import Store
from app.stores import settings


def wanted_since(session: Session, store_ids: Collection[int]) -> dict[int, datetime]:
    """Of these stores those with double opt-in, each with the moment from which on a yes is new to us.

    What people said before the store was ours is mirrored as it stands: nobody is asked about years ago.
    """
    stores = [session.get_one(Store, store_id) for store_id in sorted(store_ids)]
    return {
        store.id: store.installed_at for store in stores if settings.is_on(store, "consent.double_opt_in")
    }
