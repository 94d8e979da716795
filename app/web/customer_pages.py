"""What the customer's pages share: the message that a token names, and the frame of a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from flask import Response, abort, make_response, render_template
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import policies
from app.messaging.content import language_for
from app.messaging.links import ClickToken, ConfirmToken, MessageToken, RatingToken
from app.models import Customer, Message, Store
from app.stores import settings
from app.web.context import bind, runtime
from app.web.public_words import WORDS

Named = ClickToken | MessageToken | ConfirmToken | RatingToken
"""What a token of ours may name."""
_NAMED = (
    select(
        Message.id,
        Message.store_id,
        Message.customer_id,
        Message.channel,
        Message.sent_at,
        Message.content,
        Customer,
        Store,
    )
    .join(Store, Store.id == Message.store_id)
    .join(Customer, (Customer.store_id == Message.store_id) & (Customer.id == Message.customer_id))
    .where(Message.store_id == bindparam("store"), Message.id == bindparam("message"))
)


@dataclass(frozen=True, slots=True)
class Letter:
    """The message that a token names, as far as these pages need it."""

    message_id: int
    store_id: int
    customer_id: int
    channel: str
    sent_at: datetime | None
    content: bytes | None
    shop_name: str
    shop_url: str
    logo_url: str
    language: str
    is_erased: bool


class Opened(NamedTuple):
    """A letter with its shop and whoever it was sent to, as a session has them."""

    letter: Letter
    store: Store
    customer: Customer


def letter_of(named: Named | None) -> Letter:
    """The message that a token names; 404 if it names none."""
    with opened(named) as (_, found):
        return found.letter


@contextmanager
def opened(named: Named | None) -> Iterator[tuple[Session, Opened]]:
    """The message that a token names, and a session to read what else its page shows; 404 for none."""
    if named is not None:
        bind(named.store_id)
    with runtime().database.read() as session:
        found = find_opened(session, named)
        if found is None:
            abort(404)
        yield session, found


def find_opened(session: Session, named: Named | None) -> Opened | None:
    """The message that a token names, or None."""
    if named is None:
        return None
    row = session.execute(_NAMED, {"store": named.store_id, "message": named.message_id}).one_or_none()
    if row is None:
        return None
    customer, store = row.Customer, row.Store
    letter = Letter(
        message_id=row.id,
        store_id=row.store_id,
        customer_id=row.customer_id,
        channel=row.channel,
        sent_at=row.sent_at,
        content=row.content,
        shop_name=settings.read(store, "sender.name") or store.name,
        shop_url=store.url if "://" in store.url else f"https://{store.domain}",
        logo_url=settings.read(store, "brand.logo_url"),
        language=language_for(customer.locale, settings.read(store, "locale")),
        is_erased=customer.erased_at is not None,
    )
    return Opened(letter, store, customer)


def page(template: str, letter: Letter, *, status: int = 200, **values: object) -> Response:
    """One of `templates/public` in the customer's language; nobody may keep it or learn its address."""
    shown = render_template(
        f"public/{template}",
        language=letter.language,
        words=WORDS[letter.language],
        shop=letter.shop_name,
        shop_url=letter.shop_url,
        logo_url=letter.logo_url,
        channel=letter.channel,
        **values,
    )
    answer = make_response(shown, status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    if letter.logo_url:
        host = urlsplit(letter.logo_url).hostname
        pictures = f"'self' data: https://{host}:*"
        answer.headers["Content-Security-Policy"] = policies.policy(img_src=pictures)
    return answer
