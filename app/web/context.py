"""What every view reaches for: the runtime, the chosen store, rows of one store only."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app, g
from flask import session as cookie
from sqlalchemy import BindParameter, Select, bindparam, func, select
from sqlalchemy.orm import Session
from structlog.contextvars import bind_contextvars

from app import clock
from app.customers import aliases
from app.db import Base, Database, narrow
from app.errors import AppError, Busy, NotFound
from app.members import roles, sessions
from app.members.sessions import Reader
from app.models import Customer, Store
from app.runtime import Runtime

EXTENSION = "ritorno"
LARGEST_ID = 2**63 - 1
SESSION = "session"
"""Where the cookie holds the token of a session; the database knows only its hash."""
_CHOSEN = "store"
Model = TypeVar("Model", bound=Base)


class NoStoreYet(AppError):
    """No shop has installed Ritorno on this database yet."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who looks from inside a shop's admin: proven by a session token, bound to that shop.

    `is_by_header` is true for a fetch, which no other site can make: it needs no CSRF token. `member` is
    Shopify's number of who looks; "" in a frame of ours.
    """

    shop: str
    store_id: int
    is_by_header: bool
    member: str = ""


def visit() -> Visit | None:
    """The visit from a shop's admin that this request is, or None for a sign-in of our own."""
    found: Visit | None = g.get("visit")
    return found


def reader() -> Reader | None:
    """Who is signed in by this request's cookie, or None; looked up once a request."""
    if "reader" not in g:
        token = cookie.get(SESSION)
        g.reader = _reader_of(token) if isinstance(token, str) else None
    found: Reader | None = g.reader
    return found


def role() -> str | None:
    """What the reader is in the chosen store; a shop's staff come with what Shopify lets them do."""
    if visit() is not None:
        return roles.OWNER
    seen, store = reader(), g.get("store")
    return seen.role_in(store.id if store else None) if seen is not None else None


def runtime() -> Runtime:
    """The pieces of this process; their database shows the rows of this request's store, once it is bound."""
    if "runtime" not in g:
        built = _built()
        g.runtime = built.seeing(built.database.of_no_store())
    seeing: Runtime = g.runtime
    return seeing


def bind(store_id: int) -> None:
    """From here on this request sees the rows of one store; PostgreSQL holds it to that."""
    built = _built()
    bind_contextvars(store=store_id)
    g.runtime = built.seeing(built.database.of_store(store_id))


def bind_chosen() -> None:
    """Bind the request to the store that its reader looks at, as far as that is known before asking."""
    seen, mine = visit(), _visible()
    chosen = cookie.get(_CHOSEN) if seen is None else seen.store_id
    if chosen is not None and (mine is None or chosen in mine):
        bind(chosen)


def logins() -> Database:
    """The database for what members do with their own login: the log of every store of theirs tells it."""
    return _built().database.over_all_stores()


def load_stores(session: Session) -> list[Store]:
    """Every store the reader may look at, into `g` for the header; the chosen one is `g.store`.

    Which one it is stays so for the request: the role was looked up for that one.
    """
    wanted, mine = select(Store).order_by(Store.id), _visible()
    stores = list(session.scalars(wanted if mine is None else wanted.where(Store.id.in_(mine))))
    g.stores = stores
    held = g.get("store")
    chosen_id = held.id if held else cookie.get(_CHOSEN)
    chosen = [store for store in stores if store.id == chosen_id]
    connected = [store for store in stores if store.state == "connected"]
    g.store = next(iter(chosen or connected or stores), None)
    if g.store is not None:
        narrow(session, g.store.id)
        bind(g.store.id)
    return stores


def chosen_store(session: Session) -> Store:
    """The store whose screens are shown.

    Raises:
        NoStoreYet: there is none at all.
    """
    load_stores(session)
    if g.store is None:
        raise NoStoreYet("no store is connected yet")
    store: Store = g.store
    return store


def choose_store(session: Session, store_id: int) -> None:
    """Remember which store the member looks at.

    Raises:
        NotFound: there is no such store.
    """
    mine = _visible()
    if (mine is not None and store_id not in mine) or session.get(Store, store_id) is None:
        raise NotFound("there is no such store")
    cookie[_CHOSEN] = store_id


def rows_of(model: type[Model], store_id: int) -> Select[Model]:
    """The one door to a tenant's rows: a SELECT that is already bound to the store."""
    return select(model).where(_column(model, "store_id") == store_id)


def row_of(session: Session, model: type[Model], store_id: int, row_id: int) -> Model:
    """One row by its id.

    Raises:
        NotFound: it does not exist, or belongs to another store; the two look the same from outside.
    """
    found = None
    if row_id <= LARGEST_ID:
        found = session.scalars(rows_of(model, store_id).where(_column(model, "id") == row_id)).one_or_none()
    if found is None:
        raise NotFound("there is no such thing in this store")
    return found


def customer_of(session: Session, store_id: int, customer_id: int) -> Customer:
    """One customer by their id, or by that of a row that was merged into theirs.

    Raises:
        NotFound: there is none in this store.
    """
    known = aliases.present_id(session, store_id, customer_id) if customer_id <= LARGEST_ID else customer_id
    return row_of(session, Customer, store_id, known)


def literals(values: Sequence[str]) -> BindParameter[Any]:
    """Constants for `column.in_()` that stand in the SQL itself.

    A partial index is chosen only when the engine can see that the query implies its condition,
    which it cannot with placeholders.
    """
    return bindparam(None, list(values), expanding=True, literal_execute=True)


def count_up_to(session: Session, statement: Select[Any], cap: int) -> int:
    """How many rows the statement has, never looking at more than `cap + 1`."""
    some = statement.limit(cap + 1).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def minds_all() -> bool:
    """Whether who looks runs this installation, and may see what tells of any of its shops."""
    return _visible() is None


def _visible() -> Collection[int] | None:
    """The stores that the reader may see; None is all of them."""
    seen, signed_in = visit(), reader()
    if seen is not None:
        return (seen.store_id,)
    return () if signed_in is None else signed_in.roles


def _reader_of(token: str) -> Reader | None:
    database = runtime().database
    with database.read() as session:
        found = sessions.find(session, token)
    if found is not None and found.is_stale:
        # When they were last seen is worth no error page where the database cannot be written now.
        with suppress(Busy), database.write() as session:
            sessions.touch(session, found, clock.now())
    return found


def _built() -> Runtime:
    built: Runtime = current_app.extensions[EXTENSION]
    return built


def _column(model: type[Base], name: str) -> Any:
    return model.__table__.c[name]
