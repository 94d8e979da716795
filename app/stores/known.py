"""A store by its number, or the one sentence that says that there is none."""

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models import Store


def known(session: Session, store_id: int) -> Store:
    """The store of this number.

    Raises:
        NotFound: there is none.
    """
    store = session.get(Store, store_id)
    if store is None:
        raise NotFound(f"there is no store {store_id}; `ritorno store list` shows them")
    return store
