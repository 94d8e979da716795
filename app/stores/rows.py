"""A store's row, as every job begins with it."""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.models import Store

_BY_ID = select(Store).where(Store.id == bindparam("id"))


def find(session: Session, store_id: int) -> Store | None:
    """The store, None where there is none.

    The statement is built once: `Session.get` builds its own at each call, which doubles what this costs.
    """
    return session.execute(_BY_ID, {"id": store_id}).scalar_one_or_none()


def need(session: Session, store_id: int) -> Store:
    """The store of a row that names it.

    Raises:
        NoResultFound: there is none.
    """
    return session.execute(_BY_ID, {"id": store_id}).scalar_one()
